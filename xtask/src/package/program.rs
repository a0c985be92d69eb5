//! The command by itself, for a machine that has neither Rust nor Python nor Node.

use super::{Kind, copy, quick};
use crate::command::Run;
use crate::log::Log;
use crate::site::{Site, cargo};
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::Path;

pub fn make(site: &Site, log: &Log) -> Result<()> {
    let built = quick::compile(site, Kind::Command, log)?;
    let dir = site.dist().join("bin");
    fs::create_dir_all(&dir).with_context(|| format!("create {}", dir.display()))?;
    let program = dir.join("untorn");
    copy(&built.join("untorn"), &program)?;
    if cfg!(target_os = "linux") {
        Run::new("strip").arg(&program).log(log)?;
        is_static(&program)?;
    }
    share(site, &site.dist().join("share"), log)?;
    Run::new(&program).arg("--version").log(log)
}

/// Its man pages and its completions for shells, below a directory like `/usr/share`.
pub fn share(site: &Site, to: &Path, log: &Log) -> Result<()> {
    man_pages(site, &to.join("man/man1"), log)?;
    example(
        site,
        "completions",
        to,
        &to.join("bash-completion/completions/untorn"),
        log,
    )
}

pub fn man_pages(site: &Site, to: &Path, log: &Log) -> Result<()> {
    example(site, "man", to, &to.join("untorn.1"), log)
}

/// Runs an example of the command that writes files. They are the same for every platform
/// and whatever is built, so nothing is optimized for them.
fn example(site: &Site, name: &str, to: &Path, first: &Path, log: &Log) -> Result<()> {
    Run::new(cargo())
        .args(["run", "--package", "untorn-cli", "--example", name, "--"])
        .arg(to)
        .dir(&site.root)
        .log(log)?;
    if !first.is_file() {
        bail!(
            "{} was not written: see cli/examples/{name}.rs",
            first.display()
        );
    }
    Ok(())
}

/// Fails if the program needs a loader, and so the C library of the machine that built it.
fn is_static(program: &Path) -> Result<()> {
    let headers = Run::new("readelf").args(["-W", "-l"]).arg(program).read()?;
    if headers.contains("INTERP") {
        bail!("{} is not a static program", program.display());
    }
    Ok(())
}
