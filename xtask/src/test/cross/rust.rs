//! The tests of the core.

use crate::command::Run;
use crate::log::Log;
use crate::site::Site;
use crate::tools::cross::{self, MAC, MUSL, WINDOWS};
use anyhow::Result;

pub fn windows(site: &Site, log: &Log) -> Result<()> {
    core(site, "test", WINDOWS)?
        .args(["--no-fail-fast", "--lib", "--tests"])
        // Wine serves one call of all processes at a time.
        .long()
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

/// All that users get. The program of a binding's tests would have to link Python, or Node.
const SHIPPED: [&str; 4] = ["untorn-ffi", "untorn-cli", "untorn-python", "untorn-node"];

/// Nothing made for macOS can be run here; and the test programs ask Linux for much of what
/// they compare with.
pub fn mac(site: &Site, log: &Log) -> Result<()> {
    MAC.iter()
        .try_for_each(|target| types(site, target)?.log(log))
}

pub fn windows_types(site: &Site, log: &Log) -> Result<()> {
    types(site, WINDOWS)?
        .env("LIBNODE_PATH", cross::libnode(site)?)
        .log(log)
}

/// The linter, which checks the types first.
fn types(site: &Site, target: &str) -> Result<Run> {
    let mut run = core(site, "clippy", target)?;
    for package in SHIPPED {
        run = run.args(["--package", package]);
    }
    Ok(run
        .args(["--", "--deny", "warnings"])
        // There is no Python of that system to be asked.
        .env("PYO3_CROSS", "1"))
}

fn core(site: &Site, verb: &str, target: &str) -> Result<Run> {
    let cargo = cross::run(site, "cargo")?;
    Ok(cargo.args([verb, "--target", target, "--package", "untorn"]))
}
