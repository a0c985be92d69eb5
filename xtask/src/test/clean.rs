//! Generated files are committed, and are what the generators write.

use crate::command::Run;
use crate::log::Log;
use crate::site::Site;
use anyhow::{Context, Result};

pub fn check(site: &Site, log: &Log) -> Result<()> {
    if std::env::var_os("CI").is_none_or(|value| value != "true") {
        // At a desk, a difference is what one is working on.
        return log.line("not in CI: differences are the developer's own");
    }
    Run::new("git")
        .args(["diff", "--exit-code"])
        .dir(&site.root)
        .log(log)
        .context("a build or a test changed a committed file: commit what it wrote")
}
