//! `Transaction`.

use std::rc::Rc;
use std::sync::{Arc, Mutex};

use napi::bindgen_prelude::{Either, Uint8Array};
use napi_derive::napi;
use untorn::{CallOptions, Version};
use untorn_postgres::{Reconcile, Transaction};

use super::lane::Lane;
use crate::call::{How, locked};
use crate::document::Contents;
use crate::port::Inner;
use crate::values::bytes_of;

/// The owner of a transaction.
enum Source {
    Own(Mutex<Transaction>),
    /// A reconciliation, which commits it.
    Of(Arc<Mutex<Box<Reconcile>>>),
}

#[napi]
pub struct PostgresTransaction {
    lane: Lane,
    source: Arc<Source>,
}

impl PostgresTransaction {
    pub fn new(port: &Rc<Inner>, core: Transaction) -> PostgresTransaction {
        PostgresTransaction {
            lane: Lane::new(port, core.name()),
            source: Arc::new(Source::Own(Mutex::new(core))),
        }
    }

    pub fn of_turn(lane: &Lane, turn: &Arc<Mutex<Box<Reconcile>>>) -> PostgresTransaction {
        PostgresTransaction {
            lane: Lane::new(&lane.port, &lane.name),
            source: Arc::new(Source::Of(Arc::clone(turn))),
        }
    }

    /// Runs after the transaction's other calls.
    fn run<T: Send + 'static, V: napi::bindgen_prelude::ToNapiValue>(
        &self,
        operation: &'static str,
        try_once: bool,
        work: impl FnOnce(&mut Transaction, &CallOptions<'_>) -> untorn::Result<T> + Send + 'static,
        finish: impl FnOnce(T) -> V + Send + 'static,
    ) -> u32 {
        let source = Arc::clone(&self.source);
        self.lane.change(
            operation,
            How::new(try_once, None),
            move |call| match &*source {
                Source::Own(own) => work(&mut locked(own), call),
                Source::Of(turn) => work(locked(turn).transaction()?, call),
            },
            |_, value| finish(value),
        )
    }
}

fn text(version: Version) -> String {
    version.to_string()
}

#[napi]
impl PostgresTransaction {
    #[napi(getter, catch_unwind)]
    pub fn dir(&self) -> String {
        self.lane.shown()
    }

    #[napi(catch_unwind)]
    pub fn load(&self, name: String, try_once: bool) -> u32 {
        self.run(
            "load",
            try_once,
            move |tx, call| tx.load_with(&name, call),
            |found| found.map(Contents::from),
        )
    }

    #[napi(catch_unwind)]
    pub fn save(&self, name: String, bytes: &[u8]) -> u32 {
        let bytes = bytes.to_vec();
        self.run("save", false, move |tx, _| tx.save(&name, &bytes), text)
    }

    #[napi(catch_unwind)]
    pub fn create(&self, name: String, bytes: &[u8]) -> u32 {
        let bytes = bytes.to_vec();
        self.run("create", false, move |tx, _| tx.create(&name, &bytes), text)
    }

    #[napi(catch_unwind)]
    pub fn append(&self, name: String, records: Vec<Either<String, Uint8Array>>) -> u32 {
        let records: Vec<Vec<u8>> = records.iter().map(bytes_of).collect();
        self.run(
            "append",
            false,
            move |tx, _| tx.append(&name, records),
            std::convert::identity,
        )
    }

    #[napi(catch_unwind)]
    pub fn set_header(
        &self,
        name: String,
        header: Either<String, Uint8Array>,
        try_once: bool,
    ) -> u32 {
        let header = bytes_of(&header);
        self.run(
            "append",
            try_once,
            move |tx, call| tx.set_header_with(&name, &header, call),
            std::convert::identity,
        )
    }

    #[napi(catch_unwind)]
    pub fn remove(&self, name: String, try_once: bool) -> u32 {
        self.run(
            "remove",
            try_once,
            move |tx, call| tx.remove_with(&name, call),
            std::convert::identity,
        )
    }

    #[napi(catch_unwind)]
    pub fn commit(&self, try_once: bool) -> u32 {
        self.run(
            "commit",
            try_once,
            Transaction::commit_with,
            std::convert::identity,
        )
    }

    #[napi(catch_unwind)]
    pub fn rollback(&self) -> u32 {
        self.run(
            "rollback",
            false,
            |tx, _| {
                tx.rollback();
                Ok(())
            },
            std::convert::identity,
        )
    }
}
