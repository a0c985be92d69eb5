//! Durability `power`: what the syncs cost, and who shares them.

use super::contend::{peers, round};
use super::{Row, Scratch, Target, Way, again};
use crate::measure::{Figure, rounds};
use crate::options::Options;
use crate::subjects;
use anyhow::{Context, Result};
use std::process::{Child, Command};

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
    let mut rows = vec![
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
    ];
    rows.extend(each_by_itself(options, "", [2.0, 1.05, 0.9]));
    // As where many agents work: every processor is taken, by programs that belong to none of them.
    let busy = Busy::begin();
    let when = ", while 4 other programs take the processors";
    match busy {
        Ok(_until_the_end) => rows.extend(each_by_itself(options, when, [1.0, 0.6, 0.6])),
        Err(error) => {
            let what = format!("Rust, threads on one handle{when}");
            rows.push(Row::new(SUITE, what, "x", Target::None, Err(error)));
        }
    }
    Ok(rows)
}

/// Threads on one handle, by as many that each write and sync for themselves.
fn each_by_itself(options: &Options, when: &str, at_least: [f64; 3]) -> Vec<Row> {
    let counts = ["16", "4", "2"];
    let row = |(threads, at_least): (&str, f64)| {
        let what = format!(
            "Rust, {threads} threads on one handle / as many that each write and fdatasync{when}"
        );
        let figure = one_handle(options, threads);
        Row::new(SUITE, what, "x", Target::AtLeast(at_least), figure)
    };
    counts.into_iter().zip(at_least).map(row).collect()
}

fn one_handle(options: &Options, threads: &str) -> Result<Figure> {
    let scratch = Scratch::new(options, "power-each")?;
    let mut peer = subjects::start(options, "Rust")?;
    peer.call(&["open", scratch.path()?, "power"])?;
    let seconds = options.long_seconds().to_string();
    let series = rounds(
        options.long_rounds(),
        &mut ["threads", "each-by-itself"],
        |how| peer.call(&[how, threads, &seconds]),
    )?;
    Ok(Figure::ratio(&series[0], &series[1]))
}

/// Programs that take the processors for as long as this lives.
struct Busy(Vec<Child>);

impl Busy {
    fn begin() -> Result<Busy> {
        let mut busy = Busy(Vec::new());
        for _ in 0..4 {
            // Linux gives each session its share of the processors: `man 7 sched`, autogroup.
            let child = Command::new("setsid")
                .args(["sh", "-c", "while :; do :; done"])
                .spawn()
                .context("start setsid")?;
            busy.0.push(child);
        }
        Ok(busy)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        for child in &mut self.0 {
            let ended = child.kill().and_then(|()| child.wait());
            if let Err(error) = ended {
                eprintln!("untorn-bench: end {child:?}: {error}");
            }
        }
    }
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
