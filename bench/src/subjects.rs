//! Starts the subjects of each language as a user has them: installed.

use crate::options::Options;
use crate::peer::{self, Peer};
use anyhow::{Context, Result, ensure};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The languages, in the order of the tables.
pub const ALL: [&str; 4] = ["Rust", "C", "Python", "Node"];

/// Starts `language`'s worker; the error says what is missing.
pub fn start(options: &Options, language: &'static str) -> Result<Peer> {
    let command = match language {
        "Rust" => peer::own("rust")?,
        "C" => {
            let dist = options.c.as_deref().context("UNTORN_BENCH_C is not set")?;
            c(dist, &options.out)?
        }
        "Python" => {
            let python = options.python.as_deref();
            let mut command = Command::new(python.context("UNTORN_BENCH_PYTHON is not set")?);
            command.arg(source("worker.py"));
            command
        }
        "Node" => {
            let project = options.node.as_deref();
            node(project.context("UNTORN_BENCH_NODE_PROJECT is not set")?)?
        }
        other => anyhow::bail!("no such language: {other}"),
    };
    Peer::start(language, command)
}

pub fn floor() -> Result<Peer> {
    Peer::start("floor", peer::own("floor")?)
}

fn source(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("workers")
        .join(name)
}

fn c(dist: &Path, out: &Path) -> Result<Command> {
    std::fs::create_dir_all(out)?;
    let program = out.join("worker-c");
    let library = dist.join("lib");
    let compiler = std::env::var_os("CC").unwrap_or_else(|| "cc".into());
    let status = Command::new(&compiler)
        .args(["-O2", "-Wall", "-Wextra", "-o"])
        .arg(&program)
        .arg(source("worker.c"))
        .arg("-I")
        .arg(dist.join("include"))
        .arg("-L")
        .arg(&library)
        .arg("-luntorn")
        .arg(format!("-Wl,-rpath,{}", peer::text(&library)?))
        .status()
        .with_context(|| format!("run {}", compiler.display()))?;
    ensure!(
        status.success(),
        "{} could not compile worker.c",
        compiler.display()
    );
    Ok(Command::new(program))
}

fn node(project: &Path) -> Result<Command> {
    // Node looks packages up from where the module lies, so it is put there.
    let module = project.join("untorn-bench-worker.mjs");
    std::fs::copy(source("worker.mjs"), &module)
        .with_context(|| format!("put the worker into {}", project.display()))?;
    let mut command = Command::new("node");
    command.arg(module);
    Ok(command)
}
