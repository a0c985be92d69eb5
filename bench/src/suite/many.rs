//! Many sessions, many handles, and calls without a handle.

use super::{Row, Scratch, Target};
use crate::measure::{Figure, rounds};
use crate::options::Options;
use crate::peer::{self, Peer};
use anyhow::Result;

const SUITE: &str = "many";
const KIB: f64 = 1024.0;

fn worker() -> Result<Peer> {
    Peer::start("many", peer::own("many")?)
}

pub fn run(options: &Options) -> Result<Vec<Row>> {
    let mut rows = sessions(options)?;
    rows.extend(one_shot(options)?);
    rows.extend(handles(options)?);
    Ok(rows)
}

/// A store whose files are in the page cache.
fn sessions(options: &Options) -> Result<Vec<Row>> {
    let count = if options.quick { 1_000 } else { 100_000 };
    let scratch = Scratch::new(options, "many")?;
    let path = scratch.dir()?.to_owned();
    let mut peer = worker()?;
    peer.call(&["fill", &path, &count.to_string()])?;
    let mut verbs = ["keys", "raw-keys", "search", "raw-search"];
    let series = rounds(options.long_rounds(), &mut verbs, |verb| {
        peer.call(&[verb, &path])
    })?;
    let of = |what: &str| format!("Rust, {what} of {count} sessions");
    let ratio = |a: usize, b: usize| Ok(Figure::ratio(&series[a], &series[b]));
    let target = Target::AtMost(2.0);
    Ok(vec![
        Row::new(SUITE, of("keys") + " / readdir", "x", target, ratio(0, 1)),
        Row::new(
            SUITE,
            of("search") + " / readdir and read",
            "x",
            target,
            ratio(2, 3),
        ),
    ])
}

fn one_shot(options: &Options) -> Result<Vec<Row>> {
    let mut turns = [
        ("one-shot", Scratch::new(options, "one-shot")?),
        ("raw-one-shot", Scratch::new(options, "raw-one-shot")?),
    ];
    let mut peer = worker()?;
    let series = rounds(options.rounds, &mut turns, |(verb, scratch)| {
        peer.call(&[verb, scratch.path()?, "200"])
    })?;
    let own = Figure::of(&series[0]).times(1e-3);
    Ok(vec![
        Row::new(
            SUITE,
            "Rust, an append without a handle, process",
            "us",
            Target::AtMost(22.0),
            Ok(own),
        ),
        Row::new(
            SUITE,
            "the same / open + flock + write + close",
            "x",
            Target::None,
            Ok(Figure::ratio(&series[0], &series[1])),
        ),
    ])
}

/// The memory of handles: of those that are open, and of those that were closed.
fn handles(options: &Options) -> Result<Vec<Row>> {
    let count = if options.quick { 100 } else { 400 };
    let scratch = Scratch::new(options, "handles")?;
    let mut rows = Vec::new();
    for (verb, count, what, target) in [
        ("open", count, "an open journal", 8.0),
        (
            "open-and-close",
            count * 20,
            "a journal that was closed",
            0.1,
        ),
    ] {
        let mut peer = worker()?;
        let path = match verb {
            "open" => scratch.dir()?,
            _ => scratch.path()?,
        };
        // What the first one needs, all share.
        peer.call(&[verb, path, "1"])?;
        let before = peer.reset_peak()?;
        peer.call(&[verb, path, &count.to_string()])?;
        let each = (peer.peak()? - before) / KIB / f64::from(count);
        rows.push(Row::new(
            SUITE,
            format!("Rust, memory of {what}, of {count}"),
            "KiB",
            Target::AtMost(target),
            Ok(Figure::of(&[each])),
        ));
    }
    Ok(rows)
}
