//! `examples/`: session code of real programs, on untorn, with what had been reported of it.

use super::python;
use crate::command::Run;
use crate::progress::Log;
use crate::site::{Site, cargo};
use anyhow::Result;

pub fn test(site: &Site, log: &Log) -> Result<()> {
    Run::new(cargo())
        .args(["test", "--package", "untorn-chat-server"])
        .args(["--package", "untorn-supervisor"])
        .dir(&site.root)
        .log(log)?;
    let python = python::venv(site, log)?.python();
    for program in ["agent-cli", "harness"] {
        Run::new(&python)
            .args(["-P", "-m", "pytest", "-q", "-p", "no:cacheprovider"])
            .arg(site.root.join("examples").join(program))
            .env("PYTHONDONTWRITEBYTECODE", "1")
            // Not the settings of another project, which may lie further up.
            .arg("--rootdir")
            .arg(site.root.join("examples").join(program))
            .dir(&site.root)
            .log(log)?;
    }
    Ok(())
}
