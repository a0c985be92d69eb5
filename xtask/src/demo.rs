//! `cargo xtask demo`: installs the packaged library in each language, then runs the
//! demo in `examples/demo`.

use crate::command::Run;
use crate::log::Log;
use crate::progress::stage;
use crate::site::{Site, cargo};
use crate::tools::{node, python};
use crate::{interrupt, package};
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};
use untorn_demo::Language;

#[derive(clap::Args, Clone)]
// The flattened options are a group of this name already.
#[group(skip)]
pub struct Options {
    #[command(flatten)]
    demo: untorn_demo::Options,
    /// Use dist/ as it is
    #[arg(long)]
    no_package: bool,
}

pub fn run(site: &Site, options: &Options) -> Result<()> {
    untorn_demo::run(
        &options.demo,
        || languages(site, !options.no_package),
        site.own(&format!("demo-{}", std::process::id())),
        &|tell| interrupt::tell(tell),
    )
}

/// The demo as a step of the tests: short, on the packages that are already there.
pub fn short(site: &Site, log: &Log) -> Result<()> {
    let program = std::env::current_exe().context("find this program")?;
    Run::new(program)
        .args(["demo", "--seconds", "5", "--no-package"])
        .dir(&site.root)
        .log(log)
}

/// Builds and installs; the writers' languages, in the order of the table.
fn languages(site: &Site, build_packages: bool) -> Result<Vec<Language>> {
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
    // A program that another demo runs can't be written, but its name can be given away.
    match std::fs::remove_file(to) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
    .with_context(|| format!("replace {}", to.display()))?;
    std::fs::copy(from, to)
        .with_context(|| format!("copy {} to {}", from.display(), to.display()))
        .map(drop)
}
