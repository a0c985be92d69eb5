//! The native half of `untorn.aio.Journal`.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use untorn::tasks::Order;
use untorn::{Batch, CallOptions};

use super::append::{Encoded, begun};
use super::promise::Awaits;
use super::reader::LaterReader;
use super::{Request, none};
use crate::argument::{Count, Data, Instance};
use crate::error::check;
use crate::follow::RawFollow;
use crate::journal::RawJournal;
use crate::lock::{FileLock, given};
use crate::position::Position;
use crate::reader::{State, read_from, tail_list};
use crate::report::make_report;
use crate::rewrite::Rewrite;
use crate::timeout::{Timeout, age};

/// The verbs of a journal that may take a while.
#[pyclass(frozen, module = "untorn._untorn")]
pub struct LaterJournal {
    raw: Py<RawJournal>,
    journal: Arc<untorn::Journal>,
    path: Arc<Path>,
    timeout: Option<Duration>,
}

type Awaitable<'py> = PyResult<Bound<'py, PyAny>>;

#[pymethods]
impl LaterJournal {
    #[new]
    fn new(journal: &Bound<'_, RawJournal>) -> LaterJournal {
        let raw = journal.get();
        LaterJournal {
            raw: journal.clone().unbind(),
            journal: Arc::clone(raw.core()),
            path: raw.core().path().into(),
            timeout: raw.timeout(),
        }
    }

    /// Encodes one value now. Of what Python changes later, nothing is appended.
    fn encoded(&self, py: Python<'_>, value: &Bound<'_, PyAny>) -> PyResult<Encoded> {
        let batch = RawJournal::encoder(self.raw.bind(py)).one(value)?;
        Ok(Encoded::new(batch))
    }

    /// Takes one record that is encoded already, and checks it.
    fn encoded_raw(&self, py: Python<'_>, record: Data<'_>) -> PyResult<Encoded> {
        let mut batch = self.journal.batch();
        check(py, batch.push(record.bytes()))?;
        Ok(Encoded::new(batch))
    }

    /// Encodes the values of an iterable now.
    fn encoded_many(
        &self,
        py: Python<'_>,
        values: &Bound<'_, PyAny>,
        header: Option<Data<'_>>,
    ) -> PyResult<Encoded> {
        let batch = RawJournal::encoder(self.raw.bind(py)).many(values, header)?;
        Ok(Encoded::new(batch))
    }

    fn append<'py>(
        &self,
        py: Python<'py>,
        records: &Bound<'_, Encoded>,
        at: Option<Instance<'_, '_, Position>>,
        timeout: Timeout,
        lock: Option<Instance<'_, '_, FileLock>>,
    ) -> Awaitable<'py> {
        let batch = check(py, records.get().take(&self.path))?;
        let at = at.map(|position| position.get().core());
        self.queue(py, batch, at, timeout, lock)
    }

    fn reader<'py>(
        &self,
        py: Python<'py>,
        start: Option<Instance<'_, '_, Position>>,
        max_records: Option<Count>,
        max_bytes: Option<Count>,
    ) -> Awaitable<'py> {
        let start = start.map(|position| position.get().core());
        let (journal, path) = (Arc::clone(&self.journal), Arc::clone(&self.path));
        Request::read("read", &self.path).run(
            py,
            move |_| read_from(&journal, start, max_records, max_bytes),
            |py, records| {
                let state = Arc::new(Mutex::new(State::new(records)));
                Ok(Bound::new(py, LaterReader::new(path, state))?.into_any())
            },
        )
    }

    fn tail<'py>(&self, py: Python<'py>, n: Count) -> Awaitable<'py> {
        let n = usize::try_from(n.0).unwrap_or(usize::MAX);
        let journal = Arc::clone(&self.journal);
        Request::read("tail", &self.path).run(
            py,
            move |_| journal.tail(n),
            |py, records| Ok(tail_list(py, records)?.into_any()),
        )
    }

    fn header<'py>(&self, py: Python<'py>) -> Awaitable<'py> {
        let journal = Arc::clone(&self.journal);
        Request::read("header", &self.path).run(
            py,
            move |_| journal.header(),
            |py, header| match header {
                Some(header) => Ok(PyBytes::new(py, &header).into_any()),
                None => none(py),
            },
        )
    }

    /// Gives a `RawFollow`.
    fn follow<'py>(
        &self,
        py: Python<'py>,
        start: Option<Instance<'_, '_, Position>>,
    ) -> Awaitable<'py> {
        let start = start.map(|position| position.get().core());
        let (journal, path) = (Arc::clone(&self.journal), self.path.to_path_buf());
        Request::read("follow", &self.path).run(
            py,
            move |_| journal.follow(start),
            |py, follow| Ok(Bound::new(py, RawFollow::new(path, follow))?.into_any()),
        )
    }

    fn end<'py>(&self, py: Python<'py>) -> Awaitable<'py> {
        let journal = Arc::clone(&self.journal);
        Request::read("end", &self.path).run(
            py,
            move |_| journal.end(),
            |py, end| Ok(Bound::new(py, Position::from(end))?.into_any()),
        )
    }

    fn verify<'py>(&self, py: Python<'py>, progress: Option<Py<PyAny>>) -> Awaitable<'py> {
        let journal = Arc::clone(&self.journal);
        let request = Request {
            // It may take seconds: not in the way of short reads.
            order: Order::Handle(self.path.join("verify")),
            progress,
            ..Request::read("verify", &self.path)
        };
        request.run(
            py,
            move |call| journal.verify_with(call),
            |py, report| make_report(py, &report),
        )
    }

    fn repair<'py>(
        &self,
        py: Python<'py>,
        timeout: Timeout,
        lock: Option<Instance<'_, '_, FileLock>>,
        progress: Option<Py<PyAny>>,
    ) -> Awaitable<'py> {
        let journal = Arc::clone(&self.journal);
        let mut request = self.change(py, "repair", timeout, lock)?;
        request.progress = progress;
        request.run(
            py,
            move |call| journal.repair_with(call),
            |py, report| make_report(py, &report),
        )
    }

    fn rewind<'py>(
        &self,
        py: Python<'py>,
        position: Instance<'_, '_, Position>,
        timeout: Timeout,
        lock: Option<Instance<'_, '_, FileLock>>,
    ) -> Awaitable<'py> {
        let position = position.get().core();
        self.rotating(py, "rewind", timeout, lock, move |journal, call| {
            journal.rewind_with(position, call)
        })
    }

    fn rotate<'py>(
        &self,
        py: Python<'py>,
        timeout: Timeout,
        lock: Option<Instance<'_, '_, FileLock>>,
    ) -> Awaitable<'py> {
        self.rotating(py, "rotate", timeout, lock, untorn::Journal::rotate_with)
    }

    fn rotated<'py>(&self, py: Python<'py>) -> Awaitable<'py> {
        let journal = Arc::clone(&self.journal);
        Request::read("rotated", &self.path).run(
            py,
            move |_| journal.rotated(),
            |py, paths| paths.into_bound_py_any(py),
        )
    }

    fn prune_rotated<'py>(
        &self,
        py: Python<'py>,
        keep: Count,
        older_than: f64,
        timeout: Timeout,
        lock: Option<Instance<'_, '_, FileLock>>,
    ) -> Awaitable<'py> {
        let journal = Arc::clone(&self.journal);
        let age = age(py, older_than)?;
        self.change(py, "prune_rotated", timeout, lock)?.run(
            py,
            move |call| journal.prune_rotated_with(keep.0, age, call),
            |py, count| count.into_bound_py_any(py),
        )
    }

    fn clear<'py>(
        &self,
        py: Python<'py>,
        timeout: Timeout,
        lock: Option<Instance<'_, '_, FileLock>>,
    ) -> Awaitable<'py> {
        self.rotating(py, "clear", timeout, lock, untorn::Journal::clear_with)
    }

    fn replace<'py>(
        &self,
        py: Python<'py>,
        values: &Bound<'py, PyAny>,
        timeout: Timeout,
        lock: Option<Instance<'_, '_, FileLock>>,
        progress: Option<Py<PyAny>>,
    ) -> Awaitable<'py> {
        let batch = RawJournal::encoder(self.raw.bind(py)).many(values, None)?;
        let journal = Arc::clone(&self.journal);
        let mut request = self.change(py, "replace", timeout, lock)?;
        request.progress = progress;
        request.run(
            py,
            move |call| journal.replace_batch(&batch, call),
            |py, end| Ok(Bound::new(py, Position::from(end))?.into_any()),
        )
    }

    /// Gives a `Rewrite`, which holds the lock.
    fn begin_rewrite<'py>(
        &self,
        py: Python<'py>,
        timeout: Timeout,
        lock: Option<Instance<'_, '_, FileLock>>,
    ) -> Awaitable<'py> {
        let (journal, path) = (Arc::clone(&self.journal), Arc::clone(&self.path));
        let request = self.change(py, "compact", timeout, lock)?.keeping_lock();
        request.run(
            py,
            move |call| journal.begin_rewrite(call),
            move |py, rewrite| Ok(Bound::new(py, Rewrite::new(&path, rewrite))?.into_any()),
        )
    }

    fn sync<'py>(&self, py: Python<'py>) -> Awaitable<'py> {
        let journal = Arc::clone(&self.journal);
        let request = Request {
            // Syncs one after another: the second has little left to do.
            order: Order::File(self.path.join("sync")),
            ..Request::read("sync", &self.path)
        };
        request.run(py, move |_| journal.sync(), |py, ()| none(py))
    }

    fn close<'py>(&self, py: Python<'py>) -> Awaitable<'py> {
        let journal = Arc::clone(&self.journal);
        let request = Request::always("close", &self.path, Order::Immediate);
        request.run(py, move |_| journal.close(), |py, ()| none(py))
    }
}

impl LaterJournal {
    /// The journal has a queue of its own, which keeps the order of the calls
    /// and commits what has gathered with one write.
    fn queue<'py>(
        &self,
        py: Python<'py>,
        batch: Batch,
        at: Option<untorn::Position>,
        timeout: Timeout,
        lock: Option<Instance<'_, '_, FileLock>>,
    ) -> Awaitable<'py> {
        if lock.is_some() {
            let journal = Arc::clone(&self.journal);
            let mut request = self.change(py, "append", timeout, lock)?;
            request.awaits = Awaits::Program;
            return request.run(
                py,
                move |call| journal.append_batch(&batch, at, call),
                |py, end| Ok(Bound::new(py, Position::from(end))?.into_any()),
            );
        }
        let limit = timeout.or(self.timeout);
        begun(py, &self.journal, &self.path, batch, at, limit)
    }

    /// Puts a new file in the journal's place, and gives the path of the old one.
    fn rotating<'py>(
        &self,
        py: Python<'py>,
        operation: &'static str,
        timeout: Timeout,
        lock: Option<Instance<'_, '_, FileLock>>,
        rotate: impl FnOnce(&untorn::Journal, &CallOptions<'_>) -> untorn::Result<Option<PathBuf>>
        + Send
        + 'static,
    ) -> Awaitable<'py> {
        let journal = Arc::clone(&self.journal);
        self.change(py, operation, timeout, lock)?.run(
            py,
            move |call| rotate(&journal, call),
            |py, rotated| rotated.into_bound_py_any(py),
        )
    }

    pub fn core(&self) -> &Arc<untorn::Journal> {
        &self.journal
    }

    pub fn path(&self) -> &Arc<Path> {
        &self.path
    }

    pub fn change(
        &self,
        py: Python<'_>,
        operation: &'static str,
        timeout: Timeout,
        lock: Option<Instance<'_, '_, FileLock>>,
    ) -> PyResult<Request<'_>> {
        let lock = given(py, operation, lock)?;
        Ok(Request {
            order: Order::of(&self.path, lock.as_deref()),
            limit: timeout.or(self.timeout),
            lock,
            ..Request::read(operation, &self.path)
        })
    }
}
