//! Stores, and who follows a journal.

use super::Worker;
use crate::clock::monotonic;
use anyhow::{Context, Result, ensure};
use std::time::{Duration, Instant};
use untorn::{CallOptions, Durability, Follow, FollowItem, Journal, Store};

/// Sessions of a store that is searched.
const SESSIONS: u64 = 50;

#[derive(Default)]
pub struct Session {
    follow: Option<Follow>,
}

impl Worker for Session {
    fn answer(&mut self, request: &[&str]) -> Result<f64> {
        match *request {
            // Nanoseconds of a claim, without the release behind it.
            ["claim", dir, durability, count] => {
                let durability: Durability = durability.parse().map_err(anyhow::Error::msg)?;
                let store = Store::options().durability(durability).open(dir)?;
                claim(&store, count.parse()?)
            }
            ["fill", dir, bytes] => fill(dir, bytes.parse()?),
            // Bytes a second.
            ["search", dir, text, bytes] => {
                let store = Store::open(dir)?;
                let from = Instant::now();
                let hits = store.search(text).max_hits(usize::MAX).run()?;
                let seconds = from.elapsed().as_secs_f64();
                ensure!(hits.is_empty(), "{text} was found");
                Ok(bytes.parse::<f64>()? / seconds)
            }
            ["follow", path] => {
                self.follow = Some(Journal::open(path)?.follow(None)?);
                Ok(0.0)
            }
            // The median of the nanoseconds that so many records were on their way.
            ["deliver", count] => {
                let follow = self.follow.as_mut().context("nothing is followed")?;
                deliver(follow, count.parse()?)
            }
            ["tick", path, count] => tick(path, count.parse()?, 10),
            ["tick", path, count, pause] => tick(path, count.parse()?, pause.parse()?),
            _ => anyhow::bail!("the session worker can't do that"),
        }
    }
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn claim(store: &Store, count: usize) -> Result<f64> {
    let session = store.session("bench")?;
    let mut times = Vec::with_capacity(count);
    for _ in 0..count {
        let from = Instant::now();
        let lease = session.claim("bench")?;
        times.push(from.elapsed().as_nanos() as f64);
        lease.release()?;
    }
    Ok(median(times))
}

/// Sessions with records like those of a transcript; gives how many bytes.
fn fill(dir: &str, bytes: u64) -> Result<f64> {
    let store = Store::options().durability(Durability::Process).open(dir)?;
    let record = crate::data::record();
    let each = bytes / SESSIONS / (record.len() as u64 + 1);
    for number in 0..SESSIONS {
        let journal = store.session(&format!("session {number}"))?.journal()?;
        let records = vec![&record; usize::try_from(each)?];
        journal.append_all(records)?;
    }
    Ok((each * SESSIONS * (record.len() as u64 + 1)) as f64)
}

/// Appends the time, again and again.
fn tick(path: &str, count: usize, pause: u64) -> Result<f64> {
    let journal = Journal::options()
        .durability(Durability::Process)
        .open(path)?;
    for _ in 0..count {
        // So far apart that each finds its follower asleep.
        std::thread::sleep(Duration::from_millis(pause));
        journal.append(monotonic().to_string().as_bytes())?;
    }
    Ok(0.0)
}

fn deliver(follow: &mut Follow, count: usize) -> Result<f64> {
    let mut times = Vec::with_capacity(count);
    let patience = CallOptions::new().timeout(Some(Duration::from_secs(30)));
    while times.len() < count {
        match follow.next(&patience)? {
            Some(FollowItem::Record(record)) => {
                let had = monotonic() as f64;
                let sent: f64 = std::str::from_utf8(&record.bytes)?.parse()?;
                times.push(had - sent);
            }
            other => anyhow::bail!("{other:?} came"),
        }
    }
    Ok(median(times))
}
