//! One record at a time, durability `process`, no other process.

use super::{Row, Scratch, Target, Way, again};
use crate::data;
use crate::measure::{Figure, rounds};
use crate::options::Options;
use crate::peer::{self, Peer};
use crate::subjects;
use anyhow::Result;

const SUITE: &str = "append";
const WORK: &str = "append of 200 B, process";

/// Appends in one slice: about a millisecond's. A neighbour on the same core makes
/// everything half as fast again for tens of milliseconds at a time. Short slices that
/// follow each other closely meet the same neighbour.
const SLICE: u32 = 1_000;

fn turns(options: &Options) -> usize {
    options.rounds * 7
}

struct Subject {
    peer: Peer,
    /// Of the floor: which one. Of untorn: the durability.
    mode: &'static str,
    scratch: Scratch,
}

impl Subject {
    /// Nanoseconds an append, on a fresh journal, after a few that do not count.
    fn slice(&mut self, count: u32) -> Result<f64> {
        self.scratch.clear()?;
        self.peer.call(&["open", self.scratch.path()?, self.mode])?;
        self.peer.call(&["append", "500"])?;
        let nanoseconds = self.peer.call(&["append", &count.to_string()])?;
        self.peer.call(&["close"])?;
        Ok(nanoseconds / f64::from(count))
    }
}

pub fn run(options: &Options) -> Result<Vec<Row>> {
    let subject = |name: &'static str, peer, mode| -> Result<Subject> {
        Ok(Subject {
            peer,
            mode,
            scratch: Scratch::new(options, name)?,
        })
    };
    let mut running = vec![
        subject("bare", subjects::floor()?, "bare")?,
        subject("same", subjects::floor()?, "same")?,
    ];
    // Which series is which language's, or why there is none.
    let mut series_of = Vec::new();
    for language in subjects::ALL {
        match subjects::start(options, language) {
            Ok(peer) => {
                series_of.push((language, Ok(running.len())));
                running.push(subject(language, peer, "process")?);
            }
            Err(error) => series_of.push((language, Err(error))),
        }
    }
    // What the check that a record is JSON costs: the C loops have none.
    let lines = running.len();
    running.push(subject(
        "lines",
        subjects::start(options, "Rust")?,
        "lines",
    )?);
    let series = rounds(turns(options), &mut running, |subject| subject.slice(SLICE))?;
    drop(running);

    let (bare, same) = (&series[0], &series[1]);
    let mut rows = vec![
        Row::way(SUITE, WORK, Way::Bare, "ns", Ok(Figure::of(bare))),
        Row::way(SUITE, WORK, Way::Needed, "ns", Ok(Figure::of(same))),
        Row::new(
            SUITE,
            "C, untorn's system calls / bare",
            "x",
            Target::None,
            Ok(Figure::ratio(same, bare)),
        ),
    ];
    for (language, place) in series_of {
        if let ("Rust", Ok(place)) = (language, &place) {
            let figure = Figure::of(&series[*place]);
            rows.push(Row::way(SUITE, WORK, Way::Untorn, "ns", Ok(figure)));
        }
        let target = match language {
            "Python" => 3.0,
            "Node" => 3.4,
            _ => 2.3,
        };
        let figure = match &place {
            Ok(place) => Ok(Figure::ratio(&series[*place], bare)),
            Err(error) => Err(again(error)),
        };
        rows.push(Row::new(
            SUITE,
            format!("{language} / bare"),
            "x",
            Target::AtMost(target),
            figure,
        ));
        if matches!(language, "Rust" | "C") {
            let figure = place.map(|place| Figure::ratio(&series[place], same));
            let what = format!("{language} / C with the same system calls");
            rows.push(Row::new(SUITE, what, "x", Target::AtMost(1.15), figure));
        }
    }
    for (what, floor, target) in [
        ("Rust, format lines / bare", bare, 2.3),
        (
            "Rust, format lines / C with the same system calls",
            same,
            1.15,
        ),
    ] {
        let figure = Ok(Figure::ratio(&series[lines], floor));
        rows.push(Row::new(SUITE, what, "x", Target::AtMost(target), figure));
    }
    let large = large_to_small(options);
    rows.push(Row::new(
        SUITE,
        "Rust, journal of 1 GB / of 1 KB",
        "x",
        Target::AtMost(1.1),
        large,
    ));
    Ok(rows)
}

/// The same handle kind on a long and on a short journal.
fn large_to_small(options: &Options) -> Result<Figure> {
    let bytes = if options.quick {
        50_000_000
    } else {
        1_000_000_000
    };
    let large = data::journal(&options.dir, &format!("journal-{bytes}.jsonl"), bytes)?;
    let small = Scratch::new(options, "small")?;
    let mut peers = [
        subjects::start(options, "Rust")?,
        subjects::start(options, "Rust")?,
    ];
    peers[0].call(&["open", peer::text(&large)?, "process"])?;
    let mut sizes = [0, 1];
    let series = rounds(turns(options), &mut sizes, |&mut turn| {
        if turn == 1 {
            small.clear()?;
            peers[1].call(&["open", small.path()?, "process"])?;
        }
        peers[turn].call(&["append", "500"])?;
        let nanoseconds = peers[turn].call(&["append", &SLICE.to_string()])?;
        Ok(nanoseconds / f64::from(SLICE))
    });
    drop(peers);
    // The long one is kept for other runs: what was added to it is taken off again.
    let file = std::fs::OpenOptions::new().write(true).open(&large)?;
    let end = whole_lines(&large, bytes)?;
    file.set_len(end)?;
    let series = series?;
    Ok(Figure::ratio(&series[0], &series[1]))
}

/// The first end of a line at or after `from`.
fn whole_lines(path: &std::path::Path, from: u64) -> Result<u64> {
    use std::io::{BufRead, BufReader, Seek, SeekFrom};
    let mut file = std::fs::File::open(path)?;
    file.seek(SeekFrom::Start(from - 1))?;
    let mut rest = Vec::new();
    let more = BufReader::new(file).read_until(b'\n', &mut rest)?;
    Ok(from - 1 + more as u64)
}
