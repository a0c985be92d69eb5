//! One object after the other, by one process.

use super::super::field::{Case, Finding, compare};
use super::Work;
use crate::options::Options;
use anyhow::Result;

const FIELD: [&str; 12] = [
    "python/by_untorn",
    "python/by_flock",
    "python/by_filelock",
    "python/by_portalocker",
    "python/by_fasteners",
    "python/by_sqlite3",
    "python/by_diskcache",
    "node/untorn",
    "node/untorn-sync",
    "node/proper-lockfile",
    "node/better-sqlite3",
    "node/sonic-boom",
];

pub const FAST: Work = Work {
    name: "append",
    title: "Append an object",
    method: "One process appends an object of 199 bytes, again and again. \
             Each append survives the death of the process, and not a power cut.",
    over: None,
    run: fast,
};

pub const DURABLE: Work = Work {
    name: "durable",
    title: "Append an object durably",
    method: "The same, and each append is synced to the disk before the next one.",
    over: None,
    run: durable,
};

fn fast(options: &Options) -> Result<Vec<Finding>> {
    run(options, "append", false)
}

fn durable(options: &Options) -> Result<Vec<Finding>> {
    run(options, "durable", true)
}

fn run(options: &Options, work: &'static str, durable: bool) -> Result<Vec<Finding>> {
    let field: Vec<_> = FIELD
        .into_iter()
        .chain(["node/by-hand", "node/pino"])
        .map(|key| (key, durable))
        .collect();
    let case = Case {
        work,
        name: String::new(),
        unit: "µs",
        options,
        rounds: options.at_most(21),
    };
    let count = match (options.quick, durable) {
        (true, _) => 5,
        (_, true) => 20,
        (_, false) => 100,
    };
    compare(
        &case,
        &field,
        |player| player.open_new("log"),
        |player| player.each(&["append"], count),
    )
}
