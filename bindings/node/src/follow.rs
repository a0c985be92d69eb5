//! Follows a journal: records as they are appended.

use std::path::Path;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use napi_derive::napi;
use untorn::{Call, Error, Followed};

use crate::call::Lane;
use crate::journal::Journal;
use crate::port::Inner;
use crate::records::{Found, Rewound};
use crate::values::Position;

#[napi]
pub struct Follow {
    port: Rc<Inner>,
    path: Arc<Path>,
    start: Position,
    cursor: Arc<Mutex<Cursor>>,
}

struct Cursor {
    /// `None`: closed.
    follow: Option<untorn::Follow>,
    /// The beginning of the next chunk.
    kept: Option<Followed>,
}

impl Cursor {
    /// Waits for a record, and adds the others that exist by then.
    fn next(&mut self, call: &Call<'_>, path: &Path) -> untorn::Result<Found> {
        let Some(follow) = &mut self.follow else {
            return Err(Error::internal("follow", path, "it is closed"));
        };
        let mut found = Found::default();
        let mut next = match self.kept.take() {
            Some(kept) => Some(kept),
            None => follow.next(call)?,
        };
        while let Some(item) = next {
            match item {
                Followed::Record(record) if found.takes(record.start.generation) => {
                    found.add(&record.bytes, record.start, record.end);
                }
                Followed::Rewound { from, to } if found.is_empty() => {
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
            next = follow
                .next(&Call::new().timeout(Some(Duration::ZERO)))
                .unwrap_or_default();
        }
        found.add_damage(&follow.take_damage());
        found.last = self.kept.is_none() && follow.is_closed();
        Ok(found)
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
            move |port, follow| Follow {
                port: Rc::clone(port),
                path,
                start: follow.position().into(),
                cursor: Arc::new(Mutex::new(Cursor {
                    follow: Some(follow),
                    kept: None,
                })),
            },
        ))
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
        let (cursor, path) = (Arc::clone(&self.cursor), Arc::clone(&self.path));
        self.port.run(
            Lane::Free,
            ("follow", &self.path),
            false,
            move |context| lock(&cursor).next(&context.call(), &path),
            |_, found| found,
        )
    }

    /// Closes the cursor after a running wait. The caller cancels that wait
    /// first.
    #[napi(catch_unwind)]
    pub fn close(&self) -> u32 {
        let cursor = Arc::clone(&self.cursor);
        self.port.run(
            Lane::Step,
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
