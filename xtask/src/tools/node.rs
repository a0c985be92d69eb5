//! npm projects.

use crate::command::Run;
use crate::log::Log;
use crate::site::Site;
use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};

/// The binding's own directory with its development tools installed, as its lock file says.
pub fn ensure_tools(site: &Site, log: &Log) -> Result<PathBuf> {
    check_version()?;
    let dir = site.root.join("bindings/node");
    // npm leaves its own copy of the lock file where it installs: nothing to do
    // if that is the newer one.
    let (wanted, installed) = (
        dir.join("package-lock.json"),
        dir.join("node_modules/.package-lock.json"),
    );
    if !newer(&installed, &wanted)? {
        // The versions of the lock file, which stays as it is. Not `npm ci`: that refuses
        // a lock file made where the registry's mirror lacks an optional package of some
        // other platform, and the build tool has dozens of those.
        npm(&dir).args(["install", "--no-save"]).log(log)?;
    }
    Ok(dir)
}

/// An empty project of its own with the packaged tarball installed, and `also` beside it.
pub fn with_tarball(site: &Site, name: &str, also: &[&str], log: &Log) -> Result<PathBuf> {
    check_version()?;
    let dir = site.own(name);
    if dir.exists() {
        std::fs::remove_dir_all(&dir).with_context(|| format!("remove {}", dir.display()))?;
    }
    std::fs::create_dir_all(&dir).with_context(|| format!("create {}", dir.display()))?;
    std::fs::write(dir.join("package.json"), "{ \"private\": true }\n")?;
    npm(&dir)
        .arg("install")
        .arg(site.dist_file("tgz")?)
        .args(also)
        .log(log)?;
    Ok(dir)
}

pub fn npm(dir: &Path) -> Run {
    // None of the three has anything to do with the work, and each of them talks to the network.
    Run::new("npm")
        .args(["--no-audit", "--no-fund", "--no-update-notifier"])
        .dir(dir)
}

fn newer(file: &Path, than: &Path) -> Result<bool> {
    let time = |path: &Path| match path.metadata() {
        Ok(metadata) => metadata.modified().map(Some),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    };
    let wanted =
        time(than)?.with_context(|| format!("{} is missing: it pins the tools", than.display()))?;
    Ok(time(file)?.is_some_and(|installed| installed >= wanted))
}

fn check_version() -> Result<()> {
    let version = Run::new("node")
        .args(["-p", "process.versions.node"])
        .read()
        .context("Node 20.17 or newer is needed")?;
    let mut numbers = version.trim().split('.').map(|n| n.parse::<u32>().ok());
    let (major, minor) = (numbers.next().flatten(), numbers.next().flatten());
    if (major, minor) < (Some(20), Some(17)) {
        bail!("Node 20.17 or newer is needed; this is {}", version.trim());
    }
    Ok(())
}
