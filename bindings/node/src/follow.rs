//! Follows a journal: records as they are appended.

use std::path::Path;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use napi_derive::napi;
use untorn::tasks::{Order, Source, Wake, WatchOrder};
use untorn::{CallOptions, Error, FollowItem};

use crate::call::made;
use crate::journal::Journal;
use crate::port::Inner;
use crate::records::{Found, Rewound};
use crate::values::Position;

#[napi]
pub struct Follow {
    port: Rc<Inner>,
    path: Arc<Path>,
    start: Position,
    order: WatchOrder,
    cursor: Arc<Mutex<Cursor>>,
}

struct Cursor {
    /// `None`: closed.
    follow: Option<untorn::Follow>,
    /// The beginning of the next chunk.
    kept: Option<FollowItem>,
}

impl Cursor {
    /// Returns the records that exist by now. `None`: no record, and the journal
    /// is open.
    fn look(&mut self, path: &Path) -> untorn::Result<Option<Found>> {
        let now = CallOptions::new().timeout(Some(Duration::ZERO));
        let Some(follow) = &mut self.follow else {
            return Err(Error::internal("follow", path, "it is closed"));
        };
        let mut found = Found::default();
        let mut next = match self.kept.take() {
            Some(kept) => Some(kept),
            None => follow.next(&now)?,
        };
        if next.is_none() && !follow.is_closed() {
            return Ok(None);
        }
        while let Some(item) = next {
            match item {
                FollowItem::Record(record) if found.takes(record.start.generation) => {
                    found.add(&record.bytes, record.start, record.end);
                }
                FollowItem::Rewound { from, to } if found.is_empty() => {
                    found.rewound = Some(Rewound {
                        from: from.into(),
                        to: to.into(),
                    });
                    break;
                }
                item => {
                    self.kept = Some(item);
                    break;
                }
            }
            if found.is_full() {
                break;
            }
            // The next call returns an error again, after the records before it.
            next = follow.next(&now).unwrap_or_default();
        }
        found.add_damage(&follow.take_damage());
        found.last = self.kept.is_none() && follow.is_closed();
        Ok(Some(found))
    }
}

/// A follower that waits for something.
struct Waiting {
    cursor: Arc<Mutex<Cursor>>,
    path: Arc<Path>,
}

impl Source for Waiting {
    type Found = Found;

    fn look(&self) -> untorn::Result<Option<Found>> {
        lock(&self.cursor).look(&self.path)
    }

    fn wake_once(&self, wake: Wake) -> Option<Duration> {
        match &mut lock(&self.cursor).follow {
            Some(follow) => follow.wake_once(wake),
            // It was closed in between, as the next look finds.
            None => Some(Duration::ZERO),
        }
    }
}

#[napi]
impl Journal {
    #[napi(catch_unwind)]
    pub fn follow(&self, start: Option<Position>) -> napi::Result<u32> {
        let start = start.map(|at| at.get("follow", &self.path)).transpose()?;
        let path = Arc::clone(&self.path);
        Ok(self.read(
            "follow",
            move |journal| journal.follow(start),
            move |port, follow| Follow::new(port, path, follow, WatchOrder::new()),
        ))
    }
}

impl Follow {
    pub fn new(
        port: &Rc<Inner>,
        path: Arc<Path>,
        follow: untorn::Follow,
        order: WatchOrder,
    ) -> Follow {
        Follow {
            port: Rc::clone(port),
            path,
            start: follow.position().into(),
            order,
            cursor: Arc::new(Mutex::new(Cursor {
                follow: Some(follow),
                kept: None,
            })),
        }
    }
}

impl Drop for Follow {
    /// A program that drops a follower without `return` leaves it to the collection of
    /// garbage. The end of a watch in a database may wait for a thread that waits for
    /// this event loop, so another thread does it.
    fn drop(&mut self) {
        if let Ok(mut cursor) = self.cursor.try_lock()
            && let Some(follow) = cursor.follow.take()
        {
            let _ = std::thread::Builder::new().spawn(move || drop(follow));
        }
    }
}

#[napi]
impl Follow {
    /// The position at which it began.
    #[napi(getter, catch_unwind)]
    pub fn start(&self) -> Position {
        self.start
    }

    #[napi(catch_unwind)]
    pub fn next(&self) -> u32 {
        let task = self.port.begin("follow", &self.path);
        let waiting = Waiting {
            cursor: Arc::clone(&self.cursor),
            path: Arc::clone(&self.path),
        };
        let finish = made(|_, found: Option<Found>| found.unwrap_or_default());
        task.watch(waiting, self.order, None, finish);
        task.id()
    }

    /// Closes the cursor. The caller cancels a running wait first.
    #[napi(catch_unwind)]
    pub fn close(&self) -> u32 {
        let cursor = Arc::clone(&self.cursor);
        self.port.run(
            Order::Immediate,
            ("follow", &self.path),
            false,
            move |_| {
                lock(&cursor).follow = None;
                Ok(())
            },
            |_, ()| (),
        )
    }
}

fn lock(cursor: &Mutex<Cursor>) -> std::sync::MutexGuard<'_, Cursor> {
    cursor.lock().unwrap_or_else(PoisonError::into_inner)
}
