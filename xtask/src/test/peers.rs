//! Other programs' locks on the same files, and what `examples/locks` shows of them.

use super::{node, python};
use crate::command::Run;
use crate::log::Log;
use crate::site::{Site, cargo};
use crate::tools::node::npm;
use anyhow::Result;
use std::path::PathBuf;

/// Its last release for years; another would be another experiment.
const PROPER_LOCKFILE: &str = "proper-lockfile@4.1.2";

pub fn test(site: &Site, log: &Log) -> Result<()> {
    Run::new(cargo())
        .args(["build", "--package", "untorn-peers"])
        .dir(&site.root)
        .log(log)?;
    let project = project(site, log)?;
    python(site, log)?
        .arg(site.root.join("conformance/peers/peers.py"))
        .arg(site.target.join("debug/untorn-peer"))
        .arg(&project)
        .log(log)
}

/// In a short form: they fail if what they say is not what happens.
pub fn examples(site: &Site, log: &Log) -> Result<()> {
    let examples = site.root.join("examples/locks");
    python(site, log)?
        .arg(examples.join("rename_under_lock.py"))
        .arg("200")
        .log(log)?;
    python(site, log)?
        .arg(examples.join("record_locks.py"))
        .log(log)?;
    let project = project(site, log)?;
    Run::new("node")
        .arg("locks/stale_takeover.mjs")
        .dir(project)
        .log(log)
}

fn python(site: &Site, log: &Log) -> Result<Run> {
    Ok(Run::new(python::venv(site, log)?.python())
        .arg("-P")
        .dir(&site.root))
}

/// The project of the Node steps, with the peer beside untorn, and the programs
/// that use both.
fn project(site: &Site, log: &Log) -> Result<PathBuf> {
    let project = node::project(site, log)?;
    npm(&project).args(["install", PROPER_LOCKFILE]).log(log)?;
    for (from, name) in [("conformance/peers", "peers"), ("examples/locks", "locks")] {
        node::copy_tree(&site.root.join(from), &project.join(name))?;
    }
    Ok(project)
}
