//! Claims, search, and how soon a record is delivered.

use super::{Row, Scratch, Target};
use crate::measure::Figure;
use crate::options::Options;
use crate::peer::{self, Peer};
use anyhow::Result;

const SUITE: &str = "session";

fn worker() -> Result<Peer> {
    Peer::start("session", peer::own("session")?)
}

pub fn run(options: &Options) -> Result<Vec<Row>> {
    let mut rows = claims(options)?;
    rows.extend(search(options)?);
    rows.push(delivery(options)?);
    Ok(rows)
}

fn claims(options: &Options) -> Result<Vec<Row>> {
    let scratch = Scratch::new(options, "session")?;
    let mut peer = worker()?;
    let mut rows = Vec::new();
    for (durability, what) in [
        ("process", "Rust, a claim, process"),
        ("power", "Rust, a claim, power"),
    ] {
        let mut times = Vec::new();
        for _ in 0..options.rounds {
            times.push(peer.call(&["claim", scratch.path()?, durability, "100"])? / 1e3);
        }
        let figure = Ok(Figure::of(&times));
        rows.push(Row::new(SUITE, what, "us", Target::AtMost(100.0), figure));
    }
    Ok(rows)
}

/// Of 200 MB in the page cache: words that are nowhere.
fn search(options: &Options) -> Result<Vec<Row>> {
    let scratch = Scratch::new(options, "session")?;
    let path = scratch.path()?;
    let wanted = if options.quick {
        "20000000"
    } else {
        "200000000"
    };
    let mut peer = worker()?;
    let bytes = peer.call(&["fill", path, wanted])?.to_string();
    let mut rows = Vec::new();
    for (text, what, target) in [
        (
            "Zzyzx",
            "Rust, search for a rare text",
            Target::AtLeast(1.0),
        ),
        (
            "the quick brown fox that never was",
            "Rust, search for a text of common words",
            Target::AtLeast(1.0),
        ),
    ] {
        let mut speeds = Vec::new();
        for turn in 0..=options.long_rounds() {
            let speed = peer.call(&["search", path, text, &bytes])? / 1e9;
            if turn > 0 {
                speeds.push(speed);
            }
        }
        let figure = Ok(Figure::of(&speeds));
        rows.push(Row::new(SUITE, what, "GB/s", target, figure));
    }
    Ok(rows)
}

fn delivery(options: &Options) -> Result<Row> {
    let scratch = Scratch::new(options, "session")?;
    let path = scratch.path()?;
    let (mut follower, mut writer) = (worker()?, worker()?);
    follower.call(&["follow", path])?;
    let mut times = Vec::new();
    for turn in 0..=options.long_rounds() {
        follower.send(&["deliver", "50"])?;
        writer.send(&["tick", path, "50"])?;
        let time = follower.answer(&["deliver"])? / 1e6;
        writer.answer(&["tick"])?;
        if turn > 0 {
            times.push(time);
        }
    }
    Ok(Row::new(
        SUITE,
        "Rust, from an append in one process until who follows has the record",
        "ms",
        Target::AtMost(5.0),
        Ok(Figure::of(&times)),
    ))
}
