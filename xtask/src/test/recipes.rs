//! `examples/`: session code of real programs, on untorn, with what had been reported of it.

use super::{node, python};
use crate::command::Run;
use crate::log::Log;
use crate::site::{Site, cargo};
use anyhow::{Context, Result};

pub fn test(site: &Site, log: &Log) -> Result<()> {
    rust(site, log)?;
    python(site, log)?;
    typescript(site, log)
}

fn rust(site: &Site, log: &Log) -> Result<()> {
    Run::new(cargo())
        .args(["test", "--package", "untorn-chat-server"])
        .args(["--package", "untorn-supervisor"])
        .args(["--package", "untorn-tokio-example"])
        .dir(&site.root)
        .log(log)
}

fn python(site: &Site, log: &Log) -> Result<()> {
    let python = python::venv(site, log)?.python();
    ["agent-cli", "harness"].into_iter().try_for_each(|name| {
        let program = site.root.join("examples").join(name);
        Run::new(&python)
            .args(["-P", "-m", "pytest", "-q", "-p", "no:cacheprovider"])
            // Not the settings of whatever project lies further up.
            .arg("--rootdir")
            .args([&program, &program])
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .dir(&site.root)
            .log(log)
    })
}

fn typescript(site: &Site, log: &Log) -> Result<()> {
    let project = node::project(site, log)?;
    // Written again: a test that was renamed would run as it was.
    let copy = project.join("watcher");
    if copy.exists() {
        std::fs::remove_dir_all(&copy).with_context(|| format!("remove {}", copy.display()))?;
    }
    node::copy_tree(&site.root.join("examples/watcher"), &copy)?;
    Run::new(project.join("node_modules/.bin/tsc"))
        .args(["--project", "watcher"])
        .dir(&project)
        .log(log)?;
    Run::new("node")
        .args(["--test", "--test-reporter", "spec"])
        .arg("watcher/watcher.test.mjs")
        .dir(&project)
        .log(log)
}
