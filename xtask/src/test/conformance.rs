//! The shared cases, and the examples of the README.

use super::{node, python};
use crate::command::Run;
use crate::log::Log;
use crate::site::{Site, cargo};
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};

pub fn rust(site: &Site, log: &Log) -> Result<()> {
    Run::new(cargo())
        .args([
            "test",
            "--package",
            "untorn",
            "--test",
            "it",
            "conformance::",
        ])
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
    copy(site, &project)?;
    Run::new("node")
        .arg("conformance/node/run.mjs")
        .dir(project)
        .log(log)
}

/// Copies the cases into a project: Node looks for packages beside the file that asks
/// for them.
pub fn copy(site: &Site, project: &Path) -> Result<PathBuf> {
    let copy = project.join("conformance");
    if copy.exists() {
        std::fs::remove_dir_all(&copy).with_context(|| format!("remove {}", copy.display()))?;
    }
    node::copy_tree(&site.root.join("conformance"), &copy)?;
    Ok(copy)
}

/// The examples of the README, run as a reader would run them.
pub fn readme(site: &Site, log: &Log) -> Result<()> {
    let python = python::venv(site, log)?.python();
    let project = node::project(site, log)?;
    let example = |language: &str| {
        Run::new(&python)
            .arg("-P")
            .arg(site.root.join("conformance/readme.py"))
            .arg(language)
            .env("UNTORN_PREFIX", site.dist_c())
            .dir(&project)
            .log(log)
    };
    ["python", "node", "c"].into_iter().try_for_each(example)
}
