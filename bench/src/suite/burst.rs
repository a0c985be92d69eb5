//! From Node: many appends started together, none awaited before the next.

use super::{Row, Scratch, Target};
use crate::measure::Figure;
use crate::options::Options;
use crate::peer::Peer;
use crate::subjects;
use anyhow::Result;

const APPENDS: u32 = 10_000;

pub fn run(options: &Options) -> Result<Vec<Row>> {
    let per_second = subjects::start(options, "Node").and_then(|peer| burst(options, peer));
    let what = "Node, 10,000 append() started together";
    Ok(vec![Row::new(
        "burst",
        what,
        "appends/s",
        Target::AtLeast(200_000.0),
        per_second,
    )])
}

fn burst(options: &Options, mut node: Peer) -> Result<Figure> {
    let scratch = Scratch::new(options, "burst")?;
    let mut series = Vec::new();
    // The first rounds are the just-in-time compiler's.
    for round in 0..options.rounds + 3 {
        scratch.clear()?;
        node.call(&["open", scratch.path()?, "process"])?;
        let nanoseconds = node.call(&["burst", &APPENDS.to_string()])?;
        node.call(&["close"])?;
        if round >= 3 {
            series.push(f64::from(APPENDS) / nanoseconds * 1e9);
        }
    }
    Ok(Figure::of(&series))
}
