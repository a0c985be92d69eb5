//! Appends to one of more and more sessions, opened for each.

use super::super::field::Finding;
use super::growth::Growth;
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
    let growth = Growth {
        work: "sessions",
        field: &size::FIELD,
        sizes: &[10, 100, 1_000],
        few: &[3, 10],
        rounds: 7,
    };
    growth.run(
        options,
        |player, sessions| {
            player.scratch.clear()?;
            let dir = player.path("")?;
            // Each of them exists before the measurement.
            player.peer.call(&["many", &dir, &sessions.to_string()])?;
            player.close()
        },
        |player, sessions| {
            let dir = player.path("")?;
            player.each(&["visit", &dir, &sessions.to_string()], 50)
        },
    )
}
