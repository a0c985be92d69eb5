//! untorn from Rust.

use super::Worker;
use crate::clock::monotonic;
use anyhow::{Context, Result, bail};
use std::hint::black_box;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};
use untorn::{Document, Durability, Format, Journal, Transaction};

#[derive(Default)]
pub struct Rust {
    journal: Option<Journal>,
}

/// `process` or `power`, with `+header` for a journal that has one; or `lines`: as `process`,
/// without a check for JSON.
fn open(path: &str, mode: &str) -> Result<Journal> {
    if mode == "lines" {
        let options = Journal::options().durability(Durability::Process);
        return Ok(options.format(Format::Lines).open(path)?);
    }
    let (durability, header) = match mode.strip_suffix("+header") {
        Some(durability) => (durability, true),
        None => (mode, false),
    };
    let durability: Durability = durability.parse().map_err(anyhow::Error::msg)?;
    let mut options = Journal::options().durability(durability);
    if header {
        options = options.header_prefix("{\"stamp\":");
    }
    Ok(options.open(path)?)
}

/// Nanoseconds for `count` calls.
fn timed(count: &str, mut call: impl FnMut() -> Result<()>) -> Result<f64> {
    let count: u64 = count.parse()?;
    let from = Instant::now();
    for _ in 0..count {
        call()?;
    }
    Ok(from.elapsed().as_nanos() as f64)
}

/// Three documents of 4 KB, each by itself or all in one transaction.
fn three(how: &str, dir: &Path, durability: &str, count: &str) -> Result<f64> {
    let durability: Durability = durability.parse().map_err(anyhow::Error::msg)?;
    let bytes = crate::data::document();
    let names = ["result.json", "session.json", "state.json"];
    let documents = names
        .iter()
        .map(|name| {
            Document::options()
                .durability(durability)
                .open(dir.join(name))
        })
        .collect::<untorn::Result<Vec<_>>>()?;
    for document in &documents {
        document.save(&bytes)?;
    }
    if how == "three-saves" {
        return timed(count, || {
            for document in &documents {
                document.save(&bytes)?;
            }
            Ok(())
        });
    }
    timed(count, || {
        let mut transaction = Transaction::options().durability(durability).begin(dir)?;
        for name in names {
            transaction.save(name, &bytes)?;
        }
        Ok(transaction.commit()?)
    })
}

impl Worker for Rust {
    fn answer(&mut self, request: &[&str]) -> Result<f64> {
        if let ["open" | "open-batch", path, durability] = *request {
            self.journal = Some(open(path, durability)?);
            return Ok(0.0);
        }
        if let ["save", path, count] = *request {
            let document = Document::open(path)?;
            let bytes = crate::data::document();
            return timed(count, || Ok(document.save(&bytes).map(drop)?));
        }
        if let [
            how @ ("three-saves" | "transaction"),
            dir,
            durability,
            count,
        ] = *request
        {
            return three(how, Path::new(dir), durability, count);
        }
        let journal = self.journal.as_ref().context("no journal is open")?;
        let record = crate::data::record();
        match *request {
            ["append", count] => timed(count, || Ok(journal.append(&record).map(drop)?)),
            ["stamp", count] => {
                let mut n = 0_u64;
                timed(count, || {
                    n += 1;
                    let header = format!("{{\"stamp\":{n},\"by\":\"bench\"}}");
                    let record = std::slice::from_ref(&record);
                    Ok(journal
                        .append_with_header(header.as_bytes(), record)
                        .map(drop)?)
                })
            }
            ["append-all", count] => {
                let records = vec![record; 100];
                timed(count, || Ok(journal.append_all(&records).map(drop)?))
            }
            ["contend", from, until, every] => contend(journal, &record, from, until, every),
            ["threads", threads, seconds] => side_by_side(threads, seconds, || {
                Ok(|| Ok(journal.append(&record).map(drop)?))
            }),
            ["each-by-itself", threads, seconds] => {
                let line = [&record[..], b"\n"].concat();
                let path = journal.path().with_extension("bare");
                side_by_side(threads, seconds, || {
                    let mut file = std::fs::OpenOptions::new()
                        .append(true)
                        .create(true)
                        .open(&path)?;
                    let line = &line;
                    Ok(move || {
                        file.write_all(line)?;
                        Ok(file.sync_data()?)
                    })
                })
            }
            ["tail", count] => timed(count, || {
                let records = journal.tail(20)?;
                anyhow::ensure!(records.len() == 20, "tail gave {}", records.len());
                black_box(records);
                Ok(())
            }),
            ["records", count] => timed(count, || scan(journal)),
            ["verify", count] => timed(count, || {
                let report = journal.verify()?;
                anyhow::ensure!(report.damage_count == 0, "the journal is damaged");
                Ok(())
            }),
            ["close"] => {
                journal.close()?;
                self.journal = None;
                Ok(0.0)
            }
            _ => bail!("the Rust worker can't do that"),
        }
    }
}

fn scan(journal: &Journal) -> Result<()> {
    let mut records = journal.records()?;
    let mut count = 0u64;
    while let Some(record) = records.next_record()? {
        black_box(record.bytes);
        count += 1;
    }
    anyhow::ensure!(
        count > 0 && records.damage_count() == 0,
        "the journal is damaged or empty"
    );
    Ok(())
}

/// The same loop as `floor_contend`.
fn contend(journal: &Journal, record: &[u8], from: &str, until: &str, every: &str) -> Result<f64> {
    let (from, until, every): (i64, i64, u64) = (from.parse()?, until.parse()?, every.parse()?);
    let mut count = 0;
    while monotonic() < from {
        std::thread::sleep(Duration::from_micros(50));
    }
    while monotonic() < until {
        for _ in 0..every {
            journal.append(record)?;
            count += 1;
        }
    }
    Ok(count as f64)
}

/// Appends per second of so many threads. Each has the append that is made for it.
fn side_by_side<A>(threads: &str, seconds: &str, make: impl Fn() -> Result<A>) -> Result<f64>
where
    A: FnMut() -> Result<()> + Send,
{
    let threads: usize = threads.parse()?;
    let appends = (0..threads).map(|_| make()).collect::<Result<Vec<A>>>()?;
    let from = Instant::now();
    let until = from + Duration::from_secs_f64(seconds.parse()?);
    let counts: Vec<Result<u64>> = std::thread::scope(|scope| {
        let appenders: Vec<_> = appends
            .into_iter()
            .map(|mut append| {
                scope.spawn(move || {
                    let mut count = 0;
                    while Instant::now() < until {
                        append()?;
                        count += 1;
                    }
                    Ok(count)
                })
            })
            .collect();
        appenders
            .into_iter()
            .map(|appender| appender.join().expect("an appender panicked"))
            .collect()
    });
    let elapsed = from.elapsed().as_secs_f64();
    let total: u64 = counts.into_iter().sum::<Result<u64>>()?;
    Ok(total as f64 / elapsed)
}
