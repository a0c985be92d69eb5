//! What the writers run on: each language with the packaged library, installed.

use crate::command::Run;
use crate::package;
use crate::progress::{Log, stage};
use crate::site::{Site, cargo};
use crate::tools::{node, python};
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};

/// How to start a writer of one language; the arguments of all four are the same.
pub struct Language {
    pub name: &'static str,
    pub program: PathBuf,
    /// The script, where the program is an interpreter.
    pub script: Option<PathBuf>,
}

/// Builds and installs; the writers' languages, in the order of the table.
pub fn languages(site: &Site, build_packages: bool) -> Result<Vec<Language>> {
    if build_packages {
        package::all(site)?;
    }
    Ok(vec![
        stage(site, "", "demo-python", |log| python_writer(site, log))?,
        stage(site, "", "demo-node", |log| node_writer(site, log))?,
        stage(site, "", "demo-c", |log| c_writer(site, log))?,
        stage(site, "", "demo-rust", |log| rust_writer(site, log))?,
    ])
}

fn source(site: &Site, name: &str) -> PathBuf {
    site.root.join("examples/demo").join(name)
}

fn python_writer(site: &Site, log: &Log) -> Result<Language> {
    let venv = python::with_wheel(site, "demo-python", log)?;
    Ok(Language {
        name: "python",
        program: venv.python(),
        script: Some(source(site, "writer.py")),
    })
}

fn node_writer(site: &Site, log: &Log) -> Result<Language> {
    let project = node::with_tarball(site, "demo-node", &[], log)?;
    // Node looks for packages beside the script, so the script goes where they are.
    let script = project.join("writer.mjs");
    copy(&source(site, "writer.mjs"), &script)?;
    Ok(Language {
        name: "node",
        program: "node".into(),
        script: Some(script),
    })
}

fn c_writer(site: &Site, log: &Log) -> Result<Language> {
    let program = site.own("demo-c-writer");
    let dist = site.dist_c();
    let lib = dist.join("lib");
    // What `pkg-config --cflags --libs untorn` says; a demo should not need it installed.
    Run::new(std::env::var("CC").unwrap_or_else(|_| "cc".into()))
        .args(["-std=c11", "-O2", "-Wall", "-Wextra", "-I"])
        .arg(dist.join("include"))
        .arg(source(site, "writer.c"))
        .arg("-o")
        .arg(&program)
        .arg(format!("-L{}", lib.display()))
        .arg("-luntorn")
        .arg(format!("-Wl,-rpath,{}", lib.display()))
        .log(log)?;
    Ok(Language {
        name: "c",
        program,
        script: None,
    })
}

fn rust_writer(site: &Site, log: &Log) -> Result<Language> {
    Run::new(cargo())
        .args(["build", "--release", "--package", "untorn-demo-writer"])
        .dir(&site.root)
        .log(log)?;
    // A copy: what runs must not change under a build that the developer starts meanwhile.
    let program = site.own("demo-rust-writer");
    copy(&site.target.join("release/untorn-demo-writer"), &program)?;
    Ok(Language {
        name: "rust",
        program,
        script: None,
    })
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    std::fs::copy(from, to)
        .with_context(|| format!("copy {} to {}", from.display(), to.display()))
        .map(drop)
}
