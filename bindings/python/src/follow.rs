//! Follows a journal.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pyo3::prelude::*;
use pyo3::types::PyList;
use untorn::tasks::Wake;
use untorn::{CallOptions, CancelToken, Damage, Error, ErrorKind, Follow, FollowItem, OwnedRecord};

use crate::call::{Wait, plain};
use crate::position::Position;
use crate::postgres::{run, token};
use crate::reader::triple;
use crate::slot::Slot;
use crate::timeout::Timeout;

/// The most records that one call returns.
const RECORDS: usize = 256;
const BYTES: usize = 256 * 1024;

/// The base of `untorn.Follow`.
#[pyclass(frozen, module = "untorn._untorn")]
pub struct RawFollow {
    path: PathBuf,
    news: Arc<News>,
}

/// A follower, and the records that it found and no caller has taken.
pub struct News {
    follow: Slot<Follow>,
    found: Mutex<Found>,
    closed: AtomicBool,
    /// Ends the wait that is running now.
    waiting: Mutex<CancelToken>,
    /// Whether a look waits for a server.
    pub is_remote: bool,
}

#[derive(Default)]
struct Found {
    items: VecDeque<Item>,
    /// The error that ended the last call, after the items before it.
    failed: Option<Error>,
}

pub enum Item {
    Record(OwnedRecord),
    Damage(Damage),
    Rewound(untorn::Position, untorn::Position),
}

impl News {
    /// Waits for a record, and finds the others that exist by then. They are kept
    /// for the next caller if this one is gone. `call` has this `token`.
    pub fn find(
        &self,
        path: &Path,
        call: &CallOptions<'_>,
        token: &CancelToken,
    ) -> untorn::Result<()> {
        self.waiting().clone_from(token);
        if self.is_ready() || self.is_closed() {
            return Ok(());
        }
        let result = self.look(path, call);
        if !self.is_closed() {
            return result;
        }
        // Another thread closed it, and could not close the files during this
        // call.
        self.close_files(path);
        match result {
            // A cancelled wait is an end, not a failure.
            Err(error) if error.kind() == ErrorKind::Cancelled => Ok(()),
            result => result,
        }
    }

    /// As `find`, but waits for nothing. `None`: nothing has come yet.
    pub fn look_once(&self, path: &Path) -> untorn::Result<Option<()>> {
        if !self.is_ready() && !self.is_closed() {
            self.look(path, &CallOptions::new().timeout(Some(Duration::ZERO)))?;
        }
        if self.is_closed() {
            self.close_files(path);
            return Ok(Some(()));
        }
        let ended = self
            .follow
            .with("follow", path, |follow| Ok(follow.is_closed()))?;
        Ok((ended || self.is_ready()).then_some(()))
    }

    /// Has `wake` called when it is worth to look again.
    pub fn wake_once(&self, path: &Path, wake: Wake) -> Option<Duration> {
        let again = self
            .follow
            .with("follow", path, |follow| Ok(follow.wake_once(wake)));
        match again {
            Ok(again) if !self.is_closed() => again,
            // It was closed in between, as the next look finds.
            _ => Some(Duration::ZERO),
        }
    }

    /// Closes the files. A call that is running does it when it ends.
    fn close_files(&self, path: &Path) {
        let _ = self.follow.with("follow", path, |follow| {
            follow.close();
            Ok(())
        });
    }

    fn look(&self, path: &Path, call: &CallOptions<'_>) -> untorn::Result<()> {
        self.follow.with("follow", path, |follow| {
            let once = call.timeout(Some(Duration::ZERO));
            let mut bytes = 0;
            let mut next = follow.next(call);
            loop {
                let mut found = self.found();
                found
                    .items
                    .extend(follow.take_damage().into_iter().map(Item::Damage));
                match next {
                    Ok(None) => return Ok(()),
                    Ok(Some(FollowItem::Record(record))) => {
                        bytes += record.bytes.len();
                        found.items.push_back(Item::Record(record));
                    }
                    Ok(Some(FollowItem::Rewound { from, to })) => {
                        found.items.push_back(Item::Rewound(from, to));
                    }
                    // A kind that this binding does not know.
                    Ok(Some(_)) => {}
                    Err(error) if found.items.is_empty() => return Err(error),
                    // The cancellation was for this caller only.
                    Err(error) if error.kind() == ErrorKind::Cancelled => return Ok(()),
                    Err(error) => {
                        found.failed = Some(error);
                        return Ok(());
                    }
                }
                if found.items.len() >= RECORDS || bytes >= BYTES {
                    return Ok(());
                }
                drop(found);
                next = follow.next(&once);
            }
        })
    }

    pub fn close(&self, path: &Path) {
        self.closed.store(true, Ordering::SeqCst);
        let token = self.waiting().clone();
        token.cancel();
        self.close_files(path);
    }

    fn is_closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }

    fn waiting(&self) -> MutexGuard<'_, CancelToken> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn rotations(&self, path: &Path) -> untorn::Result<u64> {
        self.follow
            .with("follow", path, |follow| Ok(follow.rotations()))
    }

    pub fn position(&self, path: &Path) -> untorn::Result<untorn::Position> {
        self.follow
            .with("follow", path, |follow| Ok(follow.position()))
    }

    fn is_ready(&self) -> bool {
        let found = self.found();
        !found.items.is_empty() || found.failed.is_some()
    }

    /// Takes the items that were found. None: the timeout passed, or it is
    /// closed.
    pub fn take(&self) -> untorn::Result<Vec<Item>> {
        let mut found = self.found();
        match found.failed.take() {
            Some(error) if found.items.is_empty() => Err(error),
            failed => {
                found.failed = failed;
                Ok(std::mem::take(&mut found.items).into())
            }
        }
    }

    /// Never locked during a wait.
    fn found(&self) -> MutexGuard<'_, Found> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Converts items for Python.
pub fn list(py: Python<'_>, items: Vec<Item>) -> PyResult<Bound<'_, PyList>> {
    let list = PyList::empty(py);
    for item in &items {
        match item {
            Item::Record(record) => list.append(triple(py, record))?,
            Item::Damage(damage) => {
                list.append((damage.kind.as_str(), damage.offset, damage.length))?;
            }
            Item::Rewound(from, to) => {
                list.append(("rewound", Position::from(*from), Position::from(*to)))?;
            }
        }
    }
    Ok(list)
}

impl RawFollow {
    pub fn new(path: PathBuf, follow: Follow) -> RawFollow {
        RawFollow::of(path, follow, false)
    }

    /// A follower whose looks wait for a server.
    pub fn of_engine(path: PathBuf, follow: Follow) -> RawFollow {
        RawFollow::of(path, follow, true)
    }

    fn of(path: PathBuf, follow: Follow, is_remote: bool) -> RawFollow {
        RawFollow {
            path,
            news: Arc::new(News {
                follow: Slot::new(follow),
                found: Mutex::default(),
                closed: AtomicBool::new(false),
                waiting: Mutex::default(),
                is_remote,
            }),
        }
    }

    pub fn parts(&self) -> (PathBuf, Arc<News>) {
        (self.path.clone(), Arc::clone(&self.news))
    }
}

#[pymethods]
impl RawFollow {
    fn _next<'py>(&self, py: Python<'py>, timeout: Timeout) -> PyResult<Bound<'py, PyList>> {
        let mut patience = Wait::new(timeout, None);
        let token = token();
        patience.cancel = Some(token.clone());
        // The journal may be in a database, and the driver raise.
        let items = run(py, &self.path, patience, |call| {
            self.news.find(&self.path, call, &token)?;
            self.news.take()
        })?;
        list(py, items)
    }

    /// Returns how far it has read.
    #[getter]
    fn _position(&self, py: Python<'_>) -> PyResult<Position> {
        plain(py, &self.path, || self.news.position(&self.path)).map(Position::from)
    }

    /// Returns how many rotations it has passed, which are no rewinds. A state that
    /// belongs to one generation begins again then.
    #[getter]
    fn _rotations(&self, py: Python<'_>) -> PyResult<u64> {
        plain(py, &self.path, || self.news.rotations(&self.path))
    }

    fn _close(&self, py: Python<'_>) {
        py.detach(|| self.news.close(&self.path));
    }
}
