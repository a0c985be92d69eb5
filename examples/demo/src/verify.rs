//! The independent reader: plain JSON, line by line, without the library. It compares
//! the journal and the document with what the writers have heard.

use super::transcript::fingerprint;
use anyhow::{Context, Result};
use serde_json::Value;
use std::collections::HashMap;
use std::io::BufRead;

/// What the demo knows of one writer.
pub struct Writer {
    pub name: String,
    /// The record of the transcript that it began with.
    pub start: usize,
    /// Appends that returned before the writer ended or was killed.
    pub appended: u64,
    /// Updates that returned.
    pub updated: u64,
    pub killed: bool,
}

impl Writer {
    /// One call may have been under way when the writer was killed: done, but not
    /// reported. A writer that was not killed reported everything.
    fn possible(&self, reported: u64) -> std::ops::RangeInclusive<u64> {
        reported..=reported + u64::from(self.killed)
    }
}

#[derive(Default)]
pub struct Verdict {
    /// Records found of each writer, in the order of the writers.
    pub found: Vec<u64>,
    /// Updates that the document counts for each.
    pub counted: Vec<u64>,
    pub bytes: u64,
    /// Bytes after the last line end: a killed writer's unfinished record, which
    /// the next append would cut off.
    pub torn_tail: u64,
    pub faults: Vec<String>,
}

/// Every acknowledged record is in the journal, once, whole, in its writer's order.
pub fn journal(
    mut file: impl BufRead,
    writers: &[Writer],
    transcript: &[u64],
    verdict: &mut Verdict,
) -> Result<()> {
    let by_name: HashMap<&str, usize> = writers
        .iter()
        .enumerate()
        .map(|(i, w)| (w.name.as_str(), i))
        .collect();
    let mut seen: Vec<Seen> = writers.iter().map(|_| Seen::default()).collect();
    let (mut line, mut number) = (Vec::new(), 0u64);
    loop {
        line.clear();
        let length = file
            .read_until(b'\n', &mut line)
            .context("read the journal")?;
        if length == 0 {
            break;
        }
        verdict.bytes += length as u64;
        number += 1;
        if line.pop() != Some(b'\n') {
            verdict.torn_tail = length as u64;
            break;
        }
        let Ok(record) = serde_json::from_slice::<Value>(&line) else {
            verdict
                .faults
                .push(format!("line {number} is torn: not JSON"));
            continue;
        };
        let writer = record["writer"].as_str().and_then(|w| by_name.get(w));
        let (Some(&writer), Some(seq)) = (writer, record["seq"].as_u64()) else {
            verdict
                .faults
                .push(format!("line {number} is of no writer of ours"));
            continue;
        };
        let Writer { name, start, .. } = &writers[writer];
        let expected = transcript[start.wrapping_add(seq as usize) % transcript.len()];
        if fingerprint(&record["record"]) != expected {
            verdict.faults.push(format!(
                "line {number}: record {seq} of {name} is not whole"
            ));
        }
        if let Some(fault) = seen[writer].add(seq) {
            verdict
                .faults
                .push(format!("line {number}: record {seq} of {name} {fault}"));
        }
    }
    for (writer, seen) in writers.iter().zip(&seen) {
        verdict.found.push(seen.count());
        seen.complete(writer, &mut verdict.faults);
    }
    Ok(())
}

/// The sequence numbers found of one writer.
#[derive(Default)]
struct Seen {
    found: Vec<bool>,
}

impl Seen {
    fn add(&mut self, seq: u64) -> Option<&'static str> {
        let seq = seq as usize;
        if self.found.get(seq) == Some(&true) {
            return Some("is there twice");
        }
        let late = seq < self.found.len();
        // A number out of nowhere must not make us reserve memory for all before it.
        if seq > self.found.len() + 1_000_000 {
            return Some("was never written");
        }
        if !late {
            self.found.resize(seq + 1, false);
        }
        self.found[seq] = true;
        late.then_some("comes after a later one")
    }

    fn count(&self) -> u64 {
        self.found.iter().filter(|&&found| found).count() as u64
    }

    fn complete(&self, writer: &Writer, faults: &mut Vec<String>) {
        let name = &writer.name;
        let last = self.found.len() as u64;
        let lost: Vec<u64> = (0..last.max(writer.appended))
            .filter(|&seq| self.found.get(seq as usize) != Some(&true))
            .collect();
        if let Some(first) = lost.first() {
            faults.push(format!(
                "{} record(s) of {name} are lost, the first is {first}",
                lost.len()
            ));
        }
        let most = *writer.possible(writer.appended).end();
        if last > most {
            faults.push(format!(
                "{name} has {last} records in the journal and can have written {most} at most"
            ));
        }
    }
}

/// The document counts every update of every writer once.
pub fn document(bytes: &[u8], writers: &[Writer], verdict: &mut Verdict) {
    let Ok(count) = serde_json::from_slice::<HashMap<String, u64>>(bytes) else {
        verdict
            .faults
            .push("the document is torn: not an object of counts".into());
        verdict.counted = vec![0; writers.len()];
        return;
    };
    for writer in writers {
        let counted = count.get(&writer.name).copied().unwrap_or(0);
        if !writer.possible(writer.updated).contains(&counted) {
            verdict.faults.push(format!(
                "the document counts {counted} updates of {}, which was told of {}",
                writer.name, writer.updated
            ));
        }
        verdict.counted.push(counted);
    }
    let total = count.get("total").copied().unwrap_or(0);
    let sum: u64 = verdict.counted.iter().sum();
    if total != sum {
        verdict.faults.push(format!(
            "the document's total is {total}, its parts are {sum}"
        ));
    }
    if count.len()
        != writers
            .iter()
            .filter(|w| count.contains_key(&w.name))
            .count()
            + 1
    {
        verdict
            .faults
            .push("the document has entries of no writer of ours".into());
    }
}

#[cfg(test)]
#[path = "verify_tests.rs"]
mod tests;
