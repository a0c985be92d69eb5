//! 1 to 16 processes on one file: how much all of them get done, and who gets how much of it.

use super::super::field::Finding;
use super::super::programs::Program;
use super::Work;
use crate::measure::Figure;
use crate::options::Options;
use crate::peer::Peer;
use crate::suite::contend::{Share, peers, round};
use crate::suite::{Scratch, again};
use anyhow::Result;

pub const SPEED: Work = Work {
    name: "contend",
    title: "Append by several processes",
    method: "So many processes append to one file at once, not synced. The figure is what all of them appended in a second.",
    over: Some("processes"),
    run: speed,
};

pub const FAIR: Work = Work {
    name: "fair",
    title: "Fairness",
    method: "From the same rounds: the appends of the process that got the most, for one append of the process that got the fewest. One that got none counts as if it got one.",
    over: Some("processes"),
    // Measured with the speed.
    run: |_| Ok(Vec::new()),
};

const FIELD: [&str; 11] = [
    "python/by_untorn",
    "python/by_flock",
    "python/by_filelock",
    "python/by_portalocker",
    "python/by_fasteners",
    "python/by_sqlite3",
    "python/by_diskcache",
    "node/untorn",
    "node/untorn-sync",
    "node/proper-lockfile",
    "node/better-sqlite3",
];

/// The processes of one program.
struct Team {
    program: &'static Program,
    peers: Result<Vec<Peer>>,
    /// For each number of processes, a share a round.
    shares: Vec<Vec<Share>>,
}

fn speed(options: &Options) -> Result<Vec<Finding>> {
    let counts: &[usize] = if options.quick {
        &[1, 2]
    } else {
        &[1, 2, 4, 8, 16]
    };
    let rounds = options.at_most(5);
    let seconds = if options.quick { 0.1 } else { 0.4 };
    let most = counts.iter().copied().max().unwrap_or(1);
    let scratch = Scratch::new(options, "contend")?;
    let mut teams = Vec::new();
    for key in FIELD {
        let program = Program::named(key)?;
        teams.push(Team {
            program,
            // All of them live at once, 5 GB together: they wait in read until their turn.
            peers: peers(most, || program.start(options)),
            shares: counts.iter().map(|_| Vec::new()).collect(),
        });
    }
    for turn in 0..rounds {
        for place in 0..teams.len() {
            let place = (place + turn) % teams.len();
            let team = &mut teams[place];
            for (&count, shares) in counts.iter().zip(&mut team.shares) {
                let Ok(peers) = &mut team.peers else { continue };
                match round(&mut peers[..count], "fast", &scratch, seconds, 1) {
                    Ok(share) => shares.push(share),
                    Err(error) => team.peers = Err(error),
                }
            }
        }
    }
    Ok(teams
        .iter()
        .flat_map(|team| findings(team, counts))
        .collect())
}

fn findings(team: &Team, counts: &[usize]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (count, shares) in counts.iter().zip(&team.shares) {
        let figure = |pick: fn(&Share) -> f64| match &team.peers {
            Ok(_) => Ok(Figure::of(&shares.iter().map(pick).collect::<Vec<_>>())),
            Err(error) => Err(again(error)),
        };
        let finding = |work, unit, figure| Finding {
            work,
            case: count.to_string(),
            program: team.program,
            durable: false,
            unit,
            figure,
        };
        findings.push(finding(
            "contend",
            "appends/s",
            figure(|share| share.per_second),
        ));
        if *count > 1 {
            findings.push(finding(
                "fair",
                "times",
                figure(|share| share.most_to_least),
            ));
        }
    }
    findings
}
