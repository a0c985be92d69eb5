//! The Python wheel.

use crate::command::Run;
use crate::log::Log;
use crate::site::Site;
use crate::tools::python;
use anyhow::{Result, bail};

pub fn make(site: &Site, log: &Log) -> Result<()> {
    let venv = python::build_venv(site, log)?;
    site.clear_dist_files("whl")?;
    Run::new(venv.program("maturin"))
        .args(["build", "--release", "--interpreter"])
        .arg(venv.python())
        .arg("--out")
        .arg(site.dist())
        .dir(site.root.join("bindings/python"))
        .log(log)?;
    let wheel = site.dist_file("whl")?;
    let threaded = Run::new(venv.python())
        .args([
            "-c",
            "import sysconfig; print(sysconfig.get_config_var('Py_GIL_DISABLED') == 1)",
        ])
        .read()?;
    // One wheel for every Python from 3.11 on; a feature lost from Cargo.toml would
    // make one for this Python only, and no test on this Python would notice. A
    // free-threaded Python has no limited API before 3.15.
    if threaded.trim() != "True" && !wheel.to_string_lossy().contains("-abi3-") {
        bail!("{} is not an abi3 wheel", wheel.display());
    }
    Ok(())
}
