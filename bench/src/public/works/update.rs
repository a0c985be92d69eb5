//! Read, change, save.

use super::super::field::{Case, Finding, compare};
use super::Work;
use crate::options::Options;
use anyhow::Result;

pub const WORK: Work = Work {
    name: "update",
    title: "Update an object",
    method: "One process reads an object of 2 KB, raises a number in it and saves it. \
             Without a lock, two processes that do so lose an update.",
    over: None,
    run,
};

const FIELD: [(&str, bool); 21] = [
    ("python/by_untorn", false),
    ("python/by_untorn", true),
    ("python/by_json", false),
    ("python/by_flock", false),
    ("python/by_filelock", false),
    ("python/by_filelock", true),
    ("python/by_portalocker", false),
    ("python/by_portalocker", true),
    ("python/by_sqlite3", false),
    ("python/by_sqlite3", true),
    ("python/by_diskcache", false),
    ("python/by_diskcache", true),
    ("node/untorn", false),
    ("node/untorn", true),
    ("node/proper-lockfile", false),
    ("node/proper-lockfile", true),
    ("node/atomically", true),
    ("node/lowdb", false),
    ("node/conf", true),
    ("node/better-sqlite3", false),
    ("node/better-sqlite3", true),
];

fn run(options: &Options) -> Result<Vec<Finding>> {
    let case = Case {
        work: "update",
        name: String::new(),
        unit: "ms",
        options,
        rounds: options.at_most(15),
    };
    compare(
        &case,
        &FIELD,
        |player| {
            player.open_new("state.json")?;
            player.peer.call(&["save", "2000", "1"]).map(drop)
        },
        |player| Ok(player.each(&["update"], 10)? / 1e3),
    )
}
