//! The demo: writers in four languages append to one journal and count in one document
//! at the same time, while some are killed. Then a plain reader, which knows nothing of
//! the library, checks every byte. `cargo xtask demo` installs the languages and runs it.
#![allow(clippy::print_stdout, reason = "a command talks to its user")]

mod crew;
mod show;
mod table;
mod transcript;
mod verify;

use anyhow::{Context, Result, bail};
use crew::Task;
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use table::grouped;
use transcript::Transcript;
use verify::Verdict;

/// How long, how many, on which records.
#[derive(clap::Args, Clone)]
pub struct Options {
    /// How long the writers write, or longer until one of each language was killed
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(3..=3600))]
    pub seconds: u64,
    /// How many write at a time; a killed one is replaced at once
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u64).range(4..=64))]
    pub writers: u64,
    /// What a finished append survives: the death of a process, or of the machine
    #[arg(long, default_value = "process", value_parser = ["process", "power"])]
    pub durability: String,
    /// JSON Lines whose records are appended, in place of made-up ones
    #[arg(long, value_name = "FILE")]
    pub input: Option<PathBuf>,
    /// Work in this directory, which must be new or empty, and leave everything there
    #[arg(long, value_name = "DIR")]
    pub keep: Option<PathBuf>,
}

/// How to start a writer of one language; the arguments of all four are the same.
pub struct Language {
    /// Its name in the table.
    pub name: &'static str,
    /// The program, or its interpreter.
    pub program: PathBuf,
    /// The script, where the program is an interpreter.
    pub script: Option<PathBuf>,
}

/// Has the given function called when the user interrupts the demo.
pub type OnInterrupt = dyn Fn(Box<dyn Fn() + Send>);

/// How many records are made up.
const RECORDS: usize = 2_000;

/// Runs the demo. `prepare` installs the languages; `spare` is where to work, if the
/// options name no directory.
///
/// # Errors
/// A fault in what the writers left, and failures of the system.
pub fn run(
    options: &Options,
    prepare: impl FnOnce() -> Result<Vec<Language>>,
    spare: PathBuf,
    on_interrupt: &OnInterrupt,
) -> Result<()> {
    // Before anything slow: a mistyped file name should not cost a build.
    let transcript = match &options.input {
        Some(path) => Transcript::read(path)?,
        None => Transcript::made(RECORDS),
    };
    if let Some(dir) = &options.keep {
        check_empty(dir)?;
    }
    let languages = prepare()?;
    let workplace = Workplace::make(spare, options.keep.as_deref())?;

    println!(
        "\n{} writers for {} s, durability {}; the transcript has {} records, {} bytes{}",
        options.writers,
        options.seconds,
        options.durability,
        grouped(transcript.fingerprints.len() as u64),
        grouped(transcript.text.len() as u64),
        match transcript.left_out {
            0 => String::new(),
            n => format!(" ({n} lines left out: not JSON, or beyond the first 64 MiB)"),
        }
    );
    let task = Task {
        dir: workplace.dir.clone(),
        durability: options.durability.clone(),
    };
    std::fs::write(task.transcript(), &transcript.text)?;

    let show::Played {
        members,
        faults,
        lasted,
    } = show::play(&task, &languages, options, &transcript, on_interrupt)?;

    let told: Vec<_> = members.iter().map(crew::Member::told).collect();
    let mut verdict = Verdict {
        faults,
        ..Verdict::default()
    };
    let journal = File::open(task.journal()).context("open the journal")?;
    let bar = show::reading(journal.metadata()?.len());
    verify::journal(
        BufReader::with_capacity(1 << 20, bar.wrap_read(journal)),
        &told,
        &transcript.fingerprints,
        &mut verdict,
    )?;
    bar.finish_and_clear();
    let count = std::fs::read(task.counter()).context("read the document")?;
    verify::document(&count, &told, &mut verdict);

    println!();
    table::print(&languages, &members, &verdict, lasted.as_secs_f64());
    if options.keep.is_some() {
        println!("\nEverything is in {}", task.dir.display());
    }
    conclude(&task, &verdict)
}

fn conclude(task: &Task, verdict: &Verdict) -> Result<()> {
    println!();
    let quarantine = PathBuf::from(format!("{}.torn", task.journal().display()));
    match quarantine.metadata() {
        Ok(torn) => println!(
            "Killed writers left torn tails; the next append cut them off and kept them beside the journal ({} bytes).",
            grouped(torn.len())
        ),
        Err(_) => println!("No killed writer left a torn tail that a later one had to repair."),
    }
    if verdict.torn_tail > 0 {
        println!(
            "The journal ends in {} bytes of a killed writer's last record; the next append would cut them off.",
            verdict.torn_tail
        );
    }
    if verdict.faults.is_empty() {
        println!(
            "All is well: in {} bytes every acknowledged record is there, once, whole, in its writer's order, and the count is exact.",
            grouped(verdict.bytes)
        );
        println!(
            "(found may exceed acknowledged by one where a writer was killed: written, but not yet told.)"
        );
        return Ok(());
    }
    for fault in verdict.faults.iter().take(20) {
        println!("FAULT: {fault}");
    }
    bail!("{} fault(s) found", verdict.faults.len())
}

/// The directory the demo works in; removed at the end unless it must be kept.
struct Workplace {
    dir: PathBuf,
    keep: bool,
}

impl Workplace {
    fn make(spare: PathBuf, keep: Option<&Path>) -> Result<Workplace> {
        let dir = match keep {
            Some(dir) => std::path::absolute(dir)?,
            None => spare,
        };
        std::fs::create_dir_all(&dir).with_context(|| format!("create {}", dir.display()))?;
        check_empty(&dir)?;
        Ok(Workplace {
            dir,
            keep: keep.is_some(),
        })
    }
}

fn check_empty(dir: &Path) -> Result<()> {
    if dir.exists() && dir.read_dir()?.next().is_some() {
        bail!(
            "{} is not empty: the demo counts from nothing; name a new directory",
            dir.display()
        );
    }
    Ok(())
}

impl Drop for Workplace {
    fn drop(&mut self) {
        if !self.keep
            && let Err(error) = std::fs::remove_dir_all(&self.dir)
        {
            eprintln!("could not remove {}: {error}", self.dir.display());
        }
    }
}
