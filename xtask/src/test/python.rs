//! The Python steps. Everything but the linters sees the installed wheel only.

use crate::command::Run;
use crate::progress::Log;
use crate::site::Site;
use crate::tools::python::{Venv, with_test_tools};
use anyhow::Result;

const VENV: &str = "test-python";

pub fn install(site: &Site, log: &Log) -> Result<()> {
    with_test_tools(site, VENV, log).map(drop)
}

/// The environment that `python-install` made; made now if that step was not run.
pub fn venv(site: &Site, log: &Log) -> Result<Venv> {
    if site.own(VENV).exists() {
        Venv::ensure(site, VENV, log)
    } else {
        with_test_tools(site, VENV, log)
    }
}

pub fn lint(site: &Site, log: &Log) -> Result<()> {
    let venv = venv(site, log)?;
    let dir = site.root.join("bindings/python");
    let sources = ["bindings/python", "conformance", "examples", "bench"];
    let existing: Vec<_> = sources
        .iter()
        .map(|name| site.root.join(name))
        .filter(|path| path.exists())
        .collect();
    let config = dir.join("pyproject.toml");
    for verb in [&["check"][..], &["format", "--check"]] {
        Run::new(venv.program("ruff"))
            .args(verb)
            .arg("--config")
            .arg(&config)
            .args(&existing)
            .dir(&site.root)
            .log(log)?;
    }
    Run::new(venv.python())
        .args(["-m", "mypy", "--strict"])
        .dir(&dir)
        .log(log)?;
    Run::new(venv.python())
        .args(["-m", "mypy", "--strict"])
        .arg(site.root.join("examples/demo/writer.py"))
        .dir(&dir)
        .log(log)
}

pub fn stubs(site: &Site, log: &Log) -> Result<()> {
    // From a directory with no package in it: the installed one is what is checked.
    Run::new(venv(site, log)?.python())
        .args(["-m", "mypy.stubtest", "untorn"])
        .dir(site.own("logs"))
        .log(log)
}

pub fn test(site: &Site, log: &Log) -> Result<()> {
    let dir = site.root.join("bindings/python");
    // `-P`: not the package in the source tree, which has no built extension.
    Run::new(venv(site, log)?.python())
        .args(["-P", "-m", "pytest", "-q"])
        .dir(&dir)
        .log(log)
}
