//! The Python wheel.

use super::{Kind, quick};
use crate::command::Run;
use crate::log::Log;
use crate::site::Site;
use crate::tools::python::{self, Venv};
use anyhow::{Result, bail};
use std::path::Path;

pub fn make(site: &Site, log: &Log) -> Result<()> {
    let venv = python::build_venv(site, log)?;
    site.clear_dist_files("whl")?;
    let mut maturin = Run::new(venv.program("maturin"))
        .args(["build", "--release", "--interpreter"])
        .arg(venv.python())
        .arg("--out")
        .arg(site.dist())
        .dir(site.root.join("bindings/python"));
    let threaded = Run::new(venv.python())
        .args([
            "-c",
            "import sysconfig; print(sysconfig.get_config_var('Py_GIL_DISABLED') == 1)",
        ])
        .read()?
        .trim()
        == "True";
    // What a free-threaded Python loads is compiled for this Python alone.
    if !threaded {
        maturin = maturin.env("CARGO", quick::cargo_of(site, Kind::Wheel)?);
    }
    maturin.log(log)?;
    let wheel = site.dist_file("whl")?;
    // One wheel for every Python from 3.11 on; a feature lost from Cargo.toml would
    // make one for this Python only, and no test on this Python would notice. A
    // free-threaded Python has no limited API before 3.15.
    if !threaded && !wheel.to_string_lossy().contains("-abi3-") {
        bail!("{} is not an abi3 wheel", wheel.display());
    }
    written_again(site, &venv, &wheel, "zipfile", log)
}

/// Writes a wheel again, as `wheel.py` says. The module of Python compresses.
pub fn written_again(
    site: &Site,
    venv: &Venv,
    wheel: &Path,
    module: &str,
    log: &Log,
) -> Result<()> {
    Run::new(venv.python())
        .arg(site.root.join("xtask/src/package/wheel.py"))
        .arg(wheel)
        .args([&site.root.display().to_string(), module])
        .log(log)
}
