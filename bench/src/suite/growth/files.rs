//! Longer journals, fuller directories, stores with more sessions.

use super::{Panel, curves};
use crate::measure::rounds;
use crate::options::Options;
use crate::peer::{self, Peer};
use crate::suite::Scratch;
use anyhow::Result;

pub fn panels(options: &Options) -> Result<Vec<Panel>> {
    Ok(vec![
        journal(options)?,
        directory(options)?,
        sessions(options)?,
    ])
}

fn worker() -> Result<Peer> {
    Peer::start("growth", peer::own("growth")?)
}

fn journal(options: &Options) -> Result<Panel> {
    const MEASURED: [(&str, f64); 3] =
        [("append", 1.1), ("tail(20)", 1.5), ("open and append", 1.5)];
    let sizes: &[u64] = match options.quick {
        true => &[10_000, 1_000_000],
        false => &[1_000, 1_000_000, 100_000_000, 1_000_000_000, 10_000_000_000],
    };
    let mut peer = worker()?;
    let mut turns = Vec::new();
    for bytes in sizes {
        let scratch = Scratch::new(options, &format!("growth-{bytes}"))?;
        peer.call(&["make", scratch.path()?, &bytes.to_string()])?;
        turns.push(scratch);
    }
    let mut turns: Vec<(&Scratch, [&str; 2])> = turns
        .iter()
        .flat_map(|scratch| {
            let verbs = [
                ["append", "1000"],
                ["tail", "50"],
                ["open-and-append", "50"],
            ];
            verbs.map(|verb| (scratch, verb))
        })
        .collect();
    let series = rounds(options.rounds, &mut turns, |(scratch, [verb, count])| {
        Ok(peer.call(&[verb, scratch.path()?, count])? / 1e3)
    })?;
    Ok(Panel {
        over: "bytes in the journal",
        unit: "µs",
        curves: curves(sizes, &MEASURED, series),
    })
}

fn directory(options: &Options) -> Result<Panel> {
    const MEASURED: [(&str, f64); 3] = [
        ("save", 1.5),
        ("open and load", 1.5),
        ("open and append", 1.5),
    ];
    let sizes: &[u64] = match options.quick {
        true => &[10, 1_000],
        false => &[10, 100, 1_000, 10_000, 100_000],
    };
    let mut peer = worker()?;
    let mut scratches = Vec::new();
    for files in sizes {
        let scratch = Scratch::new(options, &format!("growth-files-{files}"))?;
        peer.call(&["files", scratch.dir()?, &files.to_string()])?;
        scratches.push(scratch);
    }
    let mut turns: Vec<(&Scratch, [&str; 3])> = scratches
        .iter()
        .flat_map(|scratch| {
            let verbs = [
                ["save", "state.json", "20"],
                ["open-and-load", "state.json", "50"],
                ["open-and-append", "log.jsonl", "50"],
            ];
            verbs.map(|verb| (scratch, verb))
        })
        .collect();
    let series = rounds(
        options.rounds,
        &mut turns,
        |(scratch, [verb, name, count])| {
            let path = format!("{}/{name}", scratch.dir()?);
            Ok(peer.call(&[verb, &path, count])? / 1e3)
        },
    )?;
    Ok(Panel {
        over: "files in the directory",
        unit: "µs",
        curves: curves(sizes, &MEASURED, series),
    })
}

fn sessions(options: &Options) -> Result<Panel> {
    const MEASURED: [(&str, f64); 3] = [
        ("claim", 1.5),
        ("keys, a session", 2.0),
        ("search, a session", 2.0),
    ];
    let sizes: &[u64] = match options.quick {
        true => &[10, 100],
        false => &[10, 100, 1_000, 10_000, 100_000],
    };
    let mut many = Peer::start("many", peer::own("many")?)?;
    let mut claimer = Peer::start("session", peer::own("session")?)?;
    let mut scratches = Vec::new();
    for sessions in sizes {
        let scratch = Scratch::new(options, &format!("growth-sessions-{sessions}"))?;
        many.call(&["fill", scratch.dir()?, &sessions.to_string()])?;
        scratches.push((scratch, *sessions as f64));
    }
    let mut turns: Vec<(&Scratch, f64, &str)> = scratches
        .iter()
        .flat_map(|(scratch, sessions)| {
            ["claim", "keys", "search"].map(|verb| (scratch, *sessions, verb))
        })
        .collect();
    let series = rounds(
        options.long_rounds(),
        &mut turns,
        |(scratch, sessions, verb)| {
            let dir = scratch.dir()?;
            Ok(match *verb {
                "claim" => claimer.call(&["claim", dir, "process", "50"])? / 1e3,
                verb => many.call(&[verb, dir])? / 1e3 / *sessions,
            })
        },
    )?;
    Ok(Panel {
        over: "sessions in the store",
        unit: "µs",
        curves: curves(sizes, &MEASURED, series),
    })
}
