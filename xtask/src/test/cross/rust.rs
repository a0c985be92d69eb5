//! The tests of the core.

use crate::command::Run;
use crate::log::Log;
use crate::site::Site;
use crate::tools::cross::{self, MAC, MUSL, WINDOWS};
use anyhow::Result;

pub fn windows(site: &Site, log: &Log) -> Result<()> {
    core(site, "test", WINDOWS)?
        .args(["--no-fail-fast", "--lib", "--tests"])
        .log(log)?;
    // What had been reported of the program that it is modelled on was of Windows.
    cross::run(site, "cargo")?
        .args(["test", "--target", WINDOWS])
        .args(["--package", "untorn-chat-server"])
        .log(log)
}

pub fn musl(site: &Site, log: &Log) -> Result<()> {
    core(site, "test", MUSL)?
        .args(["--no-fail-fast", "--lib", "--tests"])
        .log(log)
}

/// Nothing made for macOS can be linked or run here; and the test programs ask
/// Linux for much of what they compare with.
pub fn mac(site: &Site, log: &Log) -> Result<()> {
    MAC.iter().try_for_each(|target| {
        core(site, "check", target)?
            .args(["--package", "untorn-ffi", "--lib"])
            .log(log)
    })
}

fn core(site: &Site, verb: &str, target: &str) -> Result<Run> {
    let cargo = cross::run(site, "cargo")?;
    Ok(cargo.args([verb, "--target", target, "--package", "untorn"]))
}
