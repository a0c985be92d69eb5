//! The measurements, one file a topic.

mod append;
mod batch;
mod burst;
pub mod contend;
mod growth;
mod header;
mod many;
mod memory;
mod power;
mod read;
mod save;
mod session;
mod start;
mod transaction;
mod wait;

use crate::measure::Figure;
use crate::options::Options;
use anyhow::Result;
use std::path::PathBuf;

pub const NAMES: [&str; 15] = [
    "append",
    "batch",
    "power",
    "contend",
    "burst",
    "save",
    "read",
    "memory",
    "wait",
    "transaction",
    "header",
    "session",
    "many",
    "start",
    "growth",
];

/// What a figure should be.
#[derive(Clone, Copy, Debug)]
pub enum Target {
    AtMost(f64),
    AtLeast(f64),
    /// Nothing is promised; for comparison.
    None,
}

impl Target {
    pub fn reached(self, value: f64) -> Option<bool> {
        match self {
            Target::AtMost(limit) => Some(value <= limit),
            Target::AtLeast(limit) => Some(value >= limit),
            Target::None => None,
        }
    }
}

/// How a work is done, for the table of what the promises cost.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Way {
    /// By the calls that do the work, and promise nothing.
    Bare,
    /// By the calls in C that the promises need.
    Needed,
    Untorn,
}

impl Way {
    pub fn name(self) -> &'static str {
        match self {
            Way::Bare => "bare",
            Way::Needed => "needed",
            Way::Untorn => "untorn",
        }
    }
}

/// One line of the table. `figure` is an error where it could not be measured.
pub struct Row {
    pub suite: &'static str,
    pub what: String,
    pub unit: &'static str,
    pub target: Target,
    pub figure: Result<Figure>,
    /// The work that this is one way of.
    pub way: Option<(&'static str, Way)>,
}

impl Row {
    fn new(
        suite: &'static str,
        what: impl Into<String>,
        unit: &'static str,
        target: Target,
        figure: Result<Figure>,
    ) -> Row {
        Row {
            suite,
            what: what.into(),
            unit,
            target,
            figure,
            way: None,
        }
    }

    /// A figure that is for comparison: one way of a work.
    fn way(
        suite: &'static str,
        work: &'static str,
        way: Way,
        unit: &'static str,
        figure: Result<Figure>,
    ) -> Row {
        let by = match way {
            Way::Bare => "the bare calls in C",
            Way::Needed => "the calls in C that the promises need",
            Way::Untorn => "untorn in Rust",
        };
        let row = Row::new(suite, format!("{work}: {by}"), unit, Target::None, figure);
        Row {
            way: Some((work, way)),
            ..row
        }
    }
}

type Suite = fn(&Options) -> Result<Vec<Row>>;

pub fn run(options: &Options) -> Result<Vec<Row>> {
    let suites: [Suite; 15] = [
        append::run,
        batch::run,
        power::run,
        contend::run,
        burst::run,
        save::run,
        read::run,
        memory::run,
        wait::run,
        transaction::run,
        header::run,
        session::run,
        many::run,
        start::run,
        growth::run,
    ];
    let mut rows = Vec::new();
    for (name, suite) in NAMES.into_iter().zip(suites) {
        if !options.wants(name) {
            continue;
        }
        eprintln!("measuring: {name}");
        // What one suite could not measure must not hide what the others did.
        match suite(options) {
            Ok(more) => rows.extend(more),
            Err(error) => rows.push(Row::new(name, "whole suite", "", Target::None, Err(error))),
        }
    }
    Ok(rows)
}

/// A fresh path for one slice; the files of earlier ones are removed.
pub struct Scratch {
    dir: PathBuf,
    path: PathBuf,
}

impl Scratch {
    pub fn new(options: &Options, name: &str) -> Result<Scratch> {
        let dir = options.dir.join(format!("scratch-{name}"));
        let scratch = Scratch {
            path: dir.join("journal.jsonl"),
            dir,
        };
        scratch.clear()?;
        Ok(scratch)
    }

    /// An empty directory again.
    pub fn clear(&self) -> Result<()> {
        match std::fs::remove_dir_all(&self.dir) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
        Ok(std::fs::create_dir_all(&self.dir)?)
    }

    pub fn dir(&self) -> Result<&str> {
        crate::peer::text(&self.dir)
    }

    pub fn path(&self) -> Result<&str> {
        crate::peer::text(&self.path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.dir) {
            eprintln!("untorn-bench: remove {}: {error}", self.dir.display());
        }
    }
}

/// Several measurements may need the same error.
pub fn again(error: &anyhow::Error) -> anyhow::Error {
    anyhow::anyhow!("{error:#}")
}
