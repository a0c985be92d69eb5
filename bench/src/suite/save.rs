//! A durable, atomic save of 4 KB.

use super::{Row, Scratch, Target, Way, again};
use crate::measure::{Figure, rounds};
use crate::options::Options;
use crate::subjects;
use anyhow::Result;

const SUITE: &str = "save";
const WORK: &str = "save of 4 KB, power";

pub fn run(options: &Options) -> Result<Vec<Row>> {
    let mut turns = [
        (
            subjects::start(options, "Rust")?,
            Scratch::new(options, "save-rust")?,
            "save",
        ),
        (
            subjects::floor()?,
            Scratch::new(options, "save-floor")?,
            "save",
        ),
        (
            subjects::floor()?,
            Scratch::new(options, "save-bare")?,
            "save-without-sync",
        ),
    ];
    let count = "10";
    let series = rounds(options.rounds * 2, &mut turns, |(peer, scratch, verb)| {
        peer.call(&[verb, scratch.path()?, count])
    })?;
    drop(turns);
    let way = |way, of: usize| {
        let figure = Figure::of(&series[of]).times(1e-4);
        Row::way(SUITE, WORK, way, "us", Ok(figure))
    };
    let mut rows = vec![
        way(Way::Bare, 2),
        way(Way::Needed, 1),
        way(Way::Untorn, 0),
        Row::new(
            SUITE,
            "Rust, Document::save of 4 KB / the same in C",
            "x",
            Target::AtMost(1.2),
            Ok(Figure::ratio(&series[0], &series[1])),
        ),
    ];
    rows.extend(python(options));
    Ok(rows)
}

/// Calls without a handle from Python.
fn python(options: &Options) -> Vec<Row> {
    let measured = || {
        let mut peer = subjects::start(options, "Python")?;
        let mut turns = [
            ("save-json", Scratch::new(options, "save-json")?),
            ("replace-json", Scratch::new(options, "replace-json")?),
            ("append-json", Scratch::new(options, "append-json")?),
        ];
        rounds(options.rounds, &mut turns, |(verb, scratch)| {
            peer.call(&[verb, scratch.path()?, "100"])
        })
    };
    let series = measured();
    let figure = |of: fn(&[Vec<f64>]) -> Figure| match &series {
        Ok(series) => Ok(of(series)),
        Err(error) => Err(again(error)),
    };
    vec![
        Row::new(
            SUITE,
            "Python, save_json of 2 KB, process / json.dumps, a temporary and os.replace",
            "x",
            Target::AtMost(1.1),
            figure(|series| Figure::ratio(&series[0], &series[1])),
        ),
        Row::new(
            SUITE,
            "Python, append_json of 100 B, process",
            "us",
            Target::AtMost(30.0),
            figure(|series| Figure::of(&series[2]).times(1e-5)),
        ),
    ]
}
