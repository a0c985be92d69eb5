//! The steps that cargo runs.

use crate::command::Run;
use crate::log::Log;
use crate::site::{Site, cargo};
use crate::tools::deny as cargo_deny;
use anyhow::Result;

/// The bindings build as part of the workspace too, but are tested as packages:
/// a test program of theirs would have to link libpython, or Node.
const BINDINGS: [&str; 4] = ["--exclude", "untorn-python", "--exclude", "untorn-node"];

fn run(site: &Site, arguments: &[&str]) -> Run {
    Run::new(cargo()).args(arguments).dir(&site.root)
}

pub fn fmt(site: &Site, log: &Log) -> Result<()> {
    run(site, &["fmt", "--all", "--check"]).log(log)
}

pub fn clippy(site: &Site, log: &Log) -> Result<()> {
    run(site, &["clippy", "--workspace", "--all-targets"])
        .args(["--", "--deny", "warnings"])
        .log(log)
}

pub fn deny(site: &Site, log: &Log) -> Result<()> {
    deny_check(site, &["licenses", "bans", "sources"], log)
}

pub fn deny_check(site: &Site, what: &[&str], log: &Log) -> Result<()> {
    Run::new(cargo_deny::ensure(site, log)?)
        .arg("check")
        .args(what)
        .dir(&site.root)
        .log(log)
}

pub fn test(site: &Site, log: &Log) -> Result<()> {
    run(site, &["test", "--workspace", "--no-fail-fast"])
        .args(BINDINGS)
        // It needs a server: the step `postgres`.
        .args(["--exclude", "untorn-postgres"])
        .log(log)
}

/// The features that the plain build does not have, and the examples in the documentation
/// that need them.
pub fn features(site: &Site, log: &Log) -> Result<()> {
    let all = ["--package", "untorn", "--features", "serde,tracing"];
    for what in ["--test=features", "--doc"] {
        run(site, &["test"]).args(all).arg(what).log(log)?;
    }
    run(site, &["clippy"])
        .args(all)
        .args(["--all-targets", "--", "--deny", "warnings"])
        .log(log)
}

/// Tests that try every call, error and length; `cargo test` takes a part of them.
pub fn exhaustive(site: &Site, log: &Log) -> Result<()> {
    run(site, &["test", "--package", "untorn", "--tests"])
        .env("UNTORN_DEEP", "1")
        .long()
        .log(log)
}

/// The cfg that replaces the core's mutexes by those of `shuttle` is for the whole
/// build, so it has a target directory of its own.
fn interleave(site: &Site, schedules: &str) -> Run {
    run(
        site,
        &["test", "--package", "untorn", "--test", "interleaved"],
    )
    .env("RUSTFLAGS", "--cfg untorn_interleaved")
    .env("CARGO_TARGET_DIR", site.root.join("target/interleaved"))
    .env("UNTORN_INTERLEAVINGS", schedules)
}

pub fn interleaved(site: &Site, log: &Log) -> Result<()> {
    interleave(site, "300").log(log)
}

pub fn interleaved_long(site: &Site, log: &Log) -> Result<()> {
    interleave(site, "10000").long().log(log)
}

/// Each family takes some minutes.
pub fn model(site: &Site, log: &Log) -> Result<()> {
    let seed = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
    let seed = seed.as_secs().to_string();
    log.line(&format!("UNTORN_MODEL_SEED={seed}"))?;
    run(site, &["test", "--package", "untorn", "--test", "model"])
        .env("UNTORN_MODEL_CASES", "1000")
        .env("UNTORN_MODEL_SEED", &seed)
        .long()
        .log(log)
}

pub fn doc(site: &Site, log: &Log) -> Result<()> {
    run(site, &["doc", "--workspace", "--no-deps"])
        .args(BINDINGS)
        .env("RUSTDOCFLAGS", "--deny warnings")
        .log(log)
}
