//! `cargo xtask package`: what a user installs, in dist/; what is published, in dist/release.

mod any;
pub mod c;
mod check;
mod import_names;
mod layout;
mod linker;
mod macho;
mod needs;
pub mod npm;
mod one_file;
pub mod platform;
pub mod program;
mod quick;
mod release;
mod shared;
mod sizes;
mod toolchain;
pub mod wheel;

use crate::command::Run;
use crate::log::Log;
use crate::progress::stage;
pub use crate::site::Kind;
use crate::site::Site;
use anyhow::{Context, Result};
use std::path::Path;

pub use any::CRATES;
pub use layout::directory_of as release_directory;

const LICENCES: [&str; 2] = ["LICENSE-APACHE", "LICENSE-MIT"];

#[derive(clap::Args)]
pub struct Options {
    /// Only this one
    #[arg(long, value_enum)]
    only: Option<Kind>,
    /// Everything that is published, for every platform, into dist/release; then --check
    #[arg(long, conflicts_with = "only")]
    all: bool,
    /// What is published for this platform; `any` has what is the same for all
    #[arg(long, value_name = "NAME", conflicts_with_all = ["only", "all"])]
    platform: Option<String>,
    /// Check what lies in dist/release, and write its checksums and sizes
    #[arg(long, conflicts_with_all = ["only", "all", "platform"])]
    check: bool,
}

type Maker = fn(&Site, &Log) -> Result<()>;

const PACKAGES: [(Kind, &str, Maker); 4] = [
    (Kind::C, "package-c", c::make),
    (Kind::Wheel, "package-wheel", wheel::make),
    (Kind::Npm, "package-npm", npm::make),
    (Kind::Command, "package-command", program::make),
];

pub fn run(site: &Site, options: &Options) -> Result<()> {
    if options.all {
        return release::all(site);
    }
    if let Some(name) = &options.platform {
        return release::named(site, name);
    }
    if options.check {
        return stage(site, "", "package-check", |log| check::run(site, log));
    }
    let wanted = |kind: &Kind| options.only.is_none_or(|only| only == *kind);
    these(site, wanted)?;
    println!("dist/ is ready: {}", site.dist().display());
    Ok(())
}

/// The libraries, for the commands that use them.
pub fn all(site: &Site) -> Result<()> {
    these(site, |kind| *kind != Kind::Command)
}

fn these(site: &Site, wanted: impl Fn(&Kind) -> bool) -> Result<()> {
    let chosen = || PACKAGES.into_iter().filter(|(kind, ..)| wanted(kind));
    let site = site.making(chosen().map(|(kind, ..)| kind).collect());
    chosen().try_for_each(|(_, name, make)| stage(&site, "", name, |log| make(&site, log)))
}

/// What the steps of the tests with these names make.
pub fn kinds<'a>(steps: impl Iterator<Item = &'a str>) -> Vec<Kind> {
    let kind_of = |step| PACKAGES.into_iter().find(|(_, name, _)| *name == step);
    steps.filter_map(|step| Some(kind_of(step)?.0)).collect()
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    std::fs::copy(from, to)
        .with_context(|| format!("copy {} to {}", from.display(), to.display()))
        .map(drop)
}

/// Packs a directory as `dist/release/NAME.tar.gz`: the same bytes for each build of a commit.
fn archive(site: &Site, top: &Path, log: &Log) -> Result<()> {
    let mut name = top
        .file_name()
        .context("a directory has a name")?
        .to_owned();
    name.push(".tar.gz");
    Run::new(crate::tools::python::interpreter()?)
        .arg(site.root.join("xtask/src/package/archive.py"))
        .arg(layout::directory_of(site).join(name))
        .arg(top)
        .env("SOURCE_DATE_EPOCH", toolchain::time_of_commit(site)?)
        .log(log)
}
