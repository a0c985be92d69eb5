//! How far JavaScript has folded a journal's records into a state.

use std::cell::RefCell;
use std::path::Path;
use std::rc::Rc;
use std::sync::{Arc, Mutex};

use napi::bindgen_prelude::ToNapiValue;
use napi_derive::napi;
use untorn::tasks::Order;
use untorn::{Error, FoldCursor, FoldTurn, Folded};

use crate::batch::Batch;
use crate::call::{blocking, locked};
use crate::failure::{self, told};
use crate::journal::Journal;
use crate::lock::Lock;
use crate::port::Inner;
use crate::records::Found;
use crate::values::Position;

#[napi]
pub struct Fold {
    port: Rc<Inner>,
    path: Arc<Path>,
    /// `None`: closed.
    cursor: RefCell<Option<Arc<FoldCursor>>>,
}

/// One turn, which holds the journal's lock.
#[napi]
pub struct Turn {
    port: Rc<Inner>,
    path: Arc<Path>,
    turn: Arc<Mutex<Open>>,
}

struct Open {
    /// `None`: the turn has ended.
    turn: Option<FoldTurn>,
    /// The beginning of the next chunk.
    kept: Option<Folded>,
}

impl Open {
    fn turn(&mut self) -> untorn::Result<&mut FoldTurn> {
        self.turn.as_mut().ok_or_else(over)
    }

    /// Returns the records that the state lacks, in a chunk.
    fn next(&mut self) -> untorn::Result<Found> {
        let turn = self.turn.as_mut().ok_or_else(over)?;
        let mut found = Found::folded(&mut self.kept, || turn.next())?;
        found.add_damage(&turn.take_damage());
        Ok(found)
    }

    fn append(&mut self, batch: &untorn::Batch) -> untorn::Result<Position> {
        self.turn()?.append(batch).map(Position::from)
    }

    fn finish(&mut self) -> untorn::Result<Position> {
        let turn = self.turn.take().ok_or_else(over)?;
        turn.finish().map(Position::from)
    }
}

fn over() -> Error {
    Error::internal("fold", Path::new(""), "the turn has ended")
}

#[napi]
impl Journal {
    #[napi(catch_unwind)]
    pub fn fold(&self) -> Fold {
        Fold {
            port: Rc::clone(&self.port),
            path: Arc::clone(&self.path),
            cursor: RefCell::new(Some(Arc::new(self.journal.fold_cursor()))),
        }
    }
}

/// Returns how far the state was folded, if it is up to date.
fn current(cursor: &FoldCursor) -> untorn::Result<Option<Position>> {
    Ok(match cursor.is_current()? {
        true => cursor.position().map(Position::from),
        false => None,
    })
}

impl Fold {
    fn cursor(&self) -> napi::Result<Arc<FoldCursor>> {
        let open = self.cursor.borrow().clone();
        open.ok_or_else(|| {
            failure::thrown(&Error::invalid_argument(
                "fold",
                &self.path,
                "the fold is closed",
            ))
        })
    }
}

#[napi]
impl Fold {
    #[napi(getter, catch_unwind)]
    pub fn position(&self) -> Option<Position> {
        let cursor = self.cursor.borrow();
        cursor.as_ref()?.position().map(Position::from)
    }

    /// Closes the file that it reads. A turn that is running keeps it until it
    /// ends. A second call does nothing.
    #[napi(catch_unwind)]
    pub fn close(&self) {
        self.cursor.take();
    }

    #[napi(catch_unwind)]
    pub fn current_sync(&self) -> napi::Result<Option<Position>> {
        told(current(&*self.cursor()?))
    }

    #[napi(catch_unwind)]
    pub fn current(&self) -> napi::Result<u32> {
        let cursor = self.cursor()?;
        Ok(self.port.run(
            Order::Read,
            ("fold", &self.path),
            false,
            move |_| current(&cursor),
            |_, position| position,
        ))
    }

    #[napi(catch_unwind)]
    pub fn begin_sync(&self, timeout: f64, lock: Option<&Lock>) -> napi::Result<Turn> {
        told(self.cursor()?.begin(&blocking(timeout, lock)))
            .map(|turn| Turn::new(&self.port, &self.path, turn))
    }

    #[napi(catch_unwind)]
    pub fn begin(&self, try_once: bool, lock: Option<&Lock>) -> napi::Result<u32> {
        let guard = lock.map(|lock| Arc::clone(lock.guard()));
        let lane = match &guard {
            Some(guard) => Order::under(guard),
            None if try_once => Order::Unordered,
            // In the order of the calls.
            None => Order::File(self.path.join("fold")),
        };
        let (cursor, path) = (self.cursor()?, Arc::clone(&self.path));
        Ok(self.port.hold(
            lane,
            ("fold", &self.path),
            try_once,
            move |call| match &guard {
                Some(guard) => cursor.begin(&call.lock(guard)),
                None => cursor.begin(call),
            },
            move |port, turn| Turn::new(port, &path, turn),
        ))
    }
}

impl Turn {
    fn new(port: &Rc<Inner>, path: &Arc<Path>, turn: FoldTurn) -> Turn {
        Turn {
            port: Rc::clone(port),
            path: Arc::clone(path),
            turn: Arc::new(Mutex::new(Open {
                turn: Some(turn),
                kept: None,
            })),
        }
    }

    /// Not after other turns in the queue: those wait for this one.
    fn step<T: Send + 'static + ToNapiValue>(
        &self,
        operation: &'static str,
        work: impl FnOnce(&mut Open) -> untorn::Result<T> + Send + 'static,
    ) -> u32 {
        let turn = Arc::clone(&self.turn);
        self.port.run(
            Order::Immediate,
            (operation, &self.path),
            false,
            move |_| work(&mut locked(&turn)),
            |_, value| value,
        )
    }
}

#[napi]
impl Turn {
    #[napi(catch_unwind, ts_return_type = "Chunk")]
    pub fn next_sync(&self) -> napi::Result<Found> {
        told(locked(&self.turn).next())
    }

    #[napi(catch_unwind)]
    pub fn next(&self) -> u32 {
        self.step("fold", Open::next)
    }

    #[napi(catch_unwind)]
    pub fn append_sync(&self, batch: &Batch) -> napi::Result<Position> {
        let batch = batch.take()?;
        told(locked(&self.turn).append(&batch))
    }

    #[napi(catch_unwind)]
    pub fn append(&self, batch: &Batch) -> napi::Result<u32> {
        let batch = batch.take()?;
        Ok(self.step("append", move |open| open.append(&batch)))
    }

    /// Ends the turn: the state has every record that was returned.
    #[napi(catch_unwind)]
    pub fn finish_sync(&self) -> napi::Result<Position> {
        told(locked(&self.turn).finish())
    }

    #[napi(catch_unwind)]
    pub fn finish(&self) -> u32 {
        self.step("fold", Open::finish)
    }

    /// Ends the turn. If it was not finished, the state is no longer trusted.
    #[napi(catch_unwind)]
    pub fn abandon_sync(&self) {
        locked(&self.turn).turn = None;
    }

    #[napi(catch_unwind)]
    pub fn abandon(&self) -> u32 {
        self.step("fold", |open| {
            open.turn = None;
            Ok(())
        })
    }
}
