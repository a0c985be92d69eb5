//! Durability `power`: what the syncs cost, and who shares them.

use super::contend::{peers, round};
use super::{Row, Scratch, Target, Way, again};
use crate::measure::{Figure, rounds};
use crate::options::Options;
use crate::subjects;
use anyhow::Result;

const SUITE: &str = "power";
const WORK: &str = "append of 200 B, power";

pub fn run(options: &Options) -> Result<Vec<Row>> {
    let one = one_writer(options);
    let figure = |of: &dyn Fn(&[Vec<f64>]) -> Figure| match &one {
        Ok(series) => Ok(of(series)),
        Err(error) => Err(again(error)),
    };
    // A slice has 20 appends.
    let way = |way, of: usize| {
        let figure = figure(&|series| Figure::of(&series[of]).times(1e-3 / 20.0));
        Row::way(SUITE, WORK, way, "us", figure)
    };
    Ok(vec![
        Row::new(
            SUITE,
            "Rust, one writer / raw write + fdatasync",
            "x",
            Target::AtMost(1.1),
            figure(&|series| Figure::ratio(&series[0], &series[1])),
        ),
        way(Way::Bare, 1),
        way(Way::Needed, 2),
        way(Way::Untorn, 0),
        Row::new(
            SUITE,
            "Rust, 4 processes / C syncing after the unlock",
            "x",
            Target::AtLeast(0.8),
            processes(options),
        ),
        Row::new(
            SUITE,
            "Rust, 16 threads on one handle / one thread",
            "x",
            Target::AtLeast(4.0),
            threads(options),
        ),
    ])
}

fn one_writer(options: &Options) -> Result<Vec<Vec<f64>>> {
    let mut turns = [
        (
            subjects::start(options, "Rust")?,
            Scratch::new(options, "power-rust")?,
            "power",
        ),
        (
            subjects::floor()?,
            Scratch::new(options, "power-floor")?,
            "bare-sync",
        ),
        (
            subjects::floor()?,
            Scratch::new(options, "power-same")?,
            "same-sync",
        ),
    ];
    for (peer, scratch, mode) in &mut turns {
        peer.call(&["open", scratch.path()?, mode])?;
    }
    // Short slices: one sync's time varies more than the two ways differ.
    rounds(options.rounds * 3, &mut turns, |(peer, ..)| {
        peer.call(&["append", "20"])
    })
}

fn processes(options: &Options) -> Result<Figure> {
    let scratch = Scratch::new(options, "power-processes")?;
    let mut turns = [
        (peers(4, || subjects::start(options, "Rust"))?, "power"),
        (peers(4, subjects::floor)?, "after-sync"),
    ];
    let seconds = options.long_seconds();
    let series = rounds(options.long_rounds(), &mut turns, |(peers, mode)| {
        Ok(round(peers, mode, &scratch, seconds, 1)?.per_second)
    })?;
    Ok(Figure::ratio(&series[0], &series[1]))
}

fn threads(options: &Options) -> Result<Figure> {
    let scratch = Scratch::new(options, "power-threads")?;
    let mut peer = subjects::start(options, "Rust")?;
    peer.call(&["open", scratch.path()?, "power"])?;
    let seconds = options.long_seconds().to_string();
    let series = rounds(options.long_rounds(), &mut ["16", "1"], |threads| {
        peer.call(&["threads", threads, &seconds])
    })?;
    Ok(Figure::ratio(&series[0], &series[1]))
}
