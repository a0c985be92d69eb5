//! The C library as a DLL and as an archive for MinGW.

use crate::log::Log;
use crate::site::Site;
use crate::tools::cross::{self, WINDOWS};
use anyhow::Result;

pub fn windows(site: &Site, log: &Log) -> Result<()> {
    cross::run(site, "cargo")?
        .args(["build", "--target", WINDOWS, "--package", "untorn-ffi"])
        .log(log)?;
    cross::run(site, "bash")?
        .arg(site.root.join("ffi/tests/windows.sh"))
        .arg(cross::target(site).join(WINDOWS).join("debug"))
        .log(log)
}
