//! Compilers and standard libraries for other systems, and Wine: set up by
//! `ci/windows/setup.sh`, once.

use crate::command::Run;
use crate::log::Log;
use crate::site::Site;
use anyhow::{Context, Result};
use std::path::PathBuf;

pub const WINDOWS: &str = "x86_64-pc-windows-gnu";
pub const MAC: [&str; 2] = ["aarch64-apple-darwin", "x86_64-apple-darwin"];
pub const MUSL: &str = "x86_64-unknown-linux-musl";

/// Sets up what is still missing: four minutes the first time, then seconds.
pub fn ensure(site: &Site, log: &Log) -> Result<()> {
    Run::new("bash")
        .arg(site.root.join("ci/windows/setup.sh"))
        .args(MAC)
        .arg(MUSL)
        .env("CROSS_HOME", home()?)
        .log(log)
        .context(
            "the tests for other systems need packages of Debian 12 and the right to install \
             them; `cargo xtask test` without --windows does without",
        )
}

/// Debian's standard libraries for other targets, this one among them.
pub fn sysroot(site: &Site, target: &str, log: &Log) -> Result<PathBuf> {
    let home = home()?;
    Run::new("bash")
        .arg(site.root.join("ci/cross/ensure.sh"))
        .arg(target)
        .env("CROSS_HOME", &home)
        .long()
        .log(log)
        .context(
            "rustup has no standard library for this target; to build one takes Debian 12 \
             with its package rust-web-src",
        )?;
    Ok(home.join("sysroot"))
}

/// An empty `libnode.dll`. `napi-build` looks for one, though nothing is linked from it: the
/// addon finds Node's functions when it is loaded.
pub fn libnode(site: &Site) -> Result<PathBuf> {
    let dir = site.own("libnode");
    std::fs::create_dir_all(&dir).with_context(|| format!("create {}", dir.display()))?;
    std::fs::write(dir.join("empty.c"), "")?;
    Run::new("x86_64-w64-mingw32-gcc")
        .args(["-shared", "-o", "libnode.dll", "empty.c"])
        .dir(&dir)
        .read()?;
    Ok(dir)
}

/// A command with all that set up.
pub fn run(site: &Site, program: &str) -> Result<Run> {
    Ok(Run::new("bash")
        .arg(site.root.join("ci/windows/run.sh"))
        .arg(program)
        .env("CROSS_HOME", home()?)
        // Another compiler than ours: it would build everything again each time.
        .env("CARGO_TARGET_DIR", target(site))
        .dir(&site.root))
}

pub fn target(site: &Site) -> PathBuf {
    site.own("cross")
}

/// Not below the target directory: it serves every checkout, and `cargo clean`
/// need not cost four minutes.
fn home() -> Result<PathBuf> {
    if let Some(home) = std::env::var_os("UNTORN_CROSS_HOME") {
        return Ok(home.into());
    }
    let cache = match std::env::var_os("XDG_CACHE_HOME").filter(|dir| !dir.is_empty()) {
        Some(cache) => PathBuf::from(cache),
        None => PathBuf::from(std::env::var_os("HOME").context("HOME is not set")?).join(".cache"),
    };
    Ok(cache.join("untorn").join("cross"))
}
