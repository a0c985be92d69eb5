//! From an append until a reader has the record.

use super::super::field::{Case, Finding, compare};
use super::Work;
use crate::options::Options;
use crate::peer::{self, Peer};
use anyhow::Result;

pub const WORK: Work = Work {
    name: "follow",
    title: "Follow a journal",
    method: "Another process appends a record every 60 ms. \
             The time runs from before the append until the reader has the object.",
    over: None,
    run,
};

const FIELD: [(&str, bool); 5] = [
    ("python/by_untorn", false),
    ("python/by_watchdog", false),
    ("python/by_tail", false),
    ("node/untorn", false),
    ("node/chokidar", false),
];

fn run(options: &Options) -> Result<Vec<Finding>> {
    let case = Case {
        work: "follow",
        name: String::new(),
        unit: "ms",
        options,
        rounds: options.at_most(7),
    };
    let count = if options.quick { "3" } else { "20" };
    let mut writer = Peer::start("session", peer::own("session")?)?;
    let mut ticks = |path: &str, count: &str| writer.call(&["tick", path, count, "60"]);
    compare(
        &case,
        &FIELD,
        |player| {
            player.scratch.clear()?;
            let path = player.path("log")?;
            // A file to follow, with a record.
            let mut first = Peer::start("session", peer::own("session")?)?;
            first.call(&["tick", &path, "1"])?;
            player.peer.call(&["follow", &path]).map(drop)
        },
        |player| {
            let path = player.path("log")?;
            player.peer.send(&["deliver", count])?;
            ticks(&path, count)?;
            Ok(player.peer.answer(&["deliver"])? / 1e6)
        },
    )
}
