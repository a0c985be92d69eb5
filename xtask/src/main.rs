//! `cargo xtask`: builds, tests, packages and shows off the project.
#![allow(clippy::print_stdout, reason = "a command talks to its user")]

mod bench;
mod command;
mod demo;
mod docs;
mod generate;
mod header;
mod interrupt;
mod log;
mod package;
mod progress;
mod release;
mod site;
mod test;
mod tools;

use clap::{Parser, Subcommand};
use site::Site;
use std::process::ExitCode;

#[derive(Parser)]
#[command(bin_name = "cargo xtask", about = "The project's own commands")]
struct Arguments {
    #[command(subcommand)]
    command: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Set up and run every test of every language, and the linters
    Test(test::Options),
    /// Write what a user installs to dist/: wheel, npm tarball, C library
    Package(package::Options),
    /// Raise the version everywhere, commit and tag; only says what it would do without --yes
    Release(release::Options),
    /// What the tag's workflow runs last: publish dist/release
    Publish(release::publish::Options),
    /// Writers in four languages share a journal and a document while some are killed
    Demo(demo::Options),
    /// Processes in three languages append, rewind, rotate, compact and fold one journal; a model
    /// checks every view of it
    Torture(test::torture::Options),
    /// Build the site in target/site: plain files, which any host can serve
    Docs(docs::Options),
    /// Measure, and compare with the floors the system sets
    Bench(bench::Options),
    /// Write what every language repeats from the tables in spec/, then the C header
    Generate,
    /// Write include/untorn.h from ffi/src
    Header,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let outcome =
        interrupt::install()
            .and_then(|()| Site::find())
            .and_then(|site| match &arguments.command {
                Task::Test(options) => test::run(&site, options),
                Task::Package(options) => package::run(&site, options),
                Task::Release(options) => release::run(&site, options),
                Task::Publish(options) => release::publish::run(&site, options),
                Task::Demo(options) => demo::run(&site, options),
                Task::Torture(options) => test::torture::run(&site, options),
                Task::Docs(options) => docs::run(&site, options),
                Task::Bench(options) => bench::run(&site, options),
                Task::Generate => generate::run(&site),
                Task::Header => header::run(&site),
            });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
