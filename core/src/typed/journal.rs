//! A journal whose records are values of one type.

use std::fmt;
use std::marker::PhantomData;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{Error, ErrorKind, Result};
use crate::journal::{self, Batch, Damage, Record, Records, inspect};
use crate::lock::CallOptions;
use crate::position::Position;

/// A journal whose records are values of the type `T`. See the [module](crate::typed).
pub struct Journal<T> {
    raw: journal::Journal,
    of: PhantomData<fn(T) -> T>,
}

impl journal::Journal {
    /// Reads and writes the records as values of the type `T`.
    #[must_use]
    pub fn typed<T>(self) -> Journal<T> {
        Journal {
            raw: self,
            of: PhantomData,
        }
    }
}

impl<T> Journal<T> {
    /// Returns the journal of bytes, for all that has nothing to do with values.
    pub fn raw(&self) -> &journal::Journal {
        &self.raw
    }
}

impl<T: Serialize> Journal<T> {
    /// Appends one value.
    ///
    /// # Errors
    /// `INVALID_RECORD` if `serde` can't write it; also the errors of
    /// [`journal::Journal::append`].
    pub fn append(&self, value: &T) -> Result<Position> {
        self.append_with(value, &CallOptions::new())
    }

    /// Does the same, with a timeout, cancellation, or under a lock that is held.
    ///
    /// # Errors
    /// The same, and `CANCELLED`.
    pub fn append_with(&self, value: &T, call: &CallOptions<'_>) -> Result<Position> {
        self.raw.append_with(&self.encode(value)?, call)
    }

    /// Appends all the values, or none.
    ///
    /// # Errors
    /// As [`Journal::append`].
    pub fn append_all<'a>(&self, values: impl IntoIterator<Item = &'a T>) -> Result<Position>
    where
        T: 'a,
    {
        self.raw
            .append_batch(&self.batch(values)?, None, &CallOptions::new())
    }

    /// Replaces all records of the journal with these values: all of them or none.
    ///
    /// # Errors
    /// As [`Journal::append`].
    pub fn replace<'a>(&self, values: impl IntoIterator<Item = &'a T>) -> Result<Position>
    where
        T: 'a,
    {
        self.raw
            .replace_batch(&self.batch(values)?, &CallOptions::new())
    }

    /// Returns a batch of these values, for the calls of [`Journal::raw`].
    ///
    /// # Errors
    /// `INVALID_RECORD` if `serde` can't write one of them.
    pub fn batch<'a>(&self, values: impl IntoIterator<Item = &'a T>) -> Result<Batch>
    where
        T: 'a,
    {
        let mut batch = self.raw.batch();
        for value in values {
            batch.push(&self.encode(value)?)?;
        }
        Ok(batch)
    }

    fn encode(&self, value: &T) -> Result<Vec<u8>> {
        serde_json::to_vec(value).map_err(|error| {
            let detail = format!("serde can't write the value: {error}; nothing was appended");
            Error::invalid_record("append", self.raw.path(), detail).caused_by(error.into())
        })
    }
}

impl<T: DeserializeOwned> Journal<T> {
    /// Reads all values.
    ///
    /// # Errors
    /// As [`journal::Journal::records`].
    pub fn values(&self) -> Result<Values<T>> {
        Ok(Values::new(self.raw.records()?))
    }

    /// Reads the values after `position`.
    ///
    /// # Errors
    /// As [`journal::Journal::records_from`].
    pub fn values_from(&self, position: Position) -> Result<Values<T>> {
        Ok(Values::new(self.raw.records_from(position)?))
    }

    /// Returns the last `n` values, oldest first.
    ///
    /// # Errors
    /// `INVALID_RECORD` if one of the last records is no such value.
    pub fn tail(&self, n: usize) -> Result<Vec<T>> {
        let mut wanted = n;
        loop {
            let records = self.raw.tail(wanted)?;
            let all = records.len() < wanted;
            let mut values = Vec::new();
            for record in &records {
                let borrowed = Record {
                    bytes: &record.bytes,
                    start: record.start,
                    end: record.end,
                };
                values.extend(decode(self.raw.path(), &borrowed)?);
            }
            let missing = n.saturating_sub(values.len());
            if missing == 0 || all {
                values.drain(..values.len().saturating_sub(n));
                return Ok(values);
            }
            // Lines that are not JSON are among them.
            wanted = wanted.saturating_mul(2);
        }
    }
}

impl<T> fmt::Debug for Journal<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.raw.fmt(f)
    }
}

/// Reads a journal's records as values, in file order.
pub struct Values<T> {
    records: Records,
    of: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned> Values<T> {
    fn new(records: Records) -> Values<T> {
        Values {
            records,
            of: PhantomData,
        }
    }

    /// Returns the reader of bytes, for the damage and the position.
    pub fn raw(&self) -> &Records {
        &self.records
    }
}

impl<T: DeserializeOwned> Iterator for Values<T> {
    type Item = Result<T>;

    fn next(&mut self) -> Option<Result<T>> {
        loop {
            let decoded = match self.records.next_record() {
                Err(error) => return Some(Err(error)),
                Ok(None) => return None,
                Ok(Some(record)) => match inspect(record.bytes) {
                    None => value(record.bytes).map_err(|error| (record.start, error)),
                    Some(kind) => {
                        let offset = record.start.offset;
                        let length = record.end.offset - offset;
                        self.records.add_damage(kind, offset, length);
                        continue;
                    }
                },
            };
            let path = self.records.path();
            return Some(decoded.map_err(|(at, error)| no_such_value(path, at, error)));
        }
    }
}

impl<T> fmt::Debug for Values<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Values").finish_non_exhaustive()
    }
}

/// Returns `None` for a line that is not JSON, which is damage.
fn decode<T: DeserializeOwned>(path: &std::path::Path, record: &Record<'_>) -> Result<Option<T>> {
    match inspect(record.bytes) {
        Some(kind) => {
            let offset = record.start.offset;
            let length = record.end.offset - offset;
            Damage::found(kind, offset, length).skipped(path);
            Ok(None)
        }
        None => value(record.bytes)
            .map(Some)
            .map_err(|error| no_such_value(path, record.start, error)),
    }
}

fn value<T: DeserializeOwned>(bytes: &[u8]) -> serde_json::Result<T> {
    serde_json::from_slice(bytes)
}

#[cold]
fn no_such_value(path: &std::path::Path, at: Position, error: serde_json::Error) -> Error {
    let detail = format!("the record at {at} is not such a value: {error}");
    Error::new(ErrorKind::InvalidRecord, "read", path, detail)
        .at(at)
        .caused_by(error.into())
}
