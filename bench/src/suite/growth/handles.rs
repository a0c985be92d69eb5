//! More open handles and more followers, in one process.

use super::{Panel, curves};
use crate::measure::rounds;
use crate::options::Options;
use crate::peer::{self, Peer};
use crate::suite::Scratch;
use crate::worker::growth::allow_files;
use anyhow::Result;

pub fn panels(options: &Options) -> Result<Vec<Panel>> {
    // A journal has two descriptors, and the system may allow fewer than 10,000 journals need.
    let most = (allow_files()?.saturating_sub(100) / 2).min(10_000);
    let (handles, followers): (&[u64], &[u64]) = match options.quick {
        true => (&[1, 20], &[1, 20]),
        false => (&[1, 10, 100, 1_000, most], &[1, 10, 100, 1_000]),
    };
    // Two things make an append to each of many dearer. Each comes alone in its tick, and so
    // looks at the names too. And the kernel has each file's parts in no cache: the same calls
    // in C take 2.5 times as long on 1,000 files as on one.
    let mut panels = grown(
        options,
        ("open", "open handles", handles),
        ("append-to-each", "an append to each in turn"),
    )?;
    panels.extend(grown(
        options,
        ("follow", "followers", followers),
        ("deliver", "from append to follower"),
    )?);
    Ok(panels)
}

/// A panel of the time, and one of what the process has.
fn grown(
    options: &Options,
    (open, over, sizes): (&str, &'static str, &[u64]),
    (verb, what): (&str, &'static str),
) -> Result<Vec<Panel>> {
    let mut peers = Vec::new();
    let mut room = Vec::new();
    for count in sizes {
        let scratch = Scratch::new(options, &format!("growth-{open}-{count}"))?;
        let mut peer = Peer::start("growth", peer::own("growth")?)?;
        peer.call(&[open, scratch.dir()?, &count.to_string()])?;
        let memory = peer.peak()? / 1024.0;
        room.extend([
            vec![memory],
            vec![peer.descriptors()?],
            vec![peer.threads()?],
        ]);
        peers.push((peer, *count, scratch));
    }
    let series = rounds(options.rounds, &mut peers, |(peer, count, _)| {
        // As many calls for few as for many.
        let turns = match verb {
            "deliver" => 50,
            _ => (1_000 / *count).max(1),
        };
        Ok(peer.call(&[verb, &turns.to_string()])? / 1e3)
    })?;
    let most = *sizes.last().unwrap_or(&1) as f64;
    Ok(vec![
        Panel {
            over,
            unit: "µs",
            curves: curves(sizes, &[(what, 2.0)], series),
        },
        Panel {
            over,
            unit: "in the process",
            // Each handle has memory and descriptors of its own, but no thread.
            curves: curves(
                sizes,
                &[
                    ("KiB of memory", most),
                    ("descriptors", most),
                    ("threads", 1.0),
                ],
                room,
            ),
        },
    ])
}
