//! cargo-deny, in the version that `deny.toml` was written for.

use crate::command::Run;
use crate::log::Log;
use crate::site::{Site, cargo};
use anyhow::Result;
use std::path::PathBuf;

const VERSION: &str = "0.20.2";

/// The program; compiled on first use, which takes three minutes on two cores.
pub fn ensure(site: &Site, log: &Log) -> Result<PathBuf> {
    let root = site.own("tools");
    let program = root.join("bin/cargo-deny");
    let current = Run::new(&program)
        .arg("--version")
        .read()
        .is_ok_and(|version| version.trim().ends_with(VERSION));
    if !current {
        Run::new(cargo())
            .args(["install", "cargo-deny", "--locked", "--version", VERSION])
            .arg("--root")
            .arg(&root)
            // Its objects are of no use afterwards, but inside our own target
            // directory an interrupted build goes on where it was.
            .env("CARGO_TARGET_DIR", site.own("tools-build"))
            .log(log)?;
    }
    Ok(program)
}
