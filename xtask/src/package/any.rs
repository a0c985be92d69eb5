//! What is the same for every platform: the source distribution, the npm package that picks the
//! addon, and the crates.

use super::layout::directory_of;
use super::{npm, toolchain};
use crate::command::Run;
use crate::log::Log;
use crate::site::{Site, cargo};
use crate::tools::python;
use anyhow::Result;
use std::fs;

/// In the order in which they can be published: each needs the ones before it.
pub const CRATES: [&str; 4] = ["untorn", "untorn-postgres", "untorn-ffi", "untorn-cli"];

pub fn make(site: &Site, log: &Log) -> Result<()> {
    fs::create_dir_all(directory_of(site))?;
    sdist(site, log)?;
    npm::main(site, log)?;
    crates(site, log)
}

fn sdist(site: &Site, log: &Log) -> Result<()> {
    Run::new(python::build_venv(site, log)?.program("maturin"))
        .args(["sdist", "--out"])
        .arg(directory_of(site))
        .dir(site.root.join("bindings/python"))
        .env("SOURCE_DATE_EPOCH", toolchain::time_of_commit(site)?)
        .log(log)
}

/// Packs each crate and compiles what was packed, as its users will.
fn crates(site: &Site, log: &Log) -> Result<()> {
    let mut run = Run::new(cargo()).args(["publish", "--dry-run", "--locked", "--allow-dirty"]);
    for name in CRATES {
        run = run.args(["--package", name]);
    }
    run.dir(&site.root).long().log(log)
}
