//! Many processes on one journal: throughput, and who gets how much of it.

use super::{Row, Scratch, Target, Way};
use crate::clock::monotonic;
use crate::measure::Figure;
use crate::options::Options;
use crate::peer::Peer;
use crate::subjects;
use anyhow::Result;

const SUITE: &str = "contend";
const WORK: &str = "append of 200 B, process, by 8 processes";

/// What one round of contention gave.
pub struct Share {
    pub per_second: f64,
    /// The most served process' appends to the least served one's.
    pub most_to_least: f64,
}

/// All `peers` append to one journal for a while; `mode` as in `append`.
pub fn round(
    peers: &mut [Peer],
    mode: &str,
    scratch: &Scratch,
    seconds: f64,
    every: u32,
) -> Result<Share> {
    scratch.clear()?;
    for peer in &mut *peers {
        peer.call(&["open", scratch.path()?, mode])?;
        peer.call(&["append", "1"])?;
    }
    // All begin and end at the same instants, which they get beforehand.
    let from = monotonic() + 20_000_000;
    let until = from + (seconds * 1e9) as i64;
    let (from, until) = (from.to_string(), until.to_string());
    let request = ["contend", &from, &until, &every.to_string()];
    for peer in &mut *peers {
        peer.send(&request)?;
    }
    let mut counts = Vec::new();
    for peer in &mut *peers {
        counts.push(peer.answer(&request)?);
    }
    for peer in &mut *peers {
        peer.call(&["close"])?;
    }
    let least = counts.iter().copied().fold(f64::INFINITY, f64::min);
    let most = counts.iter().copied().fold(0.0, f64::max);
    Ok(Share {
        per_second: counts.iter().sum::<f64>() / seconds,
        // One that got nothing at all counts as if it had got one.
        most_to_least: most / least.max(1.0),
    })
}

pub fn run(options: &Options) -> Result<Vec<Row>> {
    let mut floors = peers(8, subjects::floor)?;
    let mut ours = peers(8, || subjects::start(options, "Rust"))?;
    let scratch = Scratch::new(options, "contend")?;
    // `lines` shows what the check that a record is JSON costs here: the C loops have none.
    let kinds = ["bare", "same", "untorn", "lines"];
    let mut speed = vec![Vec::new(); kinds.len()];
    let mut fairness = vec![Vec::new(); kinds.len()];
    for turn in 0..=options.long_rounds() {
        for i in 0..kinds.len() {
            let kind = (i + turn) % kinds.len();
            let seconds = options.long_seconds();
            let share = match kinds[kind] {
                "untorn" => round(&mut ours, "process", &scratch, seconds, 32)?,
                "lines" => round(&mut ours, "lines", &scratch, seconds, 32)?,
                floor => round(&mut floors, floor, &scratch, seconds, 32)?,
            };
            if turn > 0 {
                speed[kind].push(share.per_second);
                fairness[kind].push(share.most_to_least);
            }
        }
    }
    let raw = Figure::of(&fairness[0]).median;
    let row = |what: &str, unit, target, figure| Row::new(SUITE, what, unit, target, Ok(figure));
    let way = |way, of: usize| Row::way(SUITE, WORK, way, "appends/s", Ok(Figure::of(&speed[of])));
    Ok(vec![
        way(Way::Bare, 0),
        way(Way::Needed, 1),
        way(Way::Untorn, 2),
        row(
            "Rust, 8 processes / C, raw flock",
            "x",
            Target::AtLeast(0.7),
            Figure::ratio(&speed[2], &speed[0]),
        ),
        row(
            "Rust, 8 processes / C with the same system calls",
            "x",
            Target::AtLeast(0.9),
            Figure::ratio(&speed[2], &speed[1]),
        ),
        row(
            "Rust, format lines, 8 processes / C with the same system calls",
            "x",
            Target::AtLeast(0.9),
            Figure::ratio(&speed[3], &speed[1]),
        ),
        row(
            "C, raw flock, most to least served",
            "x",
            Target::None,
            Figure::of(&fairness[0]),
        ),
        row(
            "C, same system calls, most to least served / raw flock's",
            "x",
            Target::None,
            Figure::of(&fairness[1]).times(1.0 / raw),
        ),
        row(
            "Rust, most to least served / raw flock's",
            "x",
            Target::AtMost(1.3),
            Figure::of(&fairness[2]).times(1.0 / raw),
        ),
    ])
}

pub fn peers(count: usize, start: impl Fn() -> Result<Peer>) -> Result<Vec<Peer>> {
    (0..count).map(|_| start()).collect()
}
