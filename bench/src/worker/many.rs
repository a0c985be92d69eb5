//! A store with many sessions, and calls without a handle, each next to the bare calls.

use super::Worker;
use anyhow::{Context, Result, bail};
use std::fs::{self, File, OpenOptions};
use std::hint::black_box;
use std::io::{Read, Write};
use std::path::Path;
use std::time::Instant;
use untorn::{Durability, Journal, Store};

const JOURNAL: &str = "journal.jsonl";

#[derive(Default)]
pub struct Many {
    /// Journals that stay open.
    open: Vec<Journal>,
}

impl Worker for Many {
    fn answer(&mut self, request: &[&str]) -> Result<f64> {
        match *request {
            ["fill", dir, count] => fill(Path::new(dir), count.parse()?),
            ["keys", dir] => timed(|| Ok(black_box(Store::open(dir)?.keys()?).len())),
            ["search", dir] => timed(|| Ok(Store::open(dir)?.search("Zzyzx").run()?.len())),
            ["raw-keys", dir] => timed(|| Ok(fs::read_dir(dir)?.count())),
            ["raw-search", dir] => timed(|| raw_search(Path::new(dir))),
            ["one-shot", path, count] => {
                let record = crate::data::record();
                repeated(count, || {
                    let journal = process().parents(true).open(path)?;
                    journal.append(&record)?;
                    Ok(())
                })
            }
            // As a program does that opens the file each time.
            ["raw-one-shot", path, count] => {
                let mut record = crate::data::record();
                record.push(b'\n');
                repeated(count, || {
                    let mut file = OpenOptions::new().append(true).create(true).open(path)?;
                    file.lock()?;
                    Ok(file.write_all(&record)?)
                })
            }
            // That many journals of one directory, each with a record, stay open.
            ["open", dir, count] => {
                for number in 0..count.parse()? {
                    let number: u32 = number;
                    let journal = process().open(Path::new(dir).join(format!("{number}.jsonl")))?;
                    journal.append(b"1")?;
                    self.open.push(journal);
                }
                Ok(self.open.len() as f64)
            }
            ["open-and-close", path, count] => repeated(count, || {
                let journal = process().open(path)?;
                journal.append(b"1")?;
                Ok(())
            }),
            _ => bail!("the worker of many can't do that"),
        }
    }
}

pub fn process() -> untorn::JournalOptions {
    Journal::options().durability(Durability::Process)
}

/// Nanoseconds of one call.
fn timed<T>(call: impl FnOnce() -> Result<T>) -> Result<f64> {
    let from = Instant::now();
    black_box(call()?);
    Ok(from.elapsed().as_nanos() as f64)
}

/// Nanoseconds of each of so many calls.
pub fn repeated(count: &str, mut call: impl FnMut() -> Result<()>) -> Result<f64> {
    let count: u32 = count.parse()?;
    let from = Instant::now();
    for _ in 0..count {
        call()?;
    }
    Ok(from.elapsed().as_nanos() as f64 / f64::from(count))
}

/// Makes sessions as the library does, without its locks: each has a journal of a record.
fn fill(dir: &Path, count: u32) -> Result<f64> {
    let mut record = crate::data::record();
    record.push(b'\n');
    for number in 0..count {
        let session = dir.join(format!("s{number:06}"));
        fs::create_dir_all(&session)?;
        fs::write(session.join(JOURNAL), &record)?;
    }
    let found = Store::open(dir)?.keys()?.len();
    anyhow::ensure!(found == count as usize, "the store has {found} sessions");
    Ok(f64::from(count))
}

fn raw_search(dir: &Path) -> Result<usize> {
    let mut bytes = Vec::new();
    let mut read = 0;
    for entry in fs::read_dir(dir)? {
        let path = entry?.path().join(JOURNAL);
        bytes.clear();
        let mut file = File::open(&path).with_context(|| format!("open {}", path.display()))?;
        read += file.read_to_end(&mut bytes)?;
    }
    Ok(read)
}
