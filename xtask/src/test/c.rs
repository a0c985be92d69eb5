//! The C step.

use crate::command::Run;
use crate::log::Log;
use crate::site::Site;
use anyhow::Result;

pub fn test(site: &Site, log: &Log) -> Result<()> {
    Run::new("sh")
        .arg(site.root.join("ffi/tests/run.sh"))
        .env("UNTORN_PREFIX", site.dist_c())
        .dir(&site.root)
        .log(log)
}
