//! An object of three sizes, saved whole.

use super::super::field::{Case, Finding, compare};
use super::Work;
use crate::options::Options;
use anyhow::Result;

pub const WORK: Work = Work {
    name: "save",
    title: "Save an object",
    method: "One process saves an object as JSON, again and again. \
             A synced save is on the disk when the call returns. \
             conf always syncs the file; lowdb and `json.dump` never do.",
    over: None,
    run,
};

const FIELD: [(&str, bool); 20] = [
    ("python/by_untorn", false),
    ("python/by_untorn", true),
    ("python/by_json", false),
    ("python/by_flock", false),
    ("python/by_flock", true),
    ("python/by_filelock", false),
    ("python/by_filelock", true),
    ("python/by_sqlite3", false),
    ("python/by_sqlite3", true),
    ("node/untorn", false),
    ("node/untorn", true),
    ("node/by-hand", false),
    ("node/write-file-atomic", false),
    ("node/write-file-atomic", true),
    ("node/atomically", false),
    ("node/atomically", true),
    ("node/lowdb", false),
    ("node/conf", true),
    ("node/better-sqlite3", false),
    ("node/better-sqlite3", true),
];

fn run(options: &Options) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for (size, name, count, rounds) in [
        ("2000", "2 KB", 20, 15),
        ("100000", "100 KB", 5, 9),
        ("5000000", "5 MB", 1, 5),
    ] {
        let case = Case {
            work: "save",
            name: name.into(),
            unit: "ms",
            options,
            rounds: options.at_most(rounds),
        };
        findings.extend(compare(
            &case,
            &FIELD,
            |player| player.open_new("state.json"),
            |player| Ok(player.each(&["save", size], count)? / 1e3),
        )?);
    }
    Ok(findings)
}
