//! `cargo xtask package`: what a user installs, in dist/.

pub mod c;
pub mod npm;
pub mod wheel;

use crate::progress::{Log, stage};
use crate::site::Site;
use anyhow::Result;

#[derive(clap::Args)]
pub struct Options {
    /// Only this one
    #[arg(long, value_enum)]
    only: Option<Kind>,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Kind {
    C,
    Wheel,
    Npm,
}

type Maker = fn(&Site, &Log) -> Result<()>;

const PACKAGES: [(Kind, &str, Maker); 3] = [
    (Kind::C, "package-c", c::make),
    (Kind::Wheel, "package-wheel", wheel::make),
    (Kind::Npm, "package-npm", npm::make),
];

pub fn run(site: &Site, options: &Options) -> Result<()> {
    for (kind, name, make) in PACKAGES {
        if options.only.is_none_or(|only| only == kind) {
            stage(site, "", name, |log| make(site, log))?;
        }
    }
    println!("dist/ is ready: {}", site.dist().display());
    Ok(())
}

/// All three, for the commands that use them.
pub fn all(site: &Site) -> Result<()> {
    PACKAGES
        .into_iter()
        .try_for_each(|(_, name, make)| stage(site, "", name, |log| make(site, log)))
}
