//! An append to journals of three sizes.

use super::super::field::{Case, Finding, compare};
use super::Work;
use crate::options::Options;
use anyhow::Result;

pub const WORK: Work = Work {
    name: "size",
    title: "As the journal grows",
    method: "An append as in the first table, on a journal that already has so many records of 200 bytes.",
    over: Some("records in the journal"),
    run,
};

pub const FIELD: [(&str, bool); 6] = [
    ("python/by_untorn", false),
    ("python/by_filelock", false),
    ("python/by_sqlite3", false),
    ("node/untorn", false),
    ("node/proper-lockfile", false),
    ("node/better-sqlite3", false),
];

fn run(options: &Options) -> Result<Vec<Finding>> {
    let sizes: &[u32] = if options.quick {
        &[10, 100]
    } else {
        &[10, 1_000, 100_000, 500_000]
    };
    let mut findings = Vec::new();
    for &records in sizes {
        let case = Case {
            work: "size",
            name: super::super::page::grouped(records),
            unit: "µs",
            options,
            rounds: options.at_most(9),
        };
        findings.extend(compare(
            &case,
            &FIELD,
            |player| fill(player, records),
            |player| player.each(&["append"], 50),
        )?);
    }
    Ok(findings)
}

fn fill(player: &mut super::super::field::Player, records: u32) -> Result<()> {
    player.scratch.clear()?;
    let path = player.path("log")?;
    if player.peer.call(&["open", &path, "fast"]).is_ok() {
        let count = records.to_string();
        if player.peer.call(&["fill", &count]).is_ok() {
            return Ok(());
        }
    }
    // What locks a file that others write: they write it.
    let line = String::from_utf8(crate::data::record())? + "\n";
    std::fs::write(&path, line.repeat(records as usize))?;
    Ok(())
}
