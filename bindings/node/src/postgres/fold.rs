//! How far JavaScript has folded a journal's records into a state. Nothing is locked: an
//! update that another process preceded is decided again.

use std::path::Path;
use std::rc::Rc;
use std::sync::{Arc, Mutex};

use napi::bindgen_prelude::ToNapiValue;
use napi_derive::napi;
use untorn::{CallOptions, Error, ErrorKind, Folded};
use untorn_postgres::{FoldCursor, FoldTurn, Journal};

use super::lane::{Lane, Track};
use crate::batch::Batch;
use crate::call::{How, locked};
use crate::lock::Lock;
use crate::port::Inner;
use crate::records::Found;
use crate::values::Position;

#[napi]
pub struct PostgresFold {
    lane: Lane,
    journal: Arc<Journal>,
    cursor: Arc<FoldCursor>,
}

/// A turn, and the beginning of its next chunk.
struct Open {
    /// `None`: the turn has ended.
    turn: Option<FoldTurn>,
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

    fn finish(&mut self) -> untorn::Result<Position> {
        let turn = self.turn.take().ok_or_else(over)?;
        turn.finish().map(Position::from)
    }
}

fn over() -> Error {
    Error::internal("fold", Path::new(""), "the turn has ended")
}

impl PostgresFold {
    pub fn new(lane: &Lane, journal: &Arc<Journal>) -> PostgresFold {
        PostgresFold {
            lane: Lane::new(&lane.port, &lane.name),
            journal: Arc::clone(journal),
            cursor: Arc::new(journal.fold_cursor()),
        }
    }
}

#[napi]
impl PostgresFold {
    /// JavaScript begins a turn when the one before it has ended: on this side the turns
    /// wander from thread to thread.
    #[napi(getter, catch_unwind)]
    pub fn one_by_one(&self) -> bool {
        true
    }

    #[napi(getter, catch_unwind)]
    pub fn position(&self) -> Option<Position> {
        self.cursor.position().map(Position::from)
    }

    /// A second call does nothing.
    #[napi(catch_unwind)]
    pub fn close(&self) {
        self.cursor.close();
    }

    #[napi(catch_unwind)]
    pub fn current(&self) -> u32 {
        let cursor = Arc::clone(&self.cursor);
        self.lane.read(
            "fold",
            move |_| match cursor.is_current()? {
                true => Ok(cursor.position().map(Position::from)),
                false => Ok(None),
            },
            |_, position| position,
        )
    }

    #[napi(catch_unwind)]
    pub fn begin(&self, try_once: bool, lock: Option<&Lock>) -> u32 {
        let (track, journal) = (self.lane.track.clone(), Arc::clone(&self.journal));
        let cursor = Arc::clone(&self.cursor);
        self.lane.change(
            "fold",
            How::new(try_once, lock),
            move |call| cursor.begin(call),
            move |port, turn| PostgresTurn::new(port, track, journal, turn),
        )
    }
}

/// One turn of a fold.
#[napi]
pub struct PostgresTurn {
    lane: Lane,
    journal: Arc<Journal>,
    open: Arc<Mutex<Open>>,
}

impl PostgresTurn {
    fn new(port: &Rc<Inner>, track: Track, journal: Arc<Journal>, turn: FoldTurn) -> PostgresTurn {
        PostgresTurn {
            lane: Lane::on(port, track),
            journal,
            open: Arc::new(Mutex::new(Open {
                turn: Some(turn),
                kept: None,
            })),
        }
    }

    fn step<T: Send + 'static + ToNapiValue>(
        &self,
        operation: &'static str,
        work: impl FnOnce(&mut Open) -> untorn::Result<T> + Send + 'static,
    ) -> u32 {
        let open = Arc::clone(&self.open);
        self.lane.change(
            operation,
            How::default(),
            move |_| work(&mut locked(&open)),
            |_, value| value,
        )
    }
}

#[napi]
impl PostgresTurn {
    #[napi(catch_unwind)]
    pub fn next(&self) -> u32 {
        self.step("fold", Open::next)
    }

    /// `decided`: the records depend on the state. The value is `null` if another process
    /// has appended since: then take in its records, and decide again.
    #[napi(catch_unwind)]
    pub fn append(&self, batch: &Batch, decided: bool) -> napi::Result<u32> {
        let (batch, journal) = (batch.take()?, Arc::clone(&self.journal));
        Ok(self.step("append", move |open| {
            let done = match decided {
                true => open.turn()?.append(&batch),
                false => journal.append_batch(&batch, None, &CallOptions::new()),
            };
            match done {
                Ok(end) => Ok(Some(Position::from(end))),
                Err(error) if decided && error.kind() == ErrorKind::Conflict => Ok(None),
                Err(error) => Err(error),
            }
        }))
    }

    /// Ends the turn: the state has every record that was returned.
    #[napi(catch_unwind)]
    pub fn finish(&self) -> u32 {
        self.step("fold", Open::finish)
    }

    /// Ends the turn. If it was not finished, the state is no longer trusted.
    #[napi(catch_unwind)]
    pub fn abandon(&self) -> u32 {
        self.step("fold", |open| {
            open.turn = None;
            Ok(())
        })
    }
}
