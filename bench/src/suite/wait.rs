//! Waiting for a lock: who gets it how often, how soon, and what the wait costs.

use super::contend::peers;
use super::{Row, Scratch, Target};
use crate::clock::monotonic;
use crate::measure::Figure;
use crate::options::Options;
use crate::peer::{self, Peer};
use anyhow::Result;
use std::time::Duration;

const SUITE: &str = "wait";
const PROCESSES: usize = 16;
/// Nanoseconds for which a lock is held "for long".
const LONG: i64 = 2_000_000;

fn lockers(count: usize, kind: &'static str) -> Result<Vec<Peer>> {
    peers(count, || Peer::start(kind, peer::own(kind)?))
}

pub fn run(options: &Options) -> Result<Vec<Row>> {
    let mut rows = fairness(options)?;
    rows.extend(hand_over(options)?);
    rows.push(wait_in_vain(options)?);
    Ok(rows)
}

/// The most served process' turns to the least served one's, ours to raw flock's.
fn fairness(options: &Options) -> Result<Vec<Row>> {
    let scratch = Scratch::new(options, "wait")?;
    let mut raw = lockers(PROCESSES, "raw-lock")?;
    let mut ours = lockers(PROCESSES, "lock")?;
    let mut rows = Vec::new();
    for (held, seconds, what) in [
        (0, options.long_seconds(), "released at once"),
        // Long enough for each to have its turn many times.
        (LONG, options.long_seconds() * 4.0, "held for 2 ms"),
    ] {
        let mut shares = [Vec::new(), Vec::new()];
        for turn in 0..=options.long_rounds() {
            for i in 0..2 {
                let which = (i + turn) % 2;
                let subjects = if which == 0 { &mut raw } else { &mut ours };
                let share = round(subjects, &scratch, seconds, held)?;
                if turn > 0 {
                    shares[which].push(share);
                }
            }
        }
        let [theirs, own] = shares.map(|shares| Figure::of(&shares));
        rows.push(Row::new(
            SUITE,
            format!("C, raw flock, {PROCESSES} processes, {what}: most to least served"),
            "x",
            Target::None,
            Ok(theirs),
        ));
        rows.push(Row::new(
            SUITE,
            format!("Rust, {PROCESSES} processes, {what}: most to least served / raw flock's"),
            "x",
            Target::AtMost(1.3),
            Ok(own.times(1.0 / theirs.median)),
        ));
    }
    Ok(rows)
}

fn round(peers: &mut [Peer], scratch: &Scratch, seconds: f64, held: i64) -> Result<f64> {
    scratch.clear()?;
    let from = monotonic() + 20_000_000;
    let until = from + (seconds * 1e9) as i64;
    let (from, until, held) = (from.to_string(), until.to_string(), held.to_string());
    let request = ["contend", scratch.path()?, &from, &until, &held];
    for peer in &mut *peers {
        peer.send(&request)?;
    }
    let mut counts = Vec::new();
    for peer in &mut *peers {
        counts.push(peer.answer(&request)?);
    }
    let least = counts.iter().copied().fold(f64::INFINITY, f64::min);
    let most = counts.iter().copied().fold(0.0, f64::max);
    // One that got nothing at all counts as if it had got one turn.
    Ok(most / least.max(1.0))
}

/// From the release in one process until the waiter in another has the lock.
fn hand_over(options: &Options) -> Result<Vec<Row>> {
    let scratch = Scratch::new(options, "wait")?;
    let path = scratch.path()?;
    let mut ways = Vec::new();
    for (kind, how, what, target) in [
        ("raw-lock", "endless", "C, raw flock", Target::None),
        ("lock", "endless", "Rust, no deadline", Target::AtMost(0.3)),
        (
            "lock",
            "timed",
            "Rust, with a deadline",
            Target::AtMost(0.3),
        ),
    ] {
        ways.push((lockers(2, kind)?, how, what, target, Vec::new()));
    }
    for turn in 0..options.rounds {
        for (peers, how, _, _, times) in &mut ways {
            let [holder, waiter] = &mut peers[..] else {
                unreachable!("two were started")
            };
            holder.call(&["take", path, how])?;
            waiter.send(&["take", path, how])?;
            // Until it waits: nothing outside tells that it does.
            std::thread::sleep(Duration::from_millis(10));
            let released = holder.call(&["release"])?;
            let had = waiter.answer(&["take"])?;
            waiter.call(&["release"])?;
            if turn > 0 {
                times.push((had - released) / 1e6);
            }
        }
    }
    Ok(ways
        .into_iter()
        .map(|(_, _, what, target, times)| {
            let what = format!("{what}: from its release until the waiter has the lock");
            Row::new(SUITE, what, "ms", target, Ok(Figure::of(&times)))
        })
        .collect())
}

/// What a second of waiting costs the processor.
fn wait_in_vain(options: &Options) -> Result<Row> {
    let scratch = Scratch::new(options, "wait")?;
    let path = scratch.path()?;
    let mut peers = lockers(2, "lock")?;
    let [holder, waiter] = &mut peers[..] else {
        unreachable!("two were started")
    };
    holder.call(&["take", path, "endless"])?;
    let mut times = Vec::new();
    for turn in 0..=options.long_rounds() {
        let time = waiter.call(&["wait-in-vain", path, "1"])?;
        if turn > 0 {
            times.push(time / 1e6);
        }
    }
    Ok(Row::new(
        SUITE,
        "Rust, processor time of one second's wait",
        "ms",
        Target::AtMost(2.0),
        Ok(Figure::of(&times)),
    ))
}
