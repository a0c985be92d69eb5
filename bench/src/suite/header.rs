//! A header stamp and an append in one step, against a plain append, on a journal of 100 MB.

use super::{Row, Target};
use crate::data;
use crate::measure::{Figure, rounds};
use crate::options::Options;
use crate::peer::{self, Peer};
use crate::subjects;
use anyhow::Result;

const SUITE: &str = "header";
const BYTES: u64 = 100_000_000;

pub fn run(options: &Options) -> Result<Vec<Row>> {
    let row = |what, durability, slice, turns, limit| {
        let figure = stamp_to_append(options, durability, slice, turns);
        Row::new(SUITE, what, "x", Target::AtMost(limit), figure)
    };
    Ok(vec![
        row(
            "Rust, stamp and append / append, process",
            "process",
            "1000",
            options.rounds * 7,
            2.0,
        ),
        row(
            "Rust, stamp and append / append, power",
            "power",
            "20",
            options.rounds * 3,
            2.2,
        ),
    ])
}

fn stamp_to_append(
    options: &Options,
    durability: &str,
    slice: &str,
    turns: usize,
) -> Result<Figure> {
    let open = |name: &str, mode: &str| -> Result<Peer> {
        // A new copy each: both begin with a file of the same length.
        let path = options.dir.join(name);
        let source = data::journal(&options.dir, "journal-header.jsonl", BYTES)?;
        std::fs::copy(source, &path)?;
        std::fs::File::open(&path)?.sync_all()?;
        let mut peer = subjects::start(options, "Rust")?;
        peer.call(&["open", peer::text(&path)?, mode])?;
        Ok(peer)
    };
    let mut turns_of = [
        (
            open("header-stamp.jsonl", &format!("{durability}+header"))?,
            "stamp",
        ),
        (open("header-plain.jsonl", durability)?, "append"),
    ];
    for (peer, verb) in &mut turns_of {
        peer.call(&[verb, "5"])?;
    }
    let series = rounds(turns, &mut turns_of, |(peer, verb)| {
        peer.call(&[verb, slice])
    })?;
    drop(turns_of);
    for name in ["header-stamp.jsonl", "header-plain.jsonl"] {
        std::fs::remove_file(options.dir.join(name))?;
    }
    Ok(Figure::ratio(&series[0], &series[1]))
}
