//! More and more open handles in one process.

use super::super::field::{Case, Finding, compare};
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
    let counts: &[u32] = if options.quick {
        &[2, 5]
    } else {
        &[1, 10, 200]
    };
    let mut findings = Vec::new();
    for &handles in counts {
        let case = Case {
            work: "handles",
            name: super::super::page::grouped(handles),
            unit: "µs",
            options,
            rounds: options.at_most(7),
        };
        let all = handles.to_string();
        let turns = (200 / handles).max(1);
        findings.extend(compare(
            &case,
            &size::FIELD,
            |player| {
                player.scratch.clear()?;
                let dir = player.path("")?;
                player.peer.call(&["many", &dir, &all]).map(drop)
            },
            |player| player.each(&["each"], turns),
        )?);
    }
    Ok(findings)
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
