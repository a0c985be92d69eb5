//! The tests of the core.

use crate::command::Run;
use crate::progress::Log;
use crate::site::Site;
use crate::tools::cross::{self, MAC, MUSL, WINDOWS};
use anyhow::{Context, Result, bail};

/// Test programs that are of Unix from the first line to the last, and have a
/// `main` of their own, which no attribute can take away. (The others say by
/// `cfg` what is not for Windows, and why.)
const UNIX_ONLY: [&str; 2] = ["media", "process"];

pub fn windows(site: &Site, log: &Log) -> Result<()> {
    let tests = tests(site)?;
    let chosen = tests
        .iter()
        .filter(|name| !UNIX_ONLY.contains(&name.as_str()))
        .flat_map(|name| ["--test", name]);
    core(site, "test", WINDOWS)?
        .args(["--no-fail-fast", "--lib"])
        .args(chosen)
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

/// The names of `core/tests`.
fn tests(site: &Site) -> Result<Vec<String>> {
    let dir = site.root.join("core/tests");
    let mut names = Vec::new();
    for entry in std::fs::read_dir(&dir).with_context(|| format!("read {}", dir.display()))? {
        let name = entry?.file_name();
        if let Some(name) = name.to_str().and_then(|name| name.strip_suffix(".rs")) {
            names.push(name.to_owned());
        }
    }
    names.sort();
    if let Some(gone) = UNIX_ONLY
        .iter()
        .find(|only| names.iter().all(|n| n != *only))
    {
        bail!("there is no test program `{gone}` any more");
    }
    Ok(names)
}
