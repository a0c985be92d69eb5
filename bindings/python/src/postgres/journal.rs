//! Journals of the store, as bytes.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList};
use untorn::Batch;
use untorn_postgres::Journal;

use super::call::{ask, run};
use super::closed::Closed;
use super::fold::PostgresFold;
use super::names::Names;
use super::rewrite::PostgresRewrite;
use super::session::PostgresSession;
use crate::argument::{Count, Data, Instance, Text};
use crate::batch::{Codec, Encoder};
use crate::call::Wait;
use crate::error::check;
use crate::follow::RawFollow;
use crate::lock::{FileLock, given};
use crate::position::Position;
use crate::reader::{Reader, limited, tail_list};
use crate::report::make_report;
use crate::timeout::{Timeout, age};

/// The base of `untorn.postgres.Journal`: takes bytes, returns bytes and positions.
#[pyclass(subclass, frozen, weakref, module = "untorn._untorn")]
pub struct PostgresJournal {
    journal: Journal,
    codec: Codec,
    names: Arc<Names>,
    closed: Closed,
}

type Lock<'a, 'py> = Option<Instance<'a, 'py, FileLock>>;

#[pymethods]
impl PostgresJournal {
    #[new]
    #[pyo3(signature = (session, name, codec))]
    fn new(
        py: Python<'_>,
        session: Instance<'_, '_, PostgresSession>,
        name: Option<Text>,
        codec: &str,
    ) -> PyResult<PostgresJournal> {
        let session = session.get();
        let names = session.names();
        let name = name.as_deref().unwrap_or(&names.journal);
        Ok(PostgresJournal {
            journal: check(py, session.core().journal_named(name))?,
            codec: Codec::of(codec),
            names: Arc::clone(names),
            closed: Closed::default(),
        })
    }

    /// Appends one record without encoding it. Returns the position just after
    /// it.
    ///
    /// `record` is `bytes`, `bytearray`, `memoryview` or `str`, without a
    /// newline. It must be one JSON value in UTF-8 (format `json`), which is
    /// checked.
    #[pyo3(signature = (record, *, timeout=Timeout::Handles, lock=None), text_signature = "($self, record, *, timeout=..., lock=None)")]
    fn append_raw(
        &self,
        py: Python<'_>,
        record: Data<'_>,
        timeout: Timeout,
        lock: Lock<'_, '_>,
    ) -> PyResult<Position> {
        let mut batch = self.journal.batch();
        check(py, batch.push(record.bytes()))?;
        let patience = Wait::new(timeout, given(py, "append", lock)?);
        self.commit(py, &batch, None, patience)
    }

    /// Encodes one value, and appends it.
    fn _append(
        slf: &Bound<'_, Self>,
        value: &Bound<'_, PyAny>,
        timeout: Timeout,
        lock: Lock<'_, '_>,
    ) -> PyResult<Position> {
        let patience = Wait::new(timeout, given(slf.py(), "append", lock)?);
        let batch = PostgresJournal::encoder(slf).one(value)?;
        slf.get().commit(slf.py(), &batch, None, patience)
    }

    /// Appends all values of an iterable, or none.
    fn _extend(
        slf: &Bound<'_, Self>,
        values: &Bound<'_, PyAny>,
        at: Option<Instance<'_, '_, Position>>,
        header: Option<Data<'_>>,
        timeout: Timeout,
        lock: Lock<'_, '_>,
    ) -> PyResult<Position> {
        let patience = Wait::new(timeout, given(slf.py(), "append", lock)?);
        let batch = PostgresJournal::encoder(slf).many(values, header)?;
        let at = at.map(|position| position.get().core());
        slf.get().commit(slf.py(), &batch, at, patience)
    }

    /// Appends the encoded records of many appends, each whole, in one statement. Returns
    /// the position after each, or the exception of one that could not be a record.
    fn _extend_each<'py>(
        slf: &Bound<'py, Self>,
        appends: Vec<Bound<'py, PyAny>>,
    ) -> PyResult<Vec<Bound<'py, PyAny>>> {
        let (py, journal) = (slf.py(), slf.get());
        let mut all: Option<Batch> = None;
        let mut taken = Vec::with_capacity(appends.len());
        for append in &appends {
            let one = PostgresJournal::encoder(slf).many(append, None);
            let joined = one.and_then(|batch| {
                let length = batch.bytes().len() as u64;
                match &mut all {
                    Some(all) => check(py, all.join(&batch))?,
                    None => all = Some(batch),
                }
                Ok(length)
            });
            taken.push(joined);
        }
        let end = match &all {
            Some(all) => Some(journal.commit_batch(py, all)?),
            None => None,
        };
        // Only the end of the last is known: something may have come before the first.
        let lengths = taken.iter().filter_map(|length| length.as_ref().ok());
        let mut after: u64 = lengths.sum();
        let each = taken.into_iter().map(|length| match (length, end) {
            (Ok(length), Some(end)) => {
                after -= length;
                let offset = end.offset - after;
                Bound::new(py, Position::from(untorn::Position { offset, ..end }))
                    .map(Bound::into_any)
            }
            (Err(error), _) => Ok(error.value(py).clone().into_any()),
            (Ok(_), None) => unreachable!("an append without an end"),
        });
        each.collect()
    }

    /// Replaces all records by the values of an iterable.
    fn _replace(
        slf: &Bound<'_, Self>,
        values: &Bound<'_, PyAny>,
        timeout: Timeout,
        lock: Lock<'_, '_>,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Position> {
        let (py, journal) = (slf.py(), slf.get());
        let patience = Wait::new(timeout, given(py, "replace", lock)?).progress(progress);
        let batch = PostgresJournal::encoder(slf).many(values, None)?;
        journal.usable(py, "replace")?;
        run(py, journal.name(), patience, |call| {
            journal.journal.replace_batch(&batch, call)
        })
        .map(Position::from)
    }

    fn _begin_rewrite(
        &self,
        py: Python<'_>,
        timeout: Timeout,
        lock: Lock<'_, '_>,
    ) -> PyResult<PostgresRewrite> {
        let patience = Wait::new(timeout, given(py, "compact", lock)?);
        self.usable(py, "compact")?;
        run(py, self.name(), patience, |call| {
            self.journal.begin_rewrite(call)
        })
        .map(|rewrite| PostgresRewrite::new(self.name(), rewrite))
    }

    /// Waits until everything that the journal contains now is as durable as the server
    /// makes it, including what other processes wrote.
    fn sync(&self, py: Python<'_>) -> PyResult<()> {
        ask(py, self.name(), || self.journal.sync())
    }

    /// Returns where the last whole record ends.
    fn end(&self, py: Python<'_>) -> PyResult<Position> {
        ask(py, self.name(), || self.journal.end()).map(Position::from)
    }

    /// Checks every record, and changes nothing.
    ///
    /// `progress` is called about every 50 ms with the number of bytes that are done,
    /// and of all bytes. An exception of it ends the check.
    #[pyo3(signature = (*, progress=None), text_signature = "($self, *, progress=None)")]
    fn verify<'py>(
        &self,
        py: Python<'py>,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let patience = Wait::new(Timeout::Handles, None).progress(progress);
        let report = run(py, self.name(), patience, |call| {
            self.journal.verify_with(call)
        })?;
        make_report(py, &report)
    }

    /// Removes every record after a position, with a new generation: positions taken
    /// before this call are refused. Another file of the session keeps the journal as it
    /// was. Returns its name, or `None` if no record follows the position.
    ///
    /// `Conflict`: the position is not one of this journal's, or another process changed
    /// the journal meanwhile.
    #[pyo3(signature = (position, *, timeout=Timeout::Handles, lock=None), text_signature = "($self, position, *, timeout=..., lock=None)")]
    fn rewind(
        &self,
        py: Python<'_>,
        position: Instance<'_, '_, Position>,
        timeout: Timeout,
        lock: Lock<'_, '_>,
    ) -> PyResult<Option<String>> {
        let patience = Wait::new(timeout, given(py, "rewind", lock)?);
        let position = position.get().core();
        self.usable(py, "rewind")?;
        run(py, self.name(), patience, |call| {
            self.journal.rewind_with(position, call)
        })
    }

    /// Moves the records to a rotated file of the session, and begins a new, empty journal
    /// with the same header. Returns the name of the rotated file, or `None` if the journal
    /// had no records.
    #[pyo3(signature = (*, timeout=Timeout::Handles, lock=None), text_signature = "($self, *, timeout=..., lock=None)")]
    fn rotate(
        &self,
        py: Python<'_>,
        timeout: Timeout,
        lock: Lock<'_, '_>,
    ) -> PyResult<Option<String>> {
        let patience = Wait::new(timeout, given(py, "rotate", lock)?);
        self.usable(py, "rotate")?;
        run(py, self.name(), patience, |call| {
            self.journal.rotate_with(call)
        })
    }

    /// Empties the journal: neither records nor a header stay. A rotated file keeps the
    /// whole journal as it was. Returns the name of that file, or `None` if the journal
    /// was empty or missing.
    #[pyo3(signature = (*, timeout=Timeout::Handles, lock=None), text_signature = "($self, *, timeout=..., lock=None)")]
    fn clear(
        &self,
        py: Python<'_>,
        timeout: Timeout,
        lock: Lock<'_, '_>,
    ) -> PyResult<Option<String>> {
        let patience = Wait::new(timeout, given(py, "clear", lock)?);
        self.usable(py, "clear")?;
        run(py, self.name(), patience, |call| {
            self.journal.clear_with(call)
        })
    }

    /// Returns the names of the rotated files of this journal that exist, oldest first.
    fn rotated(&self, py: Python<'_>) -> PyResult<Vec<String>> {
        ask(py, self.name(), || self.journal.rotated())
    }

    /// Removes rotated files, oldest first, and returns how many: all but the newest
    /// `keep`, and of these only files last written to longer ago than `older_than`
    /// seconds. Their records are gone.
    #[pyo3(signature = (keep, older_than=0.0, *, timeout=Timeout::Handles, lock=None), text_signature = "($self, keep, older_than=0.0, *, timeout=..., lock=None)")]
    fn prune_rotated(
        &self,
        py: Python<'_>,
        keep: Count,
        older_than: f64,
        timeout: Timeout,
        lock: Lock<'_, '_>,
    ) -> PyResult<u64> {
        let age = age(py, older_than)?;
        let patience = Wait::new(timeout, given(py, "prune_rotated", lock)?);
        self.usable(py, "prune_rotated")?;
        run(py, self.name(), patience, |call| {
            self.journal.prune_rotated_with(keep.0, age, call)
        })
    }

    fn _follow(
        &self,
        py: Python<'_>,
        start: Option<Instance<'_, '_, Position>>,
    ) -> PyResult<RawFollow> {
        let start = start.map(|position| position.get().core());
        let name = self.name();
        ask(py, name, || self.journal.follow(start))
            .map(|follow| RawFollow::of_engine(name.to_owned(), follow))
    }

    fn _fold(&self) -> PostgresFold {
        PostgresFold::new(&self.journal, &self.closed)
    }

    fn _read(
        &self,
        py: Python<'_>,
        start: Option<Instance<'_, '_, Position>>,
        max_records: Option<Count>,
        max_bytes: Option<Count>,
    ) -> PyResult<Reader> {
        let start = start.map(|position| position.get().core());
        let records = ask(py, self.name(), || match start {
            Some(start) => self.journal.records_from(start),
            None => self.journal.records(),
        })?;
        let records = limited(records, max_records, max_bytes);
        Ok(Reader::new(self.name().to_owned(), records))
    }

    fn _tail<'py>(&self, py: Python<'py>, n: Count) -> PyResult<Bound<'py, PyList>> {
        let n = usize::try_from(n.0).unwrap_or(usize::MAX);
        let patience = Wait::new(Timeout::Handles, None);
        let records = run(py, self.name(), patience, |call| {
            self.journal.tail_with(n, call)
        })?;
        tail_list(py, records)
    }

    /// Counts the records.
    fn _count(&self, py: Python<'_>) -> PyResult<u64> {
        ask(py, self.name(), || {
            let mut records = self.journal.records()?;
            let mut count = 0;
            while records.next_record()?.is_some() {
                count += 1;
            }
            Ok(count)
        })
    }

    fn _header<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyBytes>>> {
        let header = ask(py, self.name(), || self.journal.header())?;
        Ok(header.map(|header| PyBytes::new(py, &header)))
    }

    /// Closes the handle: its followers end, and later changes through it are refused. A
    /// second call does nothing.
    fn close(&self, py: Python<'_>) {
        py.detach(|| self.journal.close());
        self.closed.set();
    }

    /// Whether `close` was called.
    #[getter]
    fn closed(&self) -> bool {
        self.closed.is()
    }

    /// The name in messages: schema, key and file. It is not a path of this machine.
    #[getter]
    fn path(&self) -> PathBuf {
        self.name().to_owned()
    }

    /// `"process"` or `"power"`.
    #[getter]
    fn durability(&self) -> &str {
        &self.names.durability
    }
}

impl PostgresJournal {
    fn encoder<'a, 'py>(journal: &'a Bound<'py, PostgresJournal>) -> Encoder<'a, 'py> {
        let raw = journal.get();
        Encoder {
            batch: raw.journal.batch(),
            codec: raw.codec,
            owner: journal.as_any(),
        }
    }

    fn name(&self) -> &Path {
        self.journal.name()
    }

    fn usable(&self, py: Python<'_>, operation: &'static str) -> PyResult<()> {
        self.closed.check(py, operation, self.name())
    }

    fn commit_batch(&self, py: Python<'_>, batch: &Batch) -> PyResult<untorn::Position> {
        self.usable(py, "append")?;
        let patience = Wait::new(Timeout::Handles, None);
        run(py, self.name(), patience, |call| {
            self.journal.append_batch(batch, None, call)
        })
    }

    fn commit(
        &self,
        py: Python<'_>,
        batch: &Batch,
        at: Option<untorn::Position>,
        patience: Wait,
    ) -> PyResult<Position> {
        self.usable(py, "append")?;
        run(py, self.name(), patience, |call| {
            self.journal.append_batch(batch, at, call)
        })
        .map(Position::from)
    }
}
