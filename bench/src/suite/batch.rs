//! `append_all` of 100 records.

use super::{Row, Scratch, Target};
use crate::measure::{Figure, rounds};
use crate::options::Options;
use crate::subjects;
use anyhow::Result;

const SUITE: &str = "batch";

pub fn run(options: &Options) -> Result<Vec<Row>> {
    let floor = Scratch::new(options, "batch-floor")?;
    let ours = Scratch::new(options, "batch-rust")?;
    let mut turns = [
        (subjects::floor()?, floor, "bare", "append"),
        (
            subjects::start(options, "Rust")?,
            ours,
            "process",
            "append-all",
        ),
    ];
    let count = if options.quick { 50 } else { 300 };
    let series = rounds(options.rounds, &mut turns, |(peer, scratch, mode, verb)| {
        scratch.clear()?;
        peer.call(&["open-batch", scratch.path()?, mode])?;
        peer.call(&[verb, "20"])?;
        let nanoseconds = peer.call(&[verb, &count.to_string()])?;
        peer.call(&["close"])?;
        Ok(nanoseconds / f64::from(count * 100))
    })?;
    let us = |series: &[f64]| Ok(Figure::of(series).times(1e-3));
    Ok(vec![
        Row::new(
            SUITE,
            "C, flock + one write of 100 records + unlock, a record",
            "us",
            Target::None,
            us(&series[0]),
        ),
        Row::new(
            SUITE,
            "Rust, append_all of 100 records, a record",
            "us",
            Target::AtMost(0.25),
            us(&series[1]),
        ),
    ])
}
