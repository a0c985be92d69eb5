//! `cargo xtask bench`: builds and installs what the measurements need, then runs them.

use crate::command::Run;
use crate::log::Log;
use crate::package;
use crate::progress::stage;
use crate::site::{Site, cargo};
use crate::tools::{node, python};
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};

#[derive(clap::Args)]
pub struct Options {
    /// Handed on to the benchmark program; `-- --help` lists them. `--peers` compares with other
    /// programs, and makes docs/benchmarks.md
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

pub fn run(site: &Site, options: &Options) -> Result<()> {
    let asked = |word: &str| options.arguments.iter().any(|argument| argument == word);
    if asked("--render") {
        return measure_peers(site, &options.arguments).show();
    }
    package::all(site)?;
    if asked("--peers") {
        let (python, project) = stage(site, "", "bench-peers", |log| install_peers(site, log))?;
        return measure_peers(site, &options.arguments)
            .env("UNTORN_BENCH_PYTHON", python)
            .env("UNTORN_BENCH_NODE_PROJECT", project)
            .show();
    }
    let venv = stage(site, "", "bench-python", |log| {
        python::with_wheel(site, "bench-python", log)
    })?;
    let project = stage(site, "", "bench-node", |log| {
        node::with_tarball(site, "bench-node", &[], log)
    })?;
    // The languages are measured as a user has them: installed, not from the source tree.
    Run::new(cargo())
        .args(["run", "--release", "--package", "untorn-bench", "--"])
        .args(&options.arguments)
        .env("UNTORN_BENCH_PYTHON", venv.python())
        .env("UNTORN_BENCH_NODE_PROJECT", &project)
        .env("UNTORN_BENCH_C", site.dist_c())
        .dir(&site.root)
        .show()
}

/// The step of the tests: every row of the comparison can be measured.
pub fn check_peers(site: &Site, log: &Log) -> Result<()> {
    // Where the other steps did not run before.
    if !site.dist_c().join("lib").exists() {
        package::c::make(site, log)?;
    }
    if site.dist_file("whl").is_err() {
        package::wheel::make(site, log)?;
    }
    if site.dist_file("tgz").is_err() {
        package::npm::make(site, log)?;
    }
    let (python, project) = install_peers(site, log)?;
    let arguments = ["--peers", "--quick"].map(String::from);
    measure_peers(site, &arguments)
        .env("UNTORN_BENCH_PYTHON", python)
        .env("UNTORN_BENCH_NODE_PROJECT", project)
        .log(log)
}

fn measure_peers(site: &Site, arguments: &[String]) -> Run {
    let asked = |word: &str| arguments.iter().any(|argument| argument == word);
    let mut run = Run::new(cargo()).args(["run", "--package", "untorn-bench"]);
    // The other programs are processes of their own, whatever builds this one.
    if !asked("--quick") && !asked("--render") && !asked("--no-costs") {
        run = run.arg("--release");
    }
    run = run.arg("--").args(arguments);
    if !asked("--peers") {
        run = run.arg("--peers");
    }
    run.env("UNTORN_BENCH_C", site.dist_c()).dir(&site.root)
}

/// The interpreter and the project that have untorn and the programs it is compared with.
fn install_peers(site: &Site, log: &Log) -> Result<(PathBuf, PathBuf)> {
    let venv = python::with_wheel(site, "bench-peers-python", log)?;
    let pins = site.root.join("bench/peers/requirements.txt");
    venv.install([Path::new("--requirement"), &pins], log)?;

    let project = site.own("bench-peers");
    fs::create_dir_all(&project).with_context(|| format!("create {}", project.display()))?;
    let lock = site.root.join("bench/peers/package-lock.json");
    let installed = project.join("installed-lock.json");
    // Compiling better-sqlite3 takes a minute or two: only when another set of versions is wanted.
    if fs::read(&installed).ok() != fs::read(&lock).ok() {
        for name in ["package.json", "package-lock.json"] {
            let from = site.root.join("bench/peers").join(name);
            fs::copy(&from, project.join(name))
                .with_context(|| format!("copy {}", from.display()))?;
        }
        let mut ci = node::npm(&project).arg("ci");
        if let Some(headers) = headers_of_node() {
            ci = ci.env("npm_config_nodedir", headers);
        }
        ci.log(log)?;
        fs::copy(&lock, &installed)?;
    }
    node::npm(&project)
        .args(["install", "--no-save", "--no-package-lock"])
        .arg(site.dist_file("tgz")?)
        .log(log)?;
    Ok((venv.python(), project))
}

/// The directory above `include/node`, which many installations have: else npm would fetch it.
fn headers_of_node() -> Option<PathBuf> {
    let program = Run::new("node")
        .args(["-p", "process.execPath"])
        .read()
        .ok()?;
    let prefix = Path::new(program.trim()).parent()?.parent()?.to_owned();
    prefix
        .join("include/node/node.h")
        .exists()
        .then_some(prefix)
}
