//! What the project takes from others: advisories on it, the oldest compiler that takes it,
//! and the workflows that publish it.

use super::rust::deny_check;
use crate::command::{Run, on_path};
use crate::log::Log;
use crate::site::Site;
use crate::tools::node::{ensure_tools, npm};
use crate::tools::python::Venv;
use anyhow::{Context, Result, bail};

/// Not a part of every run: the answer changes from day to day without any change of ours, and
/// needs data that is not in the package registries.
pub fn advisories(site: &Site, log: &Log) -> Result<()> {
    deny_check(site, &["advisories"], log)?;
    npm(&ensure_tools(site, log)?).arg("audit").log(log)
}

/// Not a part of every run: a desk seldom has a compiler that old.
pub fn oldest_rust(site: &Site, log: &Log) -> Result<()> {
    if !on_path("rustup") {
        bail!("the oldest compiler comes from rustup, which is not there");
    }
    let version = oldest(site)?;
    Run::new("rustup")
        .args(["toolchain", "install", "--profile", "minimal", &version])
        .log(log)?;
    Run::new("rustup")
        .args(["run", &version, "cargo", "check", "--locked"])
        .args(["--package", "untorn", "--package", "untorn-ffi"])
        .args(["--package", "untorn-cli", "--package", "untorn-postgres"])
        .env("CARGO_TARGET_DIR", site.own("oldest-rust"))
        // It is set where cargo runs us, and names another compiler.
        .env("RUSTUP_TOOLCHAIN", &version)
        .dir(&site.root)
        .log(log)
}

fn oldest(site: &Site) -> Result<String> {
    let manifest: toml::Value =
        toml::from_str(&std::fs::read_to_string(site.root.join("Cargo.toml"))?)?;
    manifest["workspace"]["package"]["rust-version"]
        .as_str()
        .map(str::to_owned)
        .context("Cargo.toml has no rust-version")
}

/// The syntax and the types of expressions; then what makes a workflow unsafe: actions that are not
/// pinned, rights that are not needed, text of strangers in a shell.
pub fn workflows(site: &Site, log: &Log) -> Result<()> {
    let venv = Venv::ensure(site, "workflow-tools", log)?;
    let pins = site.root.join("xtask/workflow-tools.txt");
    venv.install([std::path::Path::new("--requirement"), &pins], log)?;
    Run::new(venv.program("actionlint"))
        .dir(&site.root)
        .log(log)?;
    Run::new(venv.program("zizmor"))
        .args(["--offline", "--persona", "pedantic", ".github"])
        .dir(&site.root)
        .log(log)
}
