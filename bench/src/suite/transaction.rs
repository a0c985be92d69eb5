//! Three documents of 4 KB in one transaction, against three saves.

use super::{Row, Scratch, Target};
use crate::measure::{Figure, rounds};
use crate::options::Options;
use crate::subjects;
use anyhow::Result;

const SUITE: &str = "transaction";

pub fn run(options: &Options) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for (durability, count) in [("process", "200"), ("power", "10")] {
        let mut turns = [
            (
                subjects::start(options, "Rust")?,
                Scratch::new(options, "transaction")?,
                "transaction",
            ),
            (
                subjects::start(options, "Rust")?,
                Scratch::new(options, "three-saves")?,
                "three-saves",
            ),
        ];
        let series = rounds(options.rounds * 2, &mut turns, |(peer, scratch, how)| {
            peer.call(&[how, scratch.dir()?, durability, count])
        })?;
        rows.push(Row::new(
            SUITE,
            format!("Rust, a transaction of 3 files / three saves, {durability}"),
            "x",
            Target::AtMost(1.5),
            Ok(Figure::ratio(&series[0], &series[1])),
        ));
    }
    Ok(rows)
}
