//! Programs that take turns at one work.

use super::programs::Program;
use crate::measure::{Figure, rounds};
use crate::options::Options;
use crate::peer::Peer;
use crate::suite::Scratch;
use anyhow::{Result, anyhow};

/// What one program needed for one case of a work.
pub struct Finding {
    pub work: &'static str,
    /// A size, a number of processes; empty if there is only one case.
    pub case: String,
    pub program: &'static Program,
    pub durable: bool,
    pub unit: &'static str,
    pub figure: Result<Figure>,
}

impl Finding {
    pub fn fault(&self) -> Option<String> {
        let error = self.figure.as_ref().err()?;
        let (work, case, key) = (self.work, &self.case, self.program.key);
        Some(format!("{work} {case}: {key}: {error:#}"))
    }
}

/// A program, with a directory of its own.
pub struct Player {
    pub peer: Peer,
    program: &'static Program,
    pub scratch: Scratch,
    pub durable: bool,
}

impl Player {
    pub fn mode(&self) -> &'static str {
        if self.durable { "durable" } else { "fast" }
    }

    /// Another process of the same program.
    pub fn restart(&mut self, options: &Options) -> Result<()> {
        self.peer = self.program.start(options)?;
        Ok(())
    }

    /// An empty directory, and the program's handle on a path in it.
    pub fn open_new(&mut self, name: &str) -> Result<()> {
        self.scratch.clear()?;
        self.open(name)
    }

    pub fn open(&mut self, name: &str) -> Result<()> {
        let path = self.path(name)?;
        let mode = self.mode();
        self.peer.call(&["open", &path, mode]).map(drop)
    }

    pub fn path(&self, name: &str) -> Result<String> {
        Ok(format!("{}/{name}", self.scratch.dir()?))
    }

    pub fn close(&mut self) -> Result<()> {
        self.peer.call(&["close"]).map(drop)
    }

    /// Microseconds a call of a request that ends with how many calls.
    pub fn each(&mut self, request: &[&str], count: u32) -> Result<f64> {
        let count_text = count.to_string();
        let request: Vec<&str> = request.iter().copied().chain([&*count_text]).collect();
        Ok(self.peer.call(&request)? / f64::from(count) / 1e3)
    }
}

/// One case of a work: what it is called, how its figures are counted, how many rounds.
pub struct Case<'a> {
    pub work: &'static str,
    pub name: String,
    pub unit: &'static str,
    pub options: &'a Options,
    pub rounds: usize,
}

/// Every program of `field` in turn, for so many rounds. One that fails is an error of its own row.
pub fn compare(
    case: &Case,
    field: &[(&str, bool)],
    mut prepare: impl FnMut(&mut Player) -> Result<()>,
    mut slice: impl FnMut(&mut Player) -> Result<f64>,
) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    let mut players = Vec::new();
    for &(key, durable) in field {
        let program = Program::named(key)?;
        findings.push(Finding {
            work: case.work,
            case: case.name.clone(),
            program,
            durable,
            unit: case.unit,
            figure: Err(anyhow!("not measured")),
        });
        let started = start(case.options, program, durable).and_then(|mut player| {
            prepare(&mut player)?;
            Ok(player)
        });
        players.push(started);
    }
    let series = rounds(case.rounds, &mut players, |player| {
        let Ok(running) = player else {
            return Ok(f64::NAN);
        };
        match slice(running) {
            Ok(value) => Ok(value),
            Err(error) => {
                *player = Err(error);
                Ok(f64::NAN)
            }
        }
    })?;
    for ((finding, player), values) in findings.iter_mut().zip(players).zip(series) {
        finding.figure = player.map(|_| Figure::of(&values));
    }
    Ok(findings)
}

fn start(options: &Options, program: &'static Program, durable: bool) -> Result<Player> {
    let name = format!("{}-{durable}", program.key.replace('/', "-"));
    Ok(Player {
        peer: program.start(options)?,
        program,
        scratch: Scratch::new(options, &name)?,
        durable,
    })
}
