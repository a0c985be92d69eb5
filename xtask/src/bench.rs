//! `cargo xtask bench`: builds and installs what the measurements need, then runs them.

use crate::command::Run;
use crate::package;
use crate::progress::stage;
use crate::site::{Site, cargo};
use crate::tools::{node, python};
use anyhow::Result;

#[derive(clap::Args)]
pub struct Options {
    /// Handed on to the benchmark program; `-- --help` lists them
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

pub fn run(site: &Site, options: &Options) -> Result<()> {
    package::all(site)?;
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
