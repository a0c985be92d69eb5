//! More and more open handles in one process.

use super::super::field::{Case, Finding, compare};
use super::growth::Growth;
use super::{Work, size};
use crate::options::Options;
use anyhow::Result;

pub const TIME: Work = Work {
    name: "handles",
    title: "As open handles multiply",
    method: "One process has so many journals open, each with its own file, and appends to each in turn.",
    over: Some("open handles"),
    run: time,
};

pub const MEMORY: Work = Work {
    name: "handle-memory",
    title: "Memory of an open handle",
    method: "A process opens 200 journals and appends to each. The figure is what it grew by, divided by 200.",
    over: None,
    run: memory,
};

fn time(options: &Options) -> Result<Vec<Finding>> {
    let growth = Growth {
        work: "handles",
        field: &size::FIELD,
        sizes: &[1, 10, 200],
        few: &[2, 5],
        rounds: 7,
    };
    growth.run(
        options,
        |player, handles| {
            player.scratch.clear()?;
            let dir = player.path("")?;
            let request = ["many", &dir, &handles.to_string()];
            player.peer.call(&request).map(drop)
        },
        |player, handles| player.each(&["each"], (200 / handles).max(1)),
    )
}

fn memory(options: &Options) -> Result<Vec<Finding>> {
    let case = Case {
        work: "handle-memory",
        name: String::new(),
        unit: "KB",
        options,
        rounds: options.at_most(3),
    };
    let all = if options.quick { "10" } else { "200" };
    compare(
        &case,
        &size::FIELD,
        |_| Ok(()),
        |player| {
            // A process that had them before keeps memory for more: each round has its own.
            player.restart(options)?;
            player.scratch.clear()?;
            let dir = player.path("")?;
            Ok(player.peer.call(&["many", &dir, all])? / 1e3)
        },
    )
}
