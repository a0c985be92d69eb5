//! Appends to one of more and more sessions, opened for each.

use super::super::field::{Case, Finding, compare};
use super::{Work, size};
use crate::options::Options;
use anyhow::Result;

pub const WORK: Work = Work {
    name: "sessions",
    title: "As the sessions multiply",
    method: "One of so many sessions is opened, gets a record and is closed; then another one. \
             A session is a journal, a file with its lock, or a database.",
    over: Some("sessions in the directory"),
    run,
};

fn run(options: &Options) -> Result<Vec<Finding>> {
    let counts: &[u32] = if options.quick {
        &[3, 10]
    } else {
        &[10, 100, 1_000]
    };
    let mut findings = Vec::new();
    for &sessions in counts {
        let case = Case {
            work: "sessions",
            name: super::super::page::grouped(sessions),
            unit: "µs",
            options,
            rounds: options.at_most(7),
        };
        let all = sessions.to_string();
        findings.extend(compare(
            &case,
            &size::FIELD,
            |player| {
                player.scratch.clear()?;
                let dir = player.path("")?;
                // Each of them exists before the measurement.
                player.peer.call(&["many", &dir, &all])?;
                player.close()
            },
            |player| {
                let dir = player.path("")?;
                player.each(&["visit", &dir, &all], 50)
            },
        )?);
    }
    Ok(findings)
}
