//! Rewrites of a journal. Nothing is locked meanwhile.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::{Arc, Mutex};

use napi::bindgen_prelude::{Either, ToNapiValue, Uint8Array};
use napi_derive::napi;
use untorn::CallOptions;
use untorn_postgres::{Journal, Rewrite};

use super::journal::{Handle, PostgresJournal};
use super::lane::Lane;
use crate::batch::Batch;
use crate::call::{How, locked};
use crate::lock::Lock;
use crate::port::Inner;
use crate::records::Reader;
use crate::rewrite::{Piece, each_record};
use crate::salvage::milliseconds;
use crate::values::{Position, out};

impl Handle {
    /// Starts a change of the whole journal, after those that were started before it.
    fn change<T: Send + 'static, V: ToNapiValue>(
        &self,
        operation: &'static str,
        how: How<'_>,
        work: impl FnOnce(&Journal, &CallOptions<'_>) -> untorn::Result<T> + Send + 'static,
        finish: impl FnOnce(&Rc<Inner>, T) -> V + Send + 'static,
    ) -> napi::Result<u32> {
        self.usable(operation)?;
        let journal = Arc::clone(&self.journal);
        let work = move |call: &CallOptions<'_>| work(&journal, call);
        Ok(self.lane.change(operation, how, work, finish))
    }
}

#[napi]
impl PostgresJournal {
    /// The value is the name of the rotated file.
    #[napi(catch_unwind)]
    pub fn rewind(&self, to: Position, try_once: bool, lock: Option<&Lock>) -> napi::Result<u32> {
        let to = self.handle().position(to, "rewind")?;
        self.handle().change(
            "rewind",
            How::new(try_once, lock),
            move |journal, call| journal.rewind_with(to, call),
            |_, name| name,
        )
    }

    #[napi(catch_unwind)]
    pub fn rotate(&self, try_once: bool, lock: Option<&Lock>) -> napi::Result<u32> {
        let how = How::new(try_once, lock);
        self.handle()
            .change("rotate", how, Journal::rotate_with, |_, name| name)
    }

    #[napi(catch_unwind)]
    pub fn clear(&self, try_once: bool, lock: Option<&Lock>) -> napi::Result<u32> {
        let how = How::new(try_once, lock);
        self.handle()
            .change("clear", how, Journal::clear_with, |_, name| name)
    }

    #[napi(catch_unwind)]
    pub fn rotated(&self) -> u32 {
        let journal = Arc::clone(&self.handle().journal);
        self.handle()
            .lane
            .read("rotated", move |_| journal.rotated(), |_, names| names)
    }

    /// `keep` is a whole number.
    #[napi(catch_unwind)]
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    pub fn prune_rotated(
        &self,
        keep: f64,
        older_than: f64,
        try_once: bool,
        lock: Option<&Lock>,
    ) -> napi::Result<u32> {
        self.handle().change(
            "prune_rotated",
            How::new(try_once, lock),
            move |journal, call| {
                journal.prune_rotated_with(keep as u64, milliseconds(older_than), call)
            },
            |_, removed| out(removed),
        )
    }

    #[napi(catch_unwind)]
    pub fn replace(
        &self,
        batch: &Batch,
        try_once: bool,
        lock: Option<&Lock>,
        reports: bool,
    ) -> napi::Result<u32> {
        let batch = batch.take()?;
        self.handle().change(
            "replace",
            How::new(try_once, lock).reporting(reports),
            move |journal, call| journal.replace_batch(&batch, call),
            |_, end| Position::from(end),
        )
    }

    #[napi(catch_unwind)]
    pub fn sync(&self) -> u32 {
        let journal = Arc::clone(&self.handle().journal);
        self.handle()
            .lane
            .read("sync", move |_| journal.sync(), |_, ()| ())
    }

    #[napi(catch_unwind)]
    pub fn begin_rewrite(&self, try_once: bool, lock: Option<&Lock>) -> napi::Result<u32> {
        let track = self.handle().lane.track.clone();
        self.handle().change(
            "compact",
            How::new(try_once, lock),
            Journal::begin_rewrite,
            move |port, rewrite| PostgresRewrite {
                lane: Lane::on(port, track),
                old_bytes: out(rewrite.old_bytes()),
                rewrite: Arc::new(Mutex::new(rewrite)),
                gathered: RefCell::default(),
            },
        )
    }
}

/// A rewrite of a journal, until it is committed or discarded.
#[napi]
pub struct PostgresRewrite {
    lane: Lane,
    old_bytes: f64,
    rewrite: Arc<Mutex<Rewrite>>,
    gathered: RefCell<Vec<Piece>>,
}

impl PostgresRewrite {
    fn step<T: Send + 'static, V: ToNapiValue>(
        &self,
        operation: &'static str,
        work: impl FnOnce(&mut Rewrite) -> untorn::Result<T> + Send + 'static,
        finish: impl FnOnce(&Rc<Inner>, T) -> V + Send + 'static,
    ) -> u32 {
        let rewrite = Arc::clone(&self.rewrite);
        let work = move |_: &CallOptions<'_>| work(&mut locked(&rewrite));
        self.lane.apart(operation, How::default(), work, finish)
    }
}

#[napi]
impl PostgresRewrite {
    /// Reads the records as they were when the rewrite began.
    #[napi(catch_unwind)]
    pub fn records(&self) -> u32 {
        let track = self.lane.track.clone();
        self.step(
            "read",
            |rewrite| rewrite.records(),
            move |port, records| Reader::elsewhere(port, &track.name, records, track.read_order()),
        )
    }

    #[napi(getter, catch_unwind)]
    pub fn old_bytes(&self) -> f64 {
        self.old_bytes
    }

    #[napi(catch_unwind)]
    pub fn push(&self, record: Either<String, Uint8Array>) {
        self.gathered.borrow_mut().push(Piece::of(record));
    }

    #[napi(catch_unwind)]
    pub fn push_encoded(&self, records: String) {
        self.gathered.borrow_mut().push(Piece::Encoded(records));
    }

    #[napi(catch_unwind)]
    pub fn flush(&self) -> u32 {
        let pieces = self.gathered.take();
        self.step(
            "compact",
            |rewrite| {
                each_record(pieces, |record, is_encoded| match is_encoded {
                    true => rewrite.push_encoded(record),
                    false => rewrite.push(record),
                })
            },
            |_, ()| (),
        )
    }

    #[napi(catch_unwind)]
    pub fn commit(&self) -> u32 {
        self.step("compact", Rewrite::commit, |_, end| Position::from(end))
    }

    #[napi(catch_unwind)]
    pub fn discard(&self) -> u32 {
        self.step(
            "compact",
            |rewrite| {
                rewrite.discard();
                Ok(())
            },
            |_, ()| (),
        )
    }
}
