//! `untorn tail --since`: the records of the last minutes, by the time that they have.

use std::collections::VecDeque;
use std::path::Path;
use std::time::{Duration, SystemTime};

use untorn::{Journal, Position};

use super::printer::Printer;
use crate::exit::{Failure, Result};
use crate::json;
use crate::output::Output;
use crate::when::moment;

/// Where programs write the time of a record.
const NAMES: [&str; 4] = ["timestamp", "time", "ts", "created_at"];

/// A search for the first record goes back this far, then begins with the file.
const FAR: usize = 1024;

/// Returns the time of a record in seconds since 1970, by this member or the usual ones.
pub fn time(record: &[u8], steps: Option<&[&str]>) -> Option<f64> {
    let text = std::str::from_utf8(record).ok()?;
    match steps {
        Some(steps) => moment(json::select(text, steps)?),
        None => json::members(text, NAMES)
            .into_iter()
            .flatten()
            .find_map(moment),
    }
}

pub struct Since<'a> {
    /// Seconds since 1970.
    from: f64,
    steps: Option<Vec<&'a str>>,
}

impl<'a> Since<'a> {
    pub fn new(span: Duration, path: Option<&'a str>) -> Result<Since<'a>> {
        let from = SystemTime::now().checked_sub(span);
        let from = from.and_then(|from| from.duration_since(SystemTime::UNIX_EPOCH).ok());
        let steps = path.map(json::steps).transpose().map_err(Failure::usage)?;
        Ok(Since {
            from: from.unwrap_or_default().as_secs_f64(),
            steps,
        })
    }

    fn time(&self, record: &[u8]) -> Option<f64> {
        time(record, self.steps.as_deref())
    }

    /// Prints the records from that time on, at most the last `n`, up to `end`. A record
    /// without a time belongs to the one before it. Returns false if none has a time.
    pub fn print(
        &self,
        (path, journal, end): (&Path, &Journal, Position),
        n: Option<usize>,
        printer: &Printer<'_>,
        out: &mut Output,
    ) -> Result<bool> {
        let mut records = match self.start(journal)? {
            Some(start) => journal.records_from(start)?,
            None => journal.records()?,
        };
        let (mut recent, mut timed) = (false, false);
        let mut last = VecDeque::new();
        while let Some(record) = records.next_record()? {
            if record.start >= end {
                break;
            }
            if !printer.is_good(record.bytes) {
                continue;
            }
            if let Some(time) = self.time(record.bytes) {
                (recent, timed) = (time >= self.from, true);
            }
            match n {
                _ if !recent => {}
                None => printer.record(path, record.start, record.bytes, out)?,
                Some(n) => {
                    last.push_back((record.start, record.bytes.to_vec()));
                    last.drain(..last.len().saturating_sub(n));
                }
            }
        }
        for (start, bytes) in last {
            printer.record(path, start, &bytes, out)?;
        }
        Ok(timed)
    }

    /// Returns a record before that time, not far from it. `None`: the file's first.
    fn start(&self, journal: &Journal) -> Result<Option<Position>> {
        let mut ask = 16;
        while ask <= FAR {
            let found = journal.tail(ask)?;
            let oldest = found.iter().find_map(|record| self.time(&record.bytes));
            if oldest.is_some_and(|time| time < self.from) {
                return Ok(found.first().map(|record| record.start));
            }
            if found.len() < ask {
                break;
            }
            ask *= 4;
        }
        Ok(None)
    }
}
