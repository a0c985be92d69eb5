//! All records of a journal, as objects.

use super::super::field::{Case, Finding, compare};
use super::Work;
use crate::options::Options;
use anyhow::Result;

pub const WORK: Work = Work {
    name: "read",
    title: "Read all records as objects",
    method: "The same journal, from its beginning to its end.",
    over: None,
    run,
};

pub const FIELD: [(&str, bool); 7] = [
    ("python/by_untorn", false),
    ("python/by_flock", false),
    ("python/by_sqlite3", false),
    ("node/untorn", false),
    ("node/untorn-sync", false),
    ("node/by-hand", false),
    ("node/better-sqlite3", false),
];

pub fn records(options: &Options) -> &'static str {
    if options.quick { "5000" } else { "100000" }
}

fn run(options: &Options) -> Result<Vec<Finding>> {
    let case = Case {
        work: "read",
        name: String::new(),
        unit: "µs a record",
        options,
        rounds: options.at_most(7),
    };
    let records = records(options);
    let count: f64 = records.parse()?;
    let field: Vec<_> = FIELD
        .into_iter()
        .chain([("python/by_diskcache", false)])
        .collect();
    compare(
        &case,
        &field,
        |player| {
            player.open_new("log")?;
            player.peer.call(&["fill", records]).map(drop)
        },
        |player| Ok(player.peer.call(&["read", records])? / count / 1e3),
    )
}
