//! Journals, as bytes.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use pyo3::prelude::*;
use pyo3::types::PyDict;
use untorn::Batch;

use crate::argument::{Count, Data, Instance};
use crate::batch::{Codec, Encoder};
use crate::call::{Wait, plain, wait};
use crate::fold::RawFold;
use crate::follow::RawFollow;
use crate::lock::{FileLock, given};
use crate::options;
use crate::position::Position;
use crate::report::make_report;
use crate::rewrite::Rewrite;
use crate::store::Source;
use crate::timeout::{Timeout, age};

/// The base of `untorn.Journal`: takes bytes, returns bytes and positions.
#[pyclass(subclass, frozen, weakref, module = "untorn._untorn")]
pub struct RawJournal {
    journal: Arc<untorn::Journal>,
    timeout: Option<Duration>,
    codec: Codec,
    closed: AtomicBool,
}

#[pymethods]
impl RawJournal {
    #[new]
    fn new(
        py: Python<'_>,
        path: Source<'_>,
        options: &Bound<'_, PyDict>,
        codec: &str,
    ) -> PyResult<RawJournal> {
        let journal = path.journal(py, |path| {
            let open = options::journal(path, options)?;
            plain(py, path, || open.open(path))
        })?;
        Ok(RawJournal {
            journal: Arc::new(journal),
            timeout: options::timeout(options)?,
            codec: Codec::of(codec),
            closed: AtomicBool::new(false),
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
        lock: Option<Instance<'_, '_, FileLock>>,
    ) -> PyResult<Position> {
        let patience = Wait::new(timeout, given(py, "append", lock)?);
        let record = record.bytes();
        wait(py, self.journal.path(), &patience, |call| {
            self.journal.append_with(record, call)
        })
        .map(Position::from)
    }

    /// Encodes one value, and appends it.
    fn _append(
        slf: &Bound<'_, Self>,
        value: &Bound<'_, PyAny>,
        timeout: Timeout,
        lock: Option<Instance<'_, '_, FileLock>>,
    ) -> PyResult<Position> {
        let patience = Wait::new(timeout, given(slf.py(), "append", lock)?);
        let batch = RawJournal::encoder(slf).one(value)?;
        slf.get().commit(slf.py(), &batch, None, &patience)
    }

    /// Appends all values of an iterable, or none, and changes the header in the
    /// same step.
    fn _extend(
        slf: &Bound<'_, Self>,
        values: &Bound<'_, PyAny>,
        at: Option<Instance<'_, '_, Position>>,
        header: Option<Data<'_>>,
        timeout: Timeout,
        lock: Option<Instance<'_, '_, FileLock>>,
    ) -> PyResult<Position> {
        let patience = Wait::new(timeout, given(slf.py(), "append", lock)?);
        let batch = RawJournal::encoder(slf).many(values, header)?;
        let at = at.map(|position| position.get().core());
        slf.get().commit(slf.py(), &batch, at, &patience)
    }

    /// Returns where the last whole record ends. Takes no lock: an append that is
    /// running may be counted or not.
    fn end(&self, py: Python<'_>) -> PyResult<Position> {
        plain(py, self.journal.path(), || self.journal.end()).map(Position::from)
    }

    /// Checks every record. Takes no lock and changes nothing. A torn tail may be
    /// an append that is running.
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
        let report = wait(py, self.journal.path(), &patience, |call| {
            self.journal.verify_with(call)
        })?;
        make_report(py, &report)
    }

    /// Repairs the tail as the next append would, then checks every record. It
    /// reports damage before the tail, but never cuts it. `progress` is as for
    /// `verify`.
    #[pyo3(signature = (*, timeout=Timeout::Handles, lock=None, progress=None), text_signature = "($self, *, timeout=..., lock=None, progress=None)")]
    fn repair<'py>(
        &self,
        py: Python<'py>,
        timeout: Timeout,
        lock: Option<Instance<'_, '_, FileLock>>,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let patience = Wait::new(timeout, given(py, "repair", lock)?).progress(progress);
        let report = wait(py, self.journal.path(), &patience, |call| {
            self.journal.repair_with(call)
        })?;
        make_report(py, &report)
    }

    fn _follow(
        &self,
        py: Python<'_>,
        start: Option<Instance<'_, '_, Position>>,
    ) -> PyResult<RawFollow> {
        let start = start.map(|position| position.get().core());
        let path = self.journal.path();
        plain(py, path, || self.journal.follow(start))
            .map(|follow| RawFollow::new(path.to_owned(), follow))
    }

    fn _fold(&self) -> RawFold {
        RawFold::new(&self.journal)
    }

    /// Rewinds the journal to a position: removes every record after it. A
    /// rotated file keeps the whole journal as it was. Returns the path of that
    /// file, or `None` if no record follows the position.
    ///
    /// The journal is a new file from then on: positions taken before this call
    /// are refused. `Conflict`: the position is not one of this file's.
    #[pyo3(signature = (position, *, timeout=Timeout::Handles, lock=None), text_signature = "($self, position, *, timeout=..., lock=None)")]
    fn rewind(
        &self,
        py: Python<'_>,
        position: Instance<'_, '_, Position>,
        timeout: Timeout,
        lock: Option<Instance<'_, '_, FileLock>>,
    ) -> PyResult<Option<PathBuf>> {
        let patience = Wait::new(timeout, given(py, "rewind", lock)?);
        let position = position.get().core();
        wait(py, self.journal.path(), &patience, |call| {
            self.journal.rewind_with(position, call)
        })
    }

    /// Moves the records to a rotated file, and begins a new, empty journal with
    /// the same header. Returns the path of the rotated file, or `None` if the
    /// journal had no records.
    #[pyo3(signature = (*, timeout=Timeout::Handles, lock=None), text_signature = "($self, *, timeout=..., lock=None)")]
    fn rotate(
        &self,
        py: Python<'_>,
        timeout: Timeout,
        lock: Option<Instance<'_, '_, FileLock>>,
    ) -> PyResult<Option<PathBuf>> {
        let patience = Wait::new(timeout, given(py, "rotate", lock)?);
        wait(py, self.journal.path(), &patience, |call| {
            self.journal.rotate_with(call)
        })
    }

    /// Returns the rotated files of this journal that exist, oldest first: those that
    /// `rotate`, `rewind` and `max_bytes` made. A file that another program copied,
    /// replaced or appended to since is not among them.
    fn rotated(&self, py: Python<'_>) -> PyResult<Vec<PathBuf>> {
        plain(py, self.journal.path(), || self.journal.rotated())
    }

    /// Removes rotated files, oldest first, and returns how many: all but the newest
    /// `keep`, and of these only files last written to longer ago than `older_than`
    /// seconds. Their records are gone. A reader or follower that has not read them yet
    /// reports a rewind.
    #[pyo3(signature = (keep, older_than=0.0, *, timeout=Timeout::Handles, lock=None), text_signature = "($self, keep, older_than=0.0, *, timeout=..., lock=None)")]
    fn prune_rotated(
        &self,
        py: Python<'_>,
        keep: Count,
        older_than: f64,
        timeout: Timeout,
        lock: Option<Instance<'_, '_, FileLock>>,
    ) -> PyResult<u64> {
        let age = age(py, older_than)?;
        let patience = Wait::new(timeout, given(py, "prune_rotated", lock)?);
        wait(py, self.journal.path(), &patience, |call| {
            self.journal.prune_rotated_with(keep.0, age, call)
        })
    }

    /// Empties the journal: neither records nor a header stay. A rotated file
    /// keeps the whole journal as it was. Returns the path of that file, or `None`
    /// if the journal was empty or missing. `rotate` does the same, but the header
    /// stays.
    #[pyo3(signature = (*, timeout=Timeout::Handles, lock=None), text_signature = "($self, *, timeout=..., lock=None)")]
    fn clear(
        &self,
        py: Python<'_>,
        timeout: Timeout,
        lock: Option<Instance<'_, '_, FileLock>>,
    ) -> PyResult<Option<PathBuf>> {
        let patience = Wait::new(timeout, given(py, "clear", lock)?);
        wait(py, self.journal.path(), &patience, |call| {
            self.journal.clear_with(call)
        })
    }

    /// Replaces all records by the values of an iterable.
    fn _replace(
        slf: &Bound<'_, Self>,
        values: &Bound<'_, PyAny>,
        timeout: Timeout,
        lock: Option<Instance<'_, '_, FileLock>>,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Position> {
        let (py, journal) = (slf.py(), slf.get().core());
        let patience = Wait::new(timeout, given(py, "replace", lock)?).progress(progress);
        let batch = RawJournal::encoder(slf).many(values, None)?;
        wait(py, journal.path(), &patience, |call| {
            journal.replace_batch(&batch, call)
        })
        .map(Position::from)
    }

    fn _begin_rewrite(
        &self,
        py: Python<'_>,
        timeout: Timeout,
        lock: Option<Instance<'_, '_, FileLock>>,
    ) -> PyResult<Rewrite> {
        let patience = Wait::new(timeout, given(py, "compact", lock)?);
        let path = self.journal.path();
        wait(py, path, &patience, |call| self.journal.begin_rewrite(call))
            .map(|rewrite| Rewrite::new(path, rewrite))
    }

    /// Makes everything that the file contains now survive a power cut, including
    /// what other processes wrote.
    fn sync(&self, py: Python<'_>) -> PyResult<()> {
        plain(py, self.journal.path(), || self.journal.sync())
    }

    /// Closes the handle: later changes through it are refused. A second call
    /// does nothing.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        plain(py, self.journal.path(), || self.journal.close())?;
        self.closed.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Whether `close` was called.
    #[getter]
    fn closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    /// The path of the file, with every symbolic link resolved.
    #[getter]
    fn path(&self) -> PathBuf {
        self.journal.path().to_owned()
    }

    /// `"process"` or `"power"`.
    #[getter]
    fn durability(&self) -> &'static str {
        self.journal.durability().as_str()
    }
}

impl RawJournal {
    pub fn encoder<'a, 'py>(journal: &'a Bound<'py, RawJournal>) -> Encoder<'a, 'py> {
        let raw = journal.get();
        Encoder {
            batch: raw.journal.batch(),
            codec: raw.codec,
            owner: journal.as_any(),
        }
    }

    pub fn core(&self) -> &Arc<untorn::Journal> {
        &self.journal
    }

    pub fn timeout(&self) -> Option<Duration> {
        self.timeout
    }

    fn commit(
        &self,
        py: Python<'_>,
        batch: &Batch,
        at: Option<untorn::Position>,
        patience: &Wait,
    ) -> PyResult<Position> {
        wait(py, self.journal.path(), patience, |call| {
            self.journal.append_batch(batch, at, call)
        })
        .map(Position::from)
    }
}
