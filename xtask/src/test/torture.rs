//! Torture: processes in three languages append, rewind, rotate, compact and fold one
//! journal, and a model checks every view of it.

use super::{node, python};
use crate::command::Run;
use crate::log::Log;
use crate::package;
use crate::progress::stage;
use crate::site::{Site, cargo};
use anyhow::Result;

#[derive(clap::Args)]
pub struct Options {
    /// How long the writers write
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(3..=3600))]
    seconds: u64,
    /// Use dist/ as it is, and what the last test installed
    #[arg(long)]
    no_package: bool,
}

/// `cargo xtask torture`
pub fn run(site: &Site, options: &Options) -> Result<()> {
    if !options.no_package {
        package::all(site)?;
        stage(site, "", "python-install", |log| python::install(site, log))?;
        stage(site, "", "node-install", |log| node::install(site, log))?;
    }
    stage(site, "", "torture-writers", |log| {
        command(site, options.seconds, log)
    })?
    .show()
}

/// The step of the tests.
pub fn short(site: &Site, log: &Log) -> Result<()> {
    command(site, 10, log)?.log(log)
}

/// All that the writers need is made; what is left to run.
fn command(site: &Site, seconds: u64, log: &Log) -> Result<Run> {
    Run::new(cargo())
        .args(["build", "--package", "untorn-torture"])
        .dir(&site.root)
        .log(log)?;
    let python = python::venv(site, log)?.python();
    let programs = site.root.join("conformance/torture");
    // Node looks for packages beside the file that asks for them.
    let copy = node::project(site, log)?.join("torture");
    node::copy_tree(&programs, &copy)?;
    let in_python = |run: Run| run.arg(&python).arg("-P").arg(programs.join("writer.py"));
    // Without `-P`: the model is beside it.
    let run = Run::new(&python)
        .arg(programs.join("torture.py"))
        .arg(seconds.to_string())
        .arg(site.target.join("debug/untorn-torture"))
        .arg("--")
        .arg("node")
        .arg(copy.join("writer.mjs"))
        .arg("--");
    Ok(in_python(in_python(run).arg("--")).dir(&site.root))
}
