//! Virtual environments.

use crate::command::Run;
use crate::log::Log;
use crate::site::Site;
use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};

/// The build tool of the wheel; see `python-tools.txt` for why it is pinned.
const MATURIN: &str = "maturin==1.16.0";

pub struct Venv {
    dir: PathBuf,
}

impl Venv {
    /// Makes the environment if it is missing, or no longer works (its Python was upgraded away).
    pub fn ensure(site: &Site, name: &str, log: &Log) -> Result<Venv> {
        let venv = Venv {
            dir: site.own(name),
        };
        let works = venv.python().exists()
            && Run::new(venv.python())
                .args(["-m", "pip", "--version"])
                .read()
                .is_ok();
        if !works {
            let python = interpreter()?;
            Run::new(&python)
                .args(["-m", "venv", "--clear"])
                .arg(&venv.dir)
                .log(log)
                .context("on Debian and Ubuntu `python3 -m venv` needs the package python3-venv")?;
        }
        Ok(venv)
    }

    /// Makes a new environment, so nothing of an earlier run can help a test to pass.
    pub fn fresh(site: &Site, name: &str, log: &Log) -> Result<Venv> {
        let dir = site.own(name);
        if dir.exists() {
            std::fs::remove_dir_all(&dir).with_context(|| format!("remove {}", dir.display()))?;
        }
        Venv::ensure(site, name, log)
    }

    pub fn python(&self) -> PathBuf {
        self.dir.join("bin").join("python")
    }

    /// A program that a package has put there.
    pub fn program(&self, name: &str) -> PathBuf {
        self.dir.join("bin").join(name)
    }

    pub fn install<I: IntoIterator<Item: AsRef<std::ffi::OsStr>>>(
        &self,
        what: I,
        log: &Log,
    ) -> Result<()> {
        Run::new(self.python())
            .args(["-m", "pip", "install", "--disable-pip-version-check"])
            .args(what)
            .log(log)
    }
}

/// The environment that builds the wheel.
pub fn build_venv(site: &Site, log: &Log) -> Result<Venv> {
    let venv = Venv::ensure(site, "python-build", log)?;
    venv.install([MATURIN], log)?;
    Ok(venv)
}

/// A fresh environment with the packaged wheel, and nothing else, installed.
pub fn with_wheel(site: &Site, name: &str, log: &Log) -> Result<Venv> {
    let venv = Venv::fresh(site, name, log)?;
    install_wheel(site, &venv, log)?;
    Ok(venv)
}

/// A fresh environment with the wheel and the pinned test tools.
pub fn with_test_tools(site: &Site, name: &str, log: &Log) -> Result<Venv> {
    let venv = Venv::fresh(site, name, log)?;
    let pins = site.root.join("xtask/python-tools.txt");
    venv.install([Path::new("--requirement"), &pins], log)?;
    install_wheel(site, &venv, log)?;
    Ok(venv)
}

fn install_wheel(site: &Site, venv: &Venv, log: &Log) -> Result<()> {
    let wheel = site.dist_file("whl")?;
    // No cache: pip would otherwise be free to take yesterday's wheel of the same version.
    venv.install([Path::new("--no-cache-dir"), &wheel], log)
}

/// The Python to work with: `PYTHON` if set, else `python3`.
pub fn interpreter() -> Result<String> {
    let python = std::env::var("PYTHON").unwrap_or_else(|_| "python3".into());
    let version = Run::new(&python)
        .args(["-c", "import sys; print('%d.%d' % sys.version_info[:2])"])
        .read()
        .with_context(|| {
            format!("Python 3.11 or newer is needed; `{python}` does not run (set PYTHON to name another)")
        })?;
    let mut numbers = version.trim().split('.').map(|n| n.parse::<u32>().ok());
    let (major, minor) = (numbers.next().flatten(), numbers.next().flatten());
    if (major, minor) < (Some(3), Some(11)) {
        bail!(
            "Python 3.11 or newer is needed; `{python}` is {} (set PYTHON to name another)",
            version.trim()
        );
    }
    Ok(python)
}
