//! `cargo xtask test`: everything that CI runs, in the order in which it fails fastest.

mod c;
mod c_abi;
mod clean;
mod conformance;
mod cross;
mod node;
mod node_others;
mod peers;
mod postgres;
mod prose;
mod python;
mod recipes;
mod rust;
mod samples;
mod supply;
pub mod torture;

pub use node::copy_tree;

use crate::log::Log;
use crate::progress::{seconds, stage};
use crate::site::Site;
use crate::tools::system;
use crate::{bench, demo, docs, package};
use anyhow::{Result, bail};
use std::time::Instant;

#[derive(clap::Args)]
pub struct Options {
    /// Only these steps (repeatable); later steps may need earlier ones done once
    #[arg(long, value_name = "STEP", conflicts_with = "skip")]
    only: Vec<String>,
    /// All but these steps (repeatable)
    #[arg(long, value_name = "STEP")]
    skip: Vec<String>,
    /// The steps for Windows (under Wine), macOS (types only) and musl, and no others; they need
    /// Debian 12, and root to set up
    #[arg(long, conflicts_with_all = ["only", "skip"])]
    windows: bool,
    /// The steps that search for long, and no others
    #[arg(long, conflicts_with_all = ["only", "skip", "windows"])]
    deep: bool,
    /// Go on after a failure, and fail at the end
    #[arg(long)]
    keep_going: bool,
    /// Name the steps
    #[arg(long)]
    list: bool,
}

struct Step {
    name: &'static str,
    about: &'static str,
    work: fn(&Site, &Log) -> Result<()>,
    when: When,
}

/// When a step is run that is not named.
#[derive(Clone, Copy, PartialEq, Eq)]
enum When {
    Always,
    /// Of another system than this one: when these are asked for.
    Elsewhere,
    /// When all the time that it takes is given.
    Deep,
    /// Never: it asks for what only some machines have.
    Named,
}

const fn step(name: &'static str, about: &'static str, work: Work) -> Step {
    Step {
        name,
        about,
        work,
        when: When::Always,
    }
}

const fn elsewhere(name: &'static str, about: &'static str, work: Work) -> Step {
    Step {
        when: When::Elsewhere,
        ..step(name, about, work)
    }
}

const fn deep(name: &'static str, about: &'static str, work: Work) -> Step {
    Step {
        when: When::Deep,
        ..step(name, about, work)
    }
}

const fn named(name: &'static str, about: &'static str, work: Work) -> Step {
    Step {
        when: When::Named,
        ..step(name, about, work)
    }
}

type Work = fn(&Site, &Log) -> Result<()>;

const STEPS: &[Step] = &[
    step(
        "system",
        "programs of the system; installed if we may",
        |_, log| system::ensure(log),
    ),
    step("fmt", "cargo fmt --check", rust::fmt),
    step("clippy", "clippy, warnings denied", rust::clippy),
    step(
        "deny",
        "licences, bans and sources of the dependencies",
        rust::deny,
    ),
    step(
        "workflows",
        "actionlint and zizmor on .github",
        supply::workflows,
    ),
    step(
        "prose",
        "the habits that docs/internals/style.md warns of",
        prose::check,
    ),
    step("rust", "cargo test of the workspace", rust::test),
    step(
        "rust-features",
        "the features serde and tracing, and their examples",
        rust::features,
    ),
    step(
        "interleaved",
        "the queues of locks and journals, under some thousand interleavings of their threads",
        rust::interleaved,
    ),
    step(
        "rustdoc",
        "the documentation builds without a warning",
        rust::doc,
    ),
    step("package-c", "dist/c", package::c::make),
    step("package-wheel", "dist/untorn-*.whl", package::wheel::make),
    step("package-npm", "dist/untorn-*.tgz", package::npm::make),
    step(
        "package-command",
        "dist/bin/untorn, a static program",
        package::program::make,
    ),
    step("c", "the C and C++ tests, against dist/c", c::test),
    step(
        "c-abi",
        "Go, Ruby, PHP, LuaJIT, Java and C# through the header, against dist/c",
        c_abi::test,
    ),
    step(
        "python-install",
        "a fresh environment with the wheel",
        python::install,
    ),
    step("python-lint", "ruff and mypy", python::lint),
    step("python-stubs", "mypy.stubtest", python::stubs),
    step(
        "python",
        "pytest, against the installed wheel",
        python::test,
    ),
    step(
        "node-install",
        "an empty project with the tarball",
        node::install,
    ),
    step("node-types", "tsc on the type tests", node::types),
    step(
        "node",
        "node --test, against the installed tarball",
        node::test,
    ),
    step(
        "node-runners",
        "the package in Jest and Vitest, which have realms of their own",
        node_others::runners,
    ),
    step(
        "node-bundles",
        "the package in what bundlers make: esbuild, webpack, Rollup, Vite, Bun, and in one executable",
        node_others::bundles,
    ),
    step(
        "conformance-rust",
        "the shared cases, in Rust",
        conformance::rust,
    ),
    step("conformance-c", "the shared cases, in C", conformance::c),
    step(
        "conformance-python",
        "the shared cases, in Python",
        conformance::python,
    ),
    step(
        "conformance-node",
        "the shared cases, in Node",
        conformance::node,
    ),
    step(
        "peers",
        "other programs' locks on the same files: who excludes whom",
        peers::test,
    ),
    step(
        "torture",
        "processes in three languages and one journal, for ten seconds; a model checks every view",
        torture::short,
    ),
    step(
        "examples-locks",
        "examples/locks: what they show of other locks, and of ours",
        peers::examples,
    ),
    step(
        "recipes",
        "examples/: programs on untorn, and what had been reported of them",
        recipes::test,
    ),
    step(
        "readme",
        "the README's examples, as they are there",
        conformance::readme,
    ),
    step(
        "samples",
        "the code on every page that a user reads: it runs, and prints what the page says",
        samples::test,
    ),
    step(
        "newcomer",
        "from the README alone to a first locked append in each language",
        samples::newcomer,
    ),
    step(
        "docs",
        "the site builds, and every link of a page leads somewhere",
        docs::check,
    ),
    step(
        "browser",
        "the site in headless Chromium: nothing overflows; copying, menu and search work",
        docs::browser::check,
    ),
    step(
        "postgres",
        "the engine on PostgreSQL: crashes, failover, storms, broken connections, histories",
        postgres::test,
    ),
    step("demo", "the demo, for five seconds", demo::short),
    step(
        "clean",
        "no generated file differs from the committed one (with CI=true)",
        clean::check,
    ),
    elsewhere(
        "cross",
        "compilers for other systems, and Wine; installed if we may",
        cross::set_up,
    ),
    elsewhere(
        "windows-types",
        "clippy on all that is shipped, for Windows",
        cross::windows_types,
    ),
    elsewhere(
        "windows",
        "the tests of the core, under Wine",
        cross::windows,
    ),
    elsewhere(
        "windows-c",
        "the C programs that are not of Unix, under Wine",
        cross::windows_c,
    ),
    elsewhere(
        "windows-packages",
        "append, save and lock with the Python and the Node package, under Wine",
        cross::windows_packages,
    ),
    elsewhere("musl", "the tests of the core, on musl", cross::musl),
    elsewhere(
        "macos",
        "clippy on all that is shipped, for both Macs",
        cross::mac,
    ),
    deep(
        "exhaustive",
        "the core's tests with each call, error and length that the daily run takes a part of",
        rust::exhaustive,
    ),
    deep(
        "interleaved-long",
        "the same under some hundred thousand interleavings",
        rust::interleaved_long,
    ),
    deep(
        "model",
        "cases at random against a model of the guarantees, from a new seed",
        rust::model,
    ),
    deep(
        "bench-peers",
        "every row of the comparison with other programs can be measured; compiles better-sqlite3",
        bench::check_peers,
    ),
    named(
        "advisories",
        "what is known against the versions of the dependencies; needs the network",
        supply::advisories,
    ),
    named(
        "oldest-rust",
        "core, C library and command with the compiler that Cargo.toml names; needs rustup",
        supply::oldest_rust,
    ),
];

pub fn run(site: &Site, options: &Options) -> Result<()> {
    if options.list {
        STEPS
            .iter()
            .for_each(|s| println!("{:<20} {}", s.name, s.about));
        return Ok(());
    }
    let chosen = choose(options)?;
    let site = &site.making(package::kinds(chosen.iter().map(|step| step.name)));
    let began = Instant::now();
    let mut failed = Vec::new();
    let mut passed = 0;
    for (i, step) in chosen.iter().enumerate() {
        let number = format!("[{:>2}/{}] ", i + 1, chosen.len());
        match stage(site, &number, step.name, |log| (step.work)(site, log)) {
            Ok(()) => passed += 1,
            Err(_) => failed.push(step.name),
        }
        if !failed.is_empty() && !options.keep_going {
            break;
        }
    }
    println!("took {}", seconds(began.elapsed()));
    let not_run = chosen.len() - passed - failed.len();
    if failed.is_empty() {
        println!("{passed} passed, 0 failed");
        return Ok(());
    }
    println!(
        "{passed} passed, {} failed, {not_run} not run",
        failed.len()
    );
    bail!(
        "failed: {}; one step alone: cargo xtask test --only {}",
        failed.join(", "),
        failed[0]
    )
}

fn choose(options: &Options) -> Result<Vec<&'static Step>> {
    for name in options.only.iter().chain(&options.skip) {
        if STEPS.iter().all(|s| s.name != name) {
            bail!("there is no step `{name}`; `cargo xtask test --list` names them");
        }
    }
    let when = match (options.windows, options.deep) {
        (true, _) => When::Elsewhere,
        (_, true) => When::Deep,
        _ => When::Always,
    };
    let named = |names: &[String], step: &Step| names.iter().any(|n| n == step.name);
    Ok(STEPS
        .iter()
        .filter(|s| {
            if options.only.is_empty() {
                s.when == when
            } else {
                named(&options.only, s)
            }
        })
        .filter(|s| !named(&options.skip, s))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(only: &[&str], skip: &[&str]) -> Options {
        let owned = |names: &[&str]| names.iter().map(|&n| n.to_owned()).collect();
        Options {
            only: owned(only),
            skip: owned(skip),
            windows: false,
            deep: false,
            keep_going: false,
            list: false,
        }
    }

    #[test]
    fn steps_have_names_of_their_own() {
        let mut names: Vec<_> = STEPS.iter().map(|s| s.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), STEPS.len());
    }

    #[test]
    fn steps_are_chosen_by_name() {
        let all = choose(&options(&[], &[])).expect("all");
        let here = STEPS.iter().filter(|s| s.when == When::Always).count();
        assert_eq!(all.len(), here);
        let one = choose(&options(&["fmt"], &[])).expect("one");
        assert_eq!(one.iter().map(|s| s.name).collect::<Vec<_>>(), ["fmt"]);
        let rest = choose(&options(&[], &["fmt", "c"])).expect("rest");
        assert_eq!(rest.len(), here - 2);
        let cross = Options {
            windows: true,
            ..options(&[], &[])
        };
        let cross = choose(&cross).expect("the others");
        let deep = Options {
            deep: true,
            ..options(&[], &[])
        };
        let deep = choose(&deep).expect("the long ones");
        let named = STEPS.iter().filter(|s| s.when == When::Named).count();
        assert_eq!(here + cross.len() + deep.len() + named, STEPS.len());
        let asked = choose(&options(&["advisories"], &[])).expect("asked for");
        assert_eq!(asked.len(), 1);
        assert!(choose(&options(&["fnt"], &[])).is_err());
        assert!(choose(&options(&[], &["fnt"])).is_err());
    }
}
