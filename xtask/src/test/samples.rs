//! The code on the pages, run by `site/samples/run.py`.

use super::node;
use crate::command::Run;
use crate::log::Log;
use crate::site::{Site, cargo};
use crate::tools::python;
use anyhow::Result;
use std::path::Path;

pub fn test(site: &Site, log: &Log) -> Result<()> {
    let venv = python::with_wheel(site, "samples-python", log)?;
    let pins = site.root.join("site/samples/requirements.txt");
    venv.install([Path::new("--requirement"), &pins], log)?;
    let project = node::project(site, log)?;
    Run::new(venv.python())
        .arg(site.root.join("site/samples/run.py"))
        .arg("--node")
        .arg(project)
        .arg("--prefix")
        .arg(site.dist_c())
        // The command that the wheel brings.
        .arg("--commands")
        .arg(venv.program(""))
        .arg("--work")
        .arg(site.own("samples"))
        .env("CARGO", cargo())
        .env("CARGO_TARGET_DIR", &site.target)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .dir(&site.root)
        .log(log)
}

/// A newcomer's way, with its steps and its seconds.
pub fn newcomer(site: &Site, log: &Log) -> Result<()> {
    let venv = python::Venv::ensure(site, "samples-python", log)?;
    Run::new(venv.python())
        .arg(site.root.join("examples/newcomer/first_append.py"))
        .dir(&site.root)
        .log(log)
}
