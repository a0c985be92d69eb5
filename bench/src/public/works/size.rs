//! An append to journals of three sizes.

use super::super::field::{Finding, Player};
use super::Work;
use super::growth::Growth;
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
    let growth = Growth {
        work: "size",
        field: &FIELD,
        sizes: &[10, 1_000, 100_000, 500_000],
        few: &[10, 100],
        rounds: 9,
    };
    growth.run(options, fill, |player, _| player.each(&["append"], 50))
}

fn fill(player: &mut Player, records: u32) -> Result<()> {
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
