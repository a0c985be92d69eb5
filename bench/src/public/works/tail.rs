//! The last records of a long journal.

use super::super::field::{Case, Finding, compare};
use super::{Work, read};
use crate::options::Options;
use anyhow::Result;

pub const WORK: Work = Work {
    name: "tail",
    title: "Read the last 20 records",
    method: "The journal has 100,000 records of 200 bytes. By hand, the whole file is read.",
    over: None,
    run,
};

fn run(options: &Options) -> Result<Vec<Finding>> {
    let case = Case {
        work: "tail",
        name: String::new(),
        unit: "ms",
        options,
        rounds: options.at_most(9),
    };
    let records = read::records(options);
    compare(
        &case,
        &read::FIELD,
        |player| {
            player.open_new("log")?;
            player.peer.call(&["fill", records]).map(drop)
        },
        |player| Ok(player.each(&["tail", "20"], 3)? / 1e3),
    )
}
