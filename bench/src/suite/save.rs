//! A durable, atomic save of 4 KB.

use super::{Row, Scratch, Target};
use crate::measure::{Figure, rounds};
use crate::options::Options;
use crate::subjects;
use anyhow::Result;

const SUITE: &str = "save";

pub fn run(options: &Options) -> Result<Vec<Row>> {
    let mut turns = [
        (
            subjects::start(options, "Rust")?,
            Scratch::new(options, "save-rust")?,
        ),
        (subjects::floor()?, Scratch::new(options, "save-floor")?),
    ];
    let count = "10";
    let series = rounds(options.rounds * 2, &mut turns, |(peer, scratch)| {
        peer.call(&["save", scratch.path()?, count])
    })?;
    let floor = Figure::of(&series[1]).times(1e-4);
    Ok(vec![
        Row::new(
            SUITE,
            "C, create + write + fsync + rename + fsync(dir), 4 KB",
            "us",
            Target::None,
            Ok(floor),
        ),
        Row::new(
            SUITE,
            "Rust, Document::save of 4 KB / the same in C",
            "x",
            Target::AtMost(1.2),
            Ok(Figure::ratio(&series[0], &series[1])),
        ),
    ])
}
