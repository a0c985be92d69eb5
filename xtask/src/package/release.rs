//! All that is published, in `dist/release`: for one platform, or for any.

use super::layout::{VERSION, directory_of, licences, staging};
use super::platform::{PLATFORMS, Platform};
use super::toolchain::Toolchain;
use super::{any, archive, c, check, npm, program};
use crate::log::Log;
use crate::progress::stage;
use crate::site::Site;
use anyhow::{Context, Result};
use std::fs;
use std::path::Path;

/// Everything that can be made on one Linux machine, then checked.
pub fn all(site: &Site) -> Result<()> {
    let out = directory_of(site);
    if out.exists() {
        fs::remove_dir_all(&out).with_context(|| format!("remove {}", out.display()))?;
    }
    for platform in &PLATFORMS {
        one(site, platform)?;
    }
    any(site)?;
    stage(site, "", "package-check", |log| check::run(site, log))
}

pub fn named(site: &Site, name: &str) -> Result<()> {
    if name == "any" {
        any(site)
    } else {
        one(site, Platform::named(name)?)
    }
}

/// What no platform is in.
fn any(site: &Site) -> Result<()> {
    stage(site, "", "package-any", |log| any::make(site, log))
}

fn one(site: &Site, platform: &'static Platform) -> Result<()> {
    let name = format!("package-{}", platform.name);
    stage(site, "", &name, |log| make(site, platform, log))
}

fn make(site: &Site, platform: &'static Platform, log: &Log) -> Result<()> {
    fs::create_dir_all(directory_of(site))?;
    let toolchain = Toolchain::set_up(site, platform, log)?;
    let built = toolchain.libraries(site, &directory_of(site), log)?;
    toolchain.command(site, log)?;
    npm::of_platform(site, platform, &built, log)?;
    c::of_platform(site, platform, &toolchain, &built, log)?;
    command(site, platform, &built, log)
}

/// The command, for those who have neither Rust nor Python nor Node.
fn command(site: &Site, platform: &Platform, built: &Path, log: &Log) -> Result<()> {
    let top = staging(site, &format!("untorn-cli-{VERSION}-{}", platform.name))?;
    let program = platform.program("untorn");
    super::copy(&built.join(&program), &top.join(&program))?;
    super::copy(&site.root.join("cli/README.md"), &top.join("README.md"))?;
    licences(site, &top)?;
    program::share(site, &top.join("share"), log)?;
    archive(site, &top, log)
}
