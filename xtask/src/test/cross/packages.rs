//! The Python and the Node package, on Windows.

use crate::log::Log;
use crate::site::Site;
use crate::tools::cross::{self, WINDOWS};
use crate::tools::python;
use anyhow::{Context, Result};

pub fn windows(site: &Site, log: &Log) -> Result<()> {
    let work = site.own("windows-packages");
    std::fs::create_dir_all(&work).with_context(|| format!("create {}", work.display()))?;
    cross::run(site, "cargo")?
        .args(["build", "--target", WINDOWS])
        .args(["--package", "untorn-python", "--package", "untorn-node"])
        .env("LIBNODE_PATH", cross::libnode(site)?)
        // There is no Python of Windows to be asked.
        .env("PYO3_CROSS", "1")
        .log(log)?;
    cross::run(site, "bash")?
        .arg(site.root.join("ci/windows/packages.sh"))
        .arg(cross::target(site).join(WINDOWS).join("debug"))
        .arg(work)
        .arg(python::build_venv(site, log)?.python())
        .log(log)
}
