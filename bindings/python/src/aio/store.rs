//! The native half of `untorn.aio.Store`, `Session` and `Lease`.

use std::path::Path;
use std::sync::Arc;

use pyo3::prelude::*;
use untorn::tasks::Order;

use super::{Request, none};
use crate::argument::{Count, Instance, Place, Text};
use crate::error::make_holder;
use crate::lease::Lease;
use crate::process::Process;
use crate::reconcile;
use crate::search::hits;
use crate::selftest;
use crate::store::{Opened, RawSession, RawStore, document};
use crate::timeout::Timeout;

type Awaitable<'py> = PyResult<Bound<'py, PyAny>>;

#[pyfunction]
pub fn store_keys_later<'py>(py: Python<'py>, store: &Bound<'_, RawStore>) -> Awaitable<'py> {
    let store = store.get().core().clone();
    let path: Arc<Path> = store.path().into();
    Request::read("keys", &path).run(
        py,
        move |_| store.keys(),
        |py, keys| Ok(keys.into_pyobject(py)?.into_any()),
    )
}

#[pyfunction]
pub fn store_remove_later<'py>(
    py: Python<'py>,
    store: &Bound<'_, RawStore>,
    key: String,
    timeout: Timeout,
) -> Awaitable<'py> {
    let limit = timeout.or(store.get().timeout());
    let store = store.get().core().clone();
    let path: Arc<Path> = store.path().into();
    let request = Request {
        order: Order::Unordered,
        limit,
        ..Request::read("remove", &path)
    };
    request.run(
        py,
        move |call| store.remove_with(&key, call),
        |py, removed| Ok(removed.into_pyobject(py)?.to_owned().into_any()),
    )
}

#[pyfunction]
pub fn store_search_later<'py>(
    py: Python<'py>,
    store: &Bound<'_, RawStore>,
    text: Text,
    max_hits: Count,
    progress: Option<Py<PyAny>>,
) -> Awaitable<'py> {
    let search = store.get().prepared(&text, max_hits);
    let path: Arc<Path> = store.get().core().path().into();
    // Not in the way of short reads: it may take seconds.
    let request = Request {
        order: Order::File(path.join("search")),
        progress,
        ..Request::read("search", &path)
    };
    request.run(
        py,
        move |call| search.run_with(call),
        |py, found| Ok(hits(py, &found)?.into_any()),
    )
}

/// As `selftest`.
#[pyfunction]
pub fn selftest_later<'py>(py: Python<'py>, dir: Place, scheme: Text) -> Awaitable<'py> {
    let scheme = selftest::parse(py, &dir.0, &scheme)?;
    let path: Arc<Path> = dir.0.into();
    let dir = Arc::clone(&path);
    let request = Request {
        order: Order::Unordered,
        ..Request::read("selftest", &path)
    };
    request.run(
        py,
        move |_| untorn::selftest_with(&dir, scheme),
        |py, report| selftest::make(py, &report),
    )
}

/// The verbs of a session that may take a while.
#[pyclass(frozen, module = "untorn._untorn")]
pub struct LaterSession {
    session: Arc<untorn::Session>,
    path: Arc<Path>,
    timeout: Option<std::time::Duration>,
}

#[pymethods]
impl LaterSession {
    #[new]
    fn new(session: &Bound<'_, RawSession>) -> LaterSession {
        let session_core = Arc::clone(session.get().core());
        LaterSession {
            path: session_core.path().into(),
            session: session_core,
            timeout: session.get().timeout(),
        }
    }

    fn exists<'py>(&self, py: Python<'py>) -> Awaitable<'py> {
        let session = Arc::clone(&self.session);
        Request::read("exists", &self.path).run(
            py,
            move |_| session.exists(),
            |py, exists| Ok(exists.into_pyobject(py)?.to_owned().into_any()),
        )
    }

    fn journal<'py>(&self, py: Python<'py>) -> Awaitable<'py> {
        let session = Arc::clone(&self.session);
        self.make("open").run(
            py,
            move |_| session.journal(),
            |py, journal| Ok(Bound::new(py, Opened::journal(journal))?.into_any()),
        )
    }

    fn document<'py>(&self, py: Python<'py>, name: Option<String>) -> Awaitable<'py> {
        let session = Arc::clone(&self.session);
        self.make("open").run(
            py,
            move |_| document(&session, name.as_deref()),
            |py, document| Ok(Bound::new(py, Opened::document(document))?.into_any()),
        )
    }

    fn media<'py>(&self, py: Python<'py>, name: Text) -> Awaitable<'py> {
        let name = name.0;
        let session = Arc::clone(&self.session);
        self.make("media").run(
            py,
            move |call| session.media_with(&name, call),
            |py, path| Ok(path.into_pyobject(py)?.into_any()),
        )
    }

    fn holder<'py>(&self, py: Python<'py>) -> Awaitable<'py> {
        let session = Arc::clone(&self.session);
        Request::read("holder", &self.path).run(
            py,
            move |_| session.holder(),
            |py, holder| match holder {
                Some(holder) => make_holder(py, &holder),
                None => none(py),
            },
        )
    }

    /// Gives a `Turn`, or `(outcome, holder)`.
    fn begin_reconcile<'py>(&self, py: Python<'py>, timeout: Timeout) -> Awaitable<'py> {
        let (session, path) = (Arc::clone(&self.session), Arc::clone(&self.path));
        let limit = timeout.or(self.timeout);
        let request = Request {
            order: Order::Unordered,
            limit,
            ..Request::read("reconcile", &self.path)
        };
        request.keeping_lock().run(
            py,
            move |call| session.begin_reconcile(|| Ok(false), call),
            move |py, begun| reconcile::begun(py, &path, limit, begun),
        )
    }

    /// Gives a `Lease`.
    fn claim<'py>(&self, py: Python<'py>, label: Text, timeout: Timeout) -> Awaitable<'py> {
        let label = label.0;
        let session = Arc::clone(&self.session);
        let limit = timeout.or(self.timeout);
        let order = if limit == Some(std::time::Duration::ZERO) {
            Order::Unordered
        } else {
            Order::File(self.path.join("claim"))
        };
        let request = Request {
            order,
            limit,
            ..Request::read("claim", &self.path)
        };
        request.keeping_lock().run(
            py,
            move |call| session.claim_with(label, call),
            |py, lease| Ok(Bound::new(py, Lease::new(lease))?.into_any()),
        )
    }
}

impl LaterSession {
    /// A call that may create the directory, and so wait for its lock. It does not
    /// stand in the way of calls that never wait.
    fn make(&self, operation: &'static str) -> Request<'_> {
        Request {
            order: Order::File(self.path.join("make")),
            ..Request::read(operation, &self.path)
        }
    }
}

#[pyfunction]
pub fn lease_transfer_later<'py>(
    py: Python<'py>,
    lease: &Bound<'_, Lease>,
    to: Instance<'_, '_, Process>,
) -> Awaitable<'py> {
    let (lease, to) = (Arc::clone(lease.get().core()), to.get().0.clone());
    let path: Arc<Path> = lease.path().into();
    Request::always("transfer", &path, Order::Immediate).run(
        py,
        move |_| lease.transfer(&to),
        |py, ()| none(py),
    )
}

#[pyfunction]
pub fn lease_release_later<'py>(py: Python<'py>, lease: &Bound<'_, Lease>) -> Awaitable<'py> {
    let lease = Arc::clone(lease.get().core());
    let path: Arc<Path> = lease.path().into();
    Request::always("release", &path, Order::Immediate).run(
        py,
        move |_| lease.release(),
        |py, ()| none(py),
    )
}
