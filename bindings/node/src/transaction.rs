//! `Transaction`.

mod begin;
mod source;

use std::path::Path;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use napi::bindgen_prelude::{Either, ToNapiValue, Uint8Array};
use napi_derive::napi;
use untorn::tasks::Order;
use untorn::{CallOptions, Error, Reconcile};

use crate::document::Contents;
use crate::failure::told;
use crate::port::Inner;
use crate::values::patience;

use source::{Locks, Source, Wait, Work};

/// A record or a header from JavaScript.
type Bytes = Either<String, Uint8Array>;

fn owned(bytes: &Bytes) -> Vec<u8> {
    match bytes {
        Either::A(text) => text.as_bytes().to_vec(),
        Either::B(bytes) => bytes.to_vec(),
    }
}

#[napi]
pub struct Transaction {
    port: Rc<Inner>,
    dir: Arc<Path>,
    /// Distinguishes it from others of the same directory.
    number: u64,
    source: Arc<Source>,
    /// How many of its calls wait for a lock, or will.
    waits: Arc<AtomicUsize>,
}

impl Transaction {
    fn new(port: &Rc<Inner>, core: untorn::Transaction) -> Transaction {
        let dir = core.dir().into();
        Transaction::of(port, dir, Source::Own(Box::new(Mutex::new(core))))
    }

    /// The transaction of a reconciliation.
    pub fn of_turn(port: &Rc<Inner>, dir: &Path, turn: &Arc<Mutex<Box<Reconcile>>>) -> Transaction {
        Transaction::of(port, dir.into(), Source::Of(Arc::clone(turn)))
    }

    fn of(port: &Rc<Inner>, dir: Arc<Path>, source: Source) -> Transaction {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        Transaction {
            port: Rc::clone(port),
            dir,
            number: NUMBER.fetch_add(1, Ordering::Relaxed),
            source: Arc::new(source),
            waits: Arc::default(),
        }
    }

    /// Runs after the transaction's other calls. A call that tries only once does
    /// not queue after those that wait for a lock.
    fn run<T: Send + 'static, V: ToNapiValue>(
        &self,
        operation: &'static str,
        locks: Locks,
        work: impl FnOnce(&mut untorn::Transaction, &CallOptions<'_>) -> Work<T> + Send + 'static,
        finish: impl FnOnce(T) -> V + Send + 'static,
    ) -> u32 {
        let source = Arc::clone(&self.source);
        let order = self.dir.join(format!("transaction/{}", self.number));
        let lane = match locks {
            Locks::None => Order::Step(order),
            Locks::Tries if self.waits.load(Ordering::Relaxed) > 0 => Order::Busy,
            Locks::Tries | Locks::Waits => Order::Handle(order),
        };
        let wait = (locks == Locks::Waits).then(|| Wait::begin(&self.waits));
        self.port.hold(
            lane,
            (operation, &self.dir),
            locks == Locks::Tries,
            move |call| {
                let _wait = wait;
                source.wait(|transaction| work(transaction, call))
            },
            |_, value| finish(value),
        )
    }

    fn block<T>(
        &self,
        operation: &'static str,
        timeout: f64,
        work: impl FnOnce(&mut untorn::Transaction, &CallOptions<'_>) -> Work<T>,
    ) -> napi::Result<T> {
        let call = CallOptions::new().timeout(patience(timeout));
        let done = self.source.at_once(|transaction| work(transaction, &call));
        told(done.unwrap_or_else(|| {
            Err(Error::invalid_argument(
                operation,
                &self.dir,
                "an asynchronous call on this transaction is under way: await it first",
            ))
        }))
    }
}

fn contents(found: Option<(Vec<u8>, untorn::Version)>) -> Option<Contents> {
    found.map(Contents::from)
}

#[napi]
impl Transaction {
    #[napi(getter, catch_unwind)]
    pub fn dir(&self) -> String {
        self.dir.to_string_lossy().into_owned()
    }

    #[napi(catch_unwind)]
    pub fn load_sync(&self, name: String, timeout: f64) -> napi::Result<Option<Contents>> {
        self.block("load", timeout, |tx, call| tx.load_with(&name, call))
            .map(contents)
    }

    #[napi(catch_unwind)]
    pub fn load(&self, name: String, try_once: bool) -> u32 {
        self.run(
            "load",
            Locks::of(try_once),
            move |tx, call| tx.load_with(&name, call),
            contents,
        )
    }

    #[napi(catch_unwind)]
    pub fn save_sync(&self, name: String, bytes: Uint8Array) -> napi::Result<String> {
        self.block("save", 0.0, |tx, _| tx.save(&name, &bytes))
            .map(|version| version.to_string())
    }

    #[napi(catch_unwind)]
    pub fn save(&self, name: String, bytes: &[u8]) -> u32 {
        let bytes = bytes.to_vec();
        self.run(
            "save",
            Locks::None,
            move |tx, _| tx.save(&name, &bytes),
            |version| version.to_string(),
        )
    }

    #[napi(catch_unwind)]
    pub fn create_sync(&self, name: String, bytes: Uint8Array) -> napi::Result<String> {
        self.block("create", 0.0, |tx, _| tx.create(&name, &bytes))
            .map(|version| version.to_string())
    }

    #[napi(catch_unwind)]
    pub fn create(&self, name: String, bytes: &[u8]) -> u32 {
        let bytes = bytes.to_vec();
        self.run(
            "create",
            Locks::None,
            move |tx, _| tx.create(&name, &bytes),
            |version| version.to_string(),
        )
    }

    #[napi(catch_unwind)]
    pub fn append_sync(&self, name: String, records: Vec<Bytes>) -> napi::Result<()> {
        self.block("append", 0.0, |tx, _| {
            tx.append(&name, records.iter().map(owned))
        })
    }

    #[napi(catch_unwind)]
    pub fn append(&self, name: String, records: Vec<Bytes>) -> u32 {
        let records: Vec<Vec<u8>> = records.iter().map(owned).collect();
        self.run(
            "append",
            Locks::None,
            move |tx, _| tx.append(&name, records),
            std::convert::identity,
        )
    }

    #[napi(catch_unwind)]
    pub fn set_header_sync(&self, name: String, header: Bytes, timeout: f64) -> napi::Result<()> {
        self.block("append", timeout, |tx, call| {
            tx.set_header_with(&name, &owned(&header), call)
        })
    }

    #[napi(catch_unwind)]
    pub fn set_header(&self, name: String, header: Bytes, try_once: bool) -> u32 {
        let header = owned(&header);
        self.run(
            "append",
            Locks::of(try_once),
            move |tx, call| tx.set_header_with(&name, &header, call),
            std::convert::identity,
        )
    }

    #[napi(catch_unwind)]
    pub fn remove_sync(&self, name: String, timeout: f64) -> napi::Result<bool> {
        self.block("remove", timeout, |tx, call| tx.remove_with(&name, call))
    }

    #[napi(catch_unwind)]
    pub fn remove(&self, name: String, try_once: bool) -> u32 {
        self.run(
            "remove",
            Locks::of(try_once),
            move |tx, call| tx.remove_with(&name, call),
            |removed| removed,
        )
    }

    #[napi(catch_unwind)]
    pub fn commit_sync(&self, timeout: f64) -> napi::Result<()> {
        self.block("commit", timeout, untorn::Transaction::commit_with)
    }

    #[napi(catch_unwind)]
    pub fn commit(&self, try_once: bool) -> u32 {
        self.run(
            "commit",
            Locks::of(try_once),
            untorn::Transaction::commit_with,
            std::convert::identity,
        )
    }

    #[napi(catch_unwind)]
    pub fn rollback_sync(&self) -> napi::Result<()> {
        self.block("rollback", 0.0, |tx, _| {
            tx.rollback();
            Ok(())
        })
    }

    #[napi(catch_unwind)]
    pub fn rollback(&self) -> u32 {
        self.run(
            "rollback",
            Locks::None,
            |tx, _| {
                tx.rollback();
                Ok(())
            },
            std::convert::identity,
        )
    }
}
