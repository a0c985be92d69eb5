//! Reading long journals.

use super::{Row, Target, again};
use crate::data;
use crate::measure::{Figure, rounds};
use crate::options::Options;
use crate::peer::{self, Peer};
use crate::subjects;
use anyhow::Result;

const SUITE: &str = "read";

pub fn run(options: &Options) -> Result<Vec<Row>> {
    let (long, short) = if options.quick {
        (50_000_000, 20_000_000)
    } else {
        (1_000_000_000, 200_000_000)
    };
    let mut rust = subjects::start(options, "Rust")?;

    open(options, &mut rust, long)?;
    let tail = series(options, || Ok(rust.call(&["tail", "100"])? / 100.0 * 1e-3));
    let bytes = open(options, &mut rust, short)?;
    // Gigabytes a second: bytes a nanosecond.
    let records = series(options, || Ok(bytes / rust.call(&["records", "1"])?));
    let verify = series(options, || Ok(bytes / rust.call(&["verify", "1"])?));
    Ok(vec![
        Row::new(
            SUITE,
            "Rust, tail(20) of 1 GB",
            "us",
            Target::AtMost(50.0),
            tail,
        ),
        Row::new(
            SUITE,
            "Rust, records over 200 MB, as bytes",
            "GB/s",
            Target::AtLeast(3.0),
            records,
        ),
        Row::new(
            SUITE,
            "Rust, verify of 200 MB, every record as JSON",
            "GB/s",
            Target::AtLeast(0.8),
            verify,
        ),
        Row::new(
            SUITE,
            "Node, records over 200 MB, as objects / chunks and JSON.parse",
            "times",
            Target::AtMost(1.0),
            node(options, short).map_err(|error| again(&error)),
        ),
    ])
}

/// The two are processes of their own: they would share a heap otherwise.
fn node(options: &Options, bytes: u64) -> Result<Figure> {
    let mut peers = ["records", "records-by-hand"]
        .map(|verb| Ok((subjects::start(options, "Node")?, verb)))
        .into_iter()
        .collect::<Result<Vec<_>>>()?;
    for (peer, _) in &mut peers {
        open(options, peer, bytes)?;
    }
    let series = rounds(options.rounds.min(7), &mut peers, |(peer, verb)| {
        peer.call(&[verb, "1"])
    })?;
    Ok(Figure::ratio(&series[0], &series[1]))
}

fn open(options: &Options, peer: &mut Peer, bytes: u64) -> Result<f64> {
    let journal = data::journal(&options.dir, &format!("journal-{bytes}.jsonl"), bytes)?;
    let size = std::fs::metadata(&journal)?.len();
    peer.call(&["open", peer::text(&journal)?, "process"])?;
    Ok(size as f64)
}

fn series(options: &Options, mut measure: impl FnMut() -> Result<f64>) -> Result<Figure> {
    // Warm: the file is in the page cache.
    measure()?;
    let values: Result<Vec<f64>> = (0..options.rounds.min(11)).map(|_| measure()).collect();
    Ok(Figure::of(&values?))
}
