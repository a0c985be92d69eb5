//! Files, handles and followers of which there can be many.

use super::Worker;
use super::many::{process, repeated};
use crate::clock::monotonic;
use crate::data;
use anyhow::{Context, Result, bail};
use std::fs::{self, File};
use std::hint::black_box;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::Duration;
use untorn::{CallOptions, Document, Durability, Follow, FollowItem, Journal};

/// How many bytes of a long journal are records, at its beginning and at its end.
const RECORDS: u64 = 1 << 20;

#[derive(Default)]
pub struct Growth {
    open: Vec<Journal>,
    followed: Vec<(Journal, Follow)>,
}

impl Worker for Growth {
    fn answer(&mut self, request: &[&str]) -> Result<f64> {
        match *request {
            ["make", path, bytes] => make(path, bytes.parse()?),
            ["files", dir, count] => {
                for number in 0..count.parse()? {
                    let number: u64 = number;
                    fs::write(Path::new(dir).join(format!("other {number}.json")), "1")?;
                }
                Ok(0.0)
            }
            // A fresh handle each time.
            ["open-and-append", path, count] => {
                let record = data::record();
                repeated(count, || {
                    process().open(path)?.append(&record)?;
                    Ok(())
                })
            }
            ["open-and-load", path, count] => repeated(count, || {
                black_box(document(path)?.load()?);
                Ok(())
            }),
            ["save", path, count] => {
                let (document, bytes) = (document(path)?, data::document());
                repeated(count, || Ok(document.save(&bytes).map(drop)?))
            }
            ["append", path, count] => {
                let (journal, record) = (process().open(path)?, data::record());
                // What a handle does once does not count.
                for _ in 0..100 {
                    journal.append(&record)?;
                }
                repeated(count, || Ok(journal.append(&record).map(drop)?))
            }
            ["tail", path, count] => {
                let journal = process().open(path)?;
                repeated(count, || {
                    black_box(journal.tail(20)?);
                    Ok(())
                })
            }
            // That many journals of one directory stay open, each with a record.
            ["open", dir, count] => {
                allow_files()?;
                for number in 0..count.parse()? {
                    let number: u64 = number;
                    let journal = process().open(Path::new(dir).join(format!("{number}.jsonl")))?;
                    journal.append(b"1")?;
                    self.open.push(journal);
                }
                Ok(0.0)
            }
            ["append-to-each", turns] => {
                let record = data::record();
                let each = repeated(turns, || {
                    for journal in &self.open {
                        journal.append(&record)?;
                    }
                    Ok(())
                })?;
                Ok(each / self.open.len() as f64)
            }
            ["follow", dir, count] => {
                allow_files()?;
                for number in 0..count.parse()? {
                    let number: u64 = number;
                    let journal = process().open(Path::new(dir).join(format!("{number}.jsonl")))?;
                    journal.append(b"0")?;
                    let follow = journal.follow(None)?;
                    self.followed.push((journal, follow));
                }
                self.deliver(self.followed.len())?;
                Ok(0.0)
            }
            ["deliver", count] => self.deliver(count.parse()?),
            _ => bail!("the worker of growth can't do that"),
        }
    }
}

impl Growth {
    /// The median of the nanoseconds from an append until its follower has the record.
    fn deliver(&mut self, count: usize) -> Result<f64> {
        let patience = CallOptions::new().timeout(Some(Duration::from_secs(30)));
        let mut times = Vec::with_capacity(count);
        for turn in 0..count {
            // Neighbours in turn would stay in the processor's caches.
            let place = turn * 7919 % self.followed.len();
            let (journal, follow) = &mut self.followed[place];
            let sent = monotonic();
            journal.append(b"1")?;
            match follow.next(&patience)? {
                Some(FollowItem::Record(_)) => times.push((monotonic() - sent) as f64),
                other => bail!("{other:?} came"),
            }
        }
        times.sort_by(f64::total_cmp);
        Ok(times[times.len() / 2])
    }
}

fn document(path: &str) -> Result<Document> {
    Ok(Document::options()
        .durability(Durability::Process)
        .open(path)?)
}

/// Makes a journal of so many bytes. A long one is a hole between two parts that have
/// records: none of the calls here reads that far.
fn make(path: &str, bytes: u64) -> Result<f64> {
    let mut line = data::record();
    line.push(b'\n');
    let lines = line.repeat((bytes.min(RECORDS) / line.len() as u64).max(1) as usize);
    let mut file = File::create(path)?;
    file.write_all(&lines)?;
    if bytes > 2 * RECORDS {
        let end = bytes - lines.len() as u64 - 1;
        file.write_all_at(b"\n", end)?;
        file.write_all_at(&lines, end + 1)?;
    }
    // Written back now, so that it does not happen during a measurement.
    file.sync_all()?;
    Ok(0.0)
}

/// Lets this process open more files than is usual, and returns how many.
pub fn allow_files() -> Result<u64> {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: `limit` is a valid rlimit.
    let got = unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) };
    anyhow::ensure!(got == 0, "no limit of open files");
    // Root may have more than the hard limit.
    for most in [limit.rlim_max.max(1 << 16), limit.rlim_max] {
        let wanted = libc::rlimit {
            rlim_cur: most,
            rlim_max: most,
        };
        // SAFETY: `wanted` is a valid rlimit.
        if unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const wanted) } == 0 {
            return Ok(most);
        }
    }
    Err(std::io::Error::last_os_error()).context("raise the limit of open files")
}
