//! What checks wheels, npm packages and libraries; then the checksums.

use super::layout::{VERSION, directory_of, files, staging};
use super::platform::Platform;
use super::{needs, sizes};
use crate::command::Run;
use crate::log::Log;
use crate::site::Site;
use crate::tools::node;
use crate::tools::python::Venv;
use anyhow::{Context, Result, bail};
use std::path::Path;

const PUBLINT: &str = "publint@0.3.25";
const TYPES: &str = "@arethetypeswrong/cli@0.18.5";

pub fn run(site: &Site, log: &Log) -> Result<()> {
    wheels(site, log)?;
    npm(site, log)?;
    needs::check(site, log)?;
    components(site, log)?;
    sizes::table(site, log)?;
    checksums(site, log)
}

fn wheels(site: &Site, log: &Log) -> Result<()> {
    let wheels = files(site, "untorn-", ".whl")?;
    if wheels.is_empty() {
        return log.line("no wheels");
    }
    let venv = Venv::ensure(site, "package-check", log)?;
    let pins = site.root.join("xtask/package-tools.txt");
    venv.install([Path::new("--requirement"), &pins], log)?;
    Run::new(venv.program("twine"))
        .args(["check", "--strict"])
        .args(&wheels)
        .args(files(site, &format!("untorn-{VERSION}"), ".tar.gz")?)
        .log(log)?;
    for wheel in &wheels {
        contents_of_wheel(wheel)?;
        let name = wheel.to_string_lossy();
        if name.contains("-abi3-") {
            Run::new(venv.program("abi3audit"))
                .args(["--strict", "--verbose"])
                .arg(wheel)
                .log(log)?;
        }
        // It looks for what a wheel of musl needs on this machine, where nothing of musl is.
        if name.contains("manylinux") {
            let shown = Run::new(venv.program("auditwheel"))
                .arg("show")
                .arg(wheel)
                .read()?;
            log.line(&shown)?;
            let tag = name
                .rsplit('-')
                .next()
                .and_then(|tags| tags.strip_suffix(".whl"))
                .and_then(|tags| tags.split('.').next())
                .unwrap_or_default();
            if !shown.contains(tag) {
                bail!("auditwheel does not find {tag} in {name}:\n{shown}");
            }
        }
    }
    Ok(())
}

/// Nothing but the package, its types and its texts.
fn contents_of_wheel(wheel: &Path) -> Result<()> {
    let listing = Run::new(crate::tools::python::interpreter()?)
        .args([
            "-c",
            "import sys, zipfile; print('\\n'.join(zipfile.ZipFile(sys.argv[1]).namelist()))",
        ])
        .arg(wheel)
        .read()?;
    for name in listing.lines() {
        let known = [".py", ".pyi", ".so", ".pyd", "/py.typed"]
            .iter()
            .any(|end| name.starts_with("untorn/") && name.ends_with(end));
        if !known && !name.starts_with(&format!("untorn-{VERSION}.dist-info/")) {
            bail!("{} has {name} in it, which no user needs", wheel.display());
        }
    }
    Ok(())
}

fn npm(site: &Site, log: &Log) -> Result<()> {
    let mut named = Vec::new();
    for tarball in files(site, "untorn-", ".tgz")? {
        let listing = Run::new("tar").arg("-tzf").arg(&tarball).read()?;
        let main = tarball.ends_with(format!("untorn-{VERSION}.tgz"));
        let addon = listing.lines().any(|name| name.ends_with(".node"));
        if addon == main {
            bail!(
                "{} has an addon in it, or lacks it:\n{listing}",
                tarball.display()
            );
        }
        for text in super::LICENCES.into_iter().chain(["README.md"]) {
            if !listing
                .lines()
                .any(|name| name == format!("package/{text}"))
            {
                bail!("{} has no {text}:\n{listing}", tarball.display());
            }
        }
        named.push((tarball, main));
    }
    let Some((tarball, _)) = named.iter().find(|(_, main)| *main) else {
        return log.line("no package untorn for npm");
    };
    let dir = staging(site, "npm-check")?;
    std::fs::write(dir.join("package.json"), "{ \"private\": true }\n")?;
    node::npm(&dir)
        .args(["install", "--no-save", PUBLINT, TYPES])
        .log(log)?;
    let bin = dir.join("node_modules/.bin");
    for tarball in named.iter().map(|(tarball, _)| tarball) {
        Run::new(bin.join("publint"))
            .args(["run", "--strict"])
            .arg(tarball)
            .dir(&dir)
            .log(log)?;
    }
    Run::new(bin.join("attw"))
        .args(["--no-emoji"])
        .arg(tarball)
        .dir(&dir)
        .log(log)
}

/// The list of crates that maturin has put into each wheel, for the release as a whole.
fn components(site: &Site, log: &Log) -> Result<()> {
    let linux = Platform::named("linux-x64-gnu")?;
    let wheels = files(site, "untorn-", ".whl")?;
    let Some(wheel) = wheels
        .iter()
        .find(|wheel| linux.is_wheel(&wheel.to_string_lossy()))
    else {
        return log.line("no wheel to take the list of crates from");
    };
    Run::new(crate::tools::python::interpreter()?)
        .args([
            "-c",
            "import sys, zipfile\n\
             wheel = zipfile.ZipFile(sys.argv[1])\n\
             [name] = [n for n in wheel.namelist() if n.endswith('.cyclonedx.json')]\n\
             open(sys.argv[2], 'wb').write(wheel.read(name))",
        ])
        .arg(wheel)
        .arg(directory_of(site).join("untorn.cdx.json"))
        .log(log)
}

fn checksums(site: &Site, log: &Log) -> Result<()> {
    let dir = directory_of(site);
    let mut names = Vec::new();
    for path in files(site, "untorn", "")? {
        let name = path.file_name().context("a file has a name")?;
        names.push(name.to_owned());
    }
    let sums = Run::new("sha256sum").args(names).dir(&dir).read()?;
    log.line(&sums)?;
    std::fs::write(dir.join("SHA256SUMS"), sums).context("write SHA256SUMS")
}
