//! Rewrites of a journal: a new file takes its place.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::{Arc, Mutex};

use napi::bindgen_prelude::{Either, ToNapiValue, Uint8Array};
use napi_derive::napi;
use untorn::CallOptions;
use untorn::tasks::Order;

use crate::batch::Batch;
use crate::call::{How, blocking, locked};
use crate::failure::told;
use crate::journal::{Handle, Journal};
use crate::lock::Lock;
use crate::port::Inner;
use crate::records::Reader;
use crate::salvage::milliseconds;
use crate::values::{Position, out};

impl Handle {
    /// Starts a change of the whole file, after those that were started before
    /// it.
    pub fn change<T: Send + 'static, V: ToNapiValue>(
        &self,
        operation: &'static str,
        how: How<'_>,
        work: impl FnOnce(&untorn::Journal, &CallOptions<'_>) -> untorn::Result<T> + Send + 'static,
        finish: impl FnOnce(&Rc<Inner>, T) -> V + Send + 'static,
    ) -> u32 {
        let what = (operation, &self.path);
        self.port.change(&self.journal, what, how, work, finish)
    }
}

fn text(path: Option<PathBuf>) -> Option<String> {
    path.map(|path| path.to_string_lossy().into_owned())
}

fn texts(paths: Vec<PathBuf>) -> Vec<String> {
    paths
        .into_iter()
        .filter_map(|path| text(Some(path)))
        .collect()
}

#[napi]
impl Journal {
    #[napi(catch_unwind)]
    pub fn rewind_sync(
        &self,
        to: Position,
        timeout: f64,
        lock: Option<&Lock>,
    ) -> napi::Result<Option<String>> {
        let to = to.get("rewind", &self.path)?;
        told(self.journal.rewind_with(to, &blocking(timeout, lock))).map(text)
    }

    #[napi(catch_unwind)]
    pub fn rewind(&self, to: Position, try_once: bool, lock: Option<&Lock>) -> napi::Result<u32> {
        let to = to.get("rewind", &self.path)?;
        Ok(self.change(
            "rewind",
            How::new(try_once, lock),
            move |journal, call| journal.rewind_with(to, call),
            |_, path| text(path),
        ))
    }

    #[napi(catch_unwind)]
    pub fn rotate_sync(&self, timeout: f64, lock: Option<&Lock>) -> napi::Result<Option<String>> {
        told(self.journal.rotate_with(&blocking(timeout, lock))).map(text)
    }

    #[napi(catch_unwind)]
    pub fn rotate(&self, try_once: bool, lock: Option<&Lock>) -> u32 {
        self.change(
            "rotate",
            How::new(try_once, lock),
            untorn::Journal::rotate_with,
            |_, path| text(path),
        )
    }

    #[napi(catch_unwind)]
    pub fn rotated_sync(&self) -> napi::Result<Vec<String>> {
        told(self.journal.rotated()).map(texts)
    }

    #[napi(catch_unwind)]
    pub fn rotated(&self) -> u32 {
        self.read("rotated", untorn::Journal::rotated, |_, paths| texts(paths))
    }

    #[napi(catch_unwind)]
    pub fn prune_rotated_sync(
        &self,
        keep: f64,
        older_than: f64,
        timeout: f64,
        lock: Option<&Lock>,
    ) -> napi::Result<f64> {
        let (age, call) = (milliseconds(older_than), blocking(timeout, lock));
        told(self.journal.prune_rotated_with(keep as u64, age, &call)).map(|n| n as f64)
    }

    #[napi(catch_unwind)]
    pub fn prune_rotated(
        &self,
        keep: f64,
        older_than: f64,
        try_once: bool,
        lock: Option<&Lock>,
    ) -> u32 {
        let work = move |journal: &untorn::Journal, call: &CallOptions<'_>| {
            journal.prune_rotated_with(keep as u64, milliseconds(older_than), call)
        };
        self.change("prune_rotated", How::new(try_once, lock), work, |_, n| {
            n as f64
        })
    }

    #[napi(catch_unwind)]
    pub fn clear_sync(&self, timeout: f64, lock: Option<&Lock>) -> napi::Result<Option<String>> {
        told(self.journal.clear_with(&blocking(timeout, lock))).map(text)
    }

    #[napi(catch_unwind)]
    pub fn clear(&self, try_once: bool, lock: Option<&Lock>) -> u32 {
        self.change(
            "clear",
            How::new(try_once, lock),
            untorn::Journal::clear_with,
            |_, path| text(path),
        )
    }

    #[napi(catch_unwind)]
    pub fn replace_sync(
        &self,
        batch: &Batch,
        timeout: f64,
        lock: Option<&Lock>,
    ) -> napi::Result<Position> {
        let batch = batch.take()?;
        told(self.journal.replace_batch(&batch, &blocking(timeout, lock))).map(Position::from)
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
        Ok(self.change(
            "replace",
            How::new(try_once, lock).reporting(reports),
            move |journal, call| journal.replace_batch(&batch, call),
            |_, end| Position::from(end),
        ))
    }

    #[napi(catch_unwind)]
    pub fn begin_rewrite_sync(&self, timeout: f64, lock: Option<&Lock>) -> napi::Result<Rewrite> {
        told(self.journal.begin_rewrite(&blocking(timeout, lock)))
            .map(|rewrite| Rewrite::new(&self.port, &self.path, rewrite))
    }

    #[napi(catch_unwind)]
    pub fn begin_rewrite(&self, try_once: bool, lock: Option<&Lock>) -> u32 {
        let path = Arc::clone(&self.path);
        self.change(
            "compact",
            How::new(try_once, lock).keeping_lock(),
            untorn::Journal::begin_rewrite,
            move |port, rewrite| Rewrite::new(port, &path, rewrite),
        )
    }
}

/// A rewrite of a journal, which holds the lock until it is committed or
/// discarded. Records collect here, and go into the new file in chunks.
#[napi]
pub struct Rewrite {
    port: Rc<Inner>,
    path: Arc<Path>,
    rewrite: Arc<Mutex<untorn::Rewrite>>,
    gathered: RefCell<Vec<Piece>>,
}

/// Records to push.
pub enum Piece {
    /// From anywhere.
    Any(Vec<u8>),
    /// Records that `JSON.stringify` just made, with newlines between them.
    Encoded(String),
}

impl Piece {
    pub fn of(record: Either<String, Uint8Array>) -> Piece {
        Piece::Any(match record {
            Either::A(text) => text.into_bytes(),
            Either::B(bytes) => bytes.to_vec(),
        })
    }
}

impl Rewrite {
    fn new(port: &Rc<Inner>, path: &Arc<Path>, rewrite: untorn::Rewrite) -> Rewrite {
        Rewrite {
            port: Rc::clone(port),
            path: Arc::clone(path),
            rewrite: Arc::new(Mutex::new(rewrite)),
            gathered: RefCell::default(),
        }
    }

    /// Not after other changes in the queue: those wait for this one.
    fn step<T: Send + 'static, V: ToNapiValue>(
        &self,
        operation: &'static str,
        work: impl FnOnce(&mut untorn::Rewrite) -> untorn::Result<T> + Send + 'static,
        finish: impl FnOnce(&Rc<Inner>, T) -> V + Send + 'static,
    ) -> u32 {
        let rewrite = Arc::clone(&self.rewrite);
        self.port.run(
            Order::Immediate,
            (operation, &self.path),
            false,
            move |_| work(&mut locked(&rewrite)),
            finish,
        )
    }
}

#[napi]
impl Rewrite {
    /// Reads the records as they are before the commit.
    #[napi(catch_unwind)]
    pub fn records_sync(&self) -> napi::Result<Reader> {
        told(locked(&self.rewrite).records())
            .map(|records| Reader::new(&self.port, &self.path, records))
    }

    #[napi(catch_unwind)]
    pub fn records(&self) -> u32 {
        let path = Arc::clone(&self.path);
        self.step(
            "read",
            |rewrite| rewrite.records(),
            move |port, records| Reader::new(port, &path, records),
        )
    }

    /// The size of the journal as it is before the commit.
    #[napi(getter, catch_unwind)]
    pub fn old_bytes(&self) -> f64 {
        out(locked(&self.rewrite).old_bytes())
    }

    /// Adds a record from anywhere. The push checks it.
    #[napi(catch_unwind)]
    pub fn push(&self, record: Either<String, Uint8Array>) {
        self.gathered.borrow_mut().push(Piece::of(record));
    }

    /// Adds records that `JSON.stringify` just made, as in a batch.
    #[napi(catch_unwind)]
    pub fn push_encoded(&self, records: String) {
        self.gathered.borrow_mut().push(Piece::Encoded(records));
    }

    /// Pushes the records that have collected.
    #[napi(catch_unwind)]
    pub fn flush_sync(&self) -> napi::Result<()> {
        told(push(&mut locked(&self.rewrite), self.gathered.take()))
    }

    #[napi(catch_unwind)]
    pub fn flush(&self) -> u32 {
        let pieces = self.gathered.take();
        self.step("compact", |rewrite| push(rewrite, pieces), |_, ()| ())
    }

    #[napi(catch_unwind)]
    pub fn commit_sync(&self) -> napi::Result<Position> {
        told(locked(&self.rewrite).commit()).map(Position::from)
    }

    #[napi(catch_unwind)]
    pub fn commit(&self) -> u32 {
        self.step("compact", untorn::Rewrite::commit, |_, end| {
            Position::from(end)
        })
    }

    /// Releases the lock if it is still held. Nothing has changed then.
    #[napi(catch_unwind)]
    pub fn discard_sync(&self) {
        locked(&self.rewrite).discard();
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

fn push(rewrite: &mut untorn::Rewrite, pieces: Vec<Piece>) -> untorn::Result<()> {
    each_record(pieces, |record, is_encoded| match is_encoded {
        true => rewrite.push_encoded(record),
        false => rewrite.push(record),
    })
}

/// Passes each record to `push`, and whether `JSON.stringify` made it.
pub fn each_record(
    pieces: Vec<Piece>,
    mut push: impl FnMut(&[u8], bool) -> untorn::Result<()>,
) -> untorn::Result<()> {
    pieces.into_iter().try_for_each(|piece| match piece {
        Piece::Any(record) => push(&record, false),
        Piece::Encoded(records) => records
            .split('\n')
            .try_for_each(|record| push(record.as_bytes(), true)),
    })
}
