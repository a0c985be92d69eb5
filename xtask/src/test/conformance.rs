//! The shared cases and the kill tests.

use super::{node, python};
use crate::command::Run;
use crate::progress::Log;
use crate::site::{Site, cargo};
use anyhow::{Context, Result};

pub fn rust(site: &Site, log: &Log) -> Result<()> {
    Run::new(cargo())
        .args(["test", "--package", "untorn", "--test", "conformance"])
        .dir(&site.root)
        .log(log)
}

pub fn c(site: &Site, log: &Log) -> Result<()> {
    Run::new("sh")
        .arg(site.root.join("conformance/c/run.sh"))
        .env("UNTORN_PREFIX", site.dist_c())
        .dir(&site.root)
        .log(log)
}

pub fn python(site: &Site, log: &Log) -> Result<()> {
    Run::new(python::venv(site, log)?.python())
        .arg("-P")
        .arg(site.root.join("conformance/python/run.py"))
        .dir(&site.root)
        .log(log)
}

pub fn node(site: &Site, log: &Log) -> Result<()> {
    let project = node::project(site, log)?;
    node::copy_tree(&site.root.join("conformance"), &project.join("conformance"))?;
    Run::new("node")
        .arg("conformance/node/run.mjs")
        .dir(project)
        .log(log)
}

pub fn kill(_site: &Site, _log: &Log) -> Result<()> {
    anyhow::bail!("not wired yet")
}
