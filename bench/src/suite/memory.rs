//! Peaks of resident memory, above what the runtime itself takes.

use super::{Row, Scratch, Target, again};
use crate::data;
use crate::measure::Figure;
use crate::options::Options;
use crate::peer;
use crate::subjects;
use anyhow::Result;

const SUITE: &str = "memory";
const MIB: f64 = 1024.0 * 1024.0;

pub fn run(options: &Options) -> Result<Vec<Row>> {
    let bytes = if options.quick {
        50_000_000
    } else {
        1_000_000_000
    };
    let mut rows = Vec::new();
    for language in ["Rust", "Python", "Node"] {
        // Reading 1 GB as objects takes a minute there; a fifth shows a leak just as well.
        let bytes = if language == "Rust" { bytes } else { bytes / 5 };
        let long = data::journal(&options.dir, &format!("journal-{bytes}.jsonl"), bytes)?;
        let long = peer::text(&long)?;
        let scratch = Scratch::new(options, "memory")?;
        let mut add = |what: &str, target, path: &str, request: &[&str]| {
            let figure = above_runtime(options, language, path, request);
            let what = format!("{language}, {what}");
            let figure = figure.map_err(|e| again(&e));
            rows.push(Row::new(SUITE, what, "MiB", target, figure));
        };
        if language == "Node" {
            // The young objects alone: what V8 keeps for them is up to its options.
            let what = "reading a long journal by hand";
            add(what, Target::None, long, &["records-by-hand", "1"]);
        }
        let mut measure = |what: &str, path: &str, request: &[&str]| {
            add(what, Target::AtMost(32.0), path, request);
        };
        measure("reading a long journal", long, &["records", "1"]);
        if language == "Node" {
            let what = "reading a long journal, async";
            measure(what, long, &["records-async", "1"]);
        }
        measure("verifying a long journal", long, &["verify", "1"]);
        measure(
            "appending 200,000 records",
            scratch.path()?,
            &["append", "200000"],
        );
    }
    Ok(rows)
}

/// In a process of its own, which has the library loaded before and its peak reset.
fn above_runtime(
    options: &Options,
    language: &'static str,
    path: &str,
    request: &[&str],
) -> Result<Figure> {
    let mut peer = subjects::start(options, language)?;
    let before = peer.reset_peak()?;
    peer.call(&["open", path, "process"])?;
    peer.call(request)?;
    let above = (peer.peak()? - before) / MIB;
    Ok(Figure {
        median: above,
        low: above,
        high: above,
    })
}
