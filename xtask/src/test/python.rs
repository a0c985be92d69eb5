//! The Python steps. Everything but the linters sees the installed wheel only.

use crate::command::Run;
use crate::log::Log;
use crate::site::Site;
use crate::tools::python::{Venv, with_test_tools};
use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};

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

/// Every directory with Python in it. Each is checked by itself: programs of the
/// same name in two of them are no package.
const PROGRAMS: [&str; 16] = [
    "bench/workers",
    "ci/try",
    "conformance",
    "conformance/c",
    "conformance/peers",
    "conformance/python",
    "conformance/torture",
    "examples/agent-cli",
    "examples/c-abi",
    "examples/demo",
    "examples/harness",
    "examples/locks",
    "examples/newcomer",
    "ffi/tests",
    "xtask/src/package",
    "site/samples",
];

/// Its Python has modules that the types for other systems lack.
const WINDOWS: &str = "ci/windows";

pub fn lint(site: &Site, log: &Log) -> Result<()> {
    let venv = venv(site, log)?;
    let package = site.root.join("bindings/python");
    let config = package.join("pyproject.toml");
    for verb in [&["check"][..], &["format", "--check"]] {
        Run::new(venv.program("ruff"))
            .args(verb)
            .arg("--config")
            .arg(&config)
            .arg(&package)
            .args(PROGRAMS)
            .arg(WINDOWS)
            // Not for mypy: what they import is installed for the site, or for the benchmark, alone.
            .args(["site/hooks.py", "site/reference", "bench/peers/python"])
            .dir(&site.root)
            .log(log)?;
    }
    Run::new(venv.python())
        .args(["-m", "mypy", "--strict"])
        .dir(&package)
        .log(log)?;
    let programs = PROGRAMS.map(|dir| (dir, &[][..]));
    let windows = (WINDOWS, &["--platform", "win32"][..]);
    for (dir, system) in programs.into_iter().chain([windows]) {
        Run::new(venv.python())
            .args(["-m", "mypy", "--strict"])
            .args(system)
            .args(python_files(&site.root.join(dir))?)
            // Where no settings are found: the library is the installed one.
            .dir(site.root.join(dir))
            .log(log)?;
    }
    Ok(())
}

fn python_files(dir: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir).with_context(|| format!("read {}", dir.display()))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "py") {
            files.push(path);
        }
    }
    if files.is_empty() {
        bail!("{} has no Python in it any more", dir.display());
    }
    Ok(files)
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
