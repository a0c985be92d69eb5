//! `Journal`.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;

use napi::Env;
use napi::bindgen_prelude::{Buffer, Function};
use napi_derive::napi;
use untorn::tasks::WatchOrder;
use untorn::{Error, Records};
use untorn_postgres::Journal;

use super::appends::Appends;
use super::fold::PostgresFold;
use super::lane::Lane;
use crate::batch::Batch;
use crate::call::How;
use crate::failure;
use crate::follow::Follow;
use crate::journal::{Tail, buffers};
use crate::lock::Lock;
use crate::port::Inner;
use crate::records::Reader;
use crate::values::{Position, Report, limit};

#[napi]
pub struct PostgresJournal(Rc<Handle>);

/// Shared by the object and its bound function.
pub struct Handle {
    pub lane: Lane,
    pub journal: Arc<Journal>,
    appends: Appends,
    closed: Cell<bool>,
}

impl Handle {
    pub fn usable(&self, operation: &'static str) -> napi::Result<()> {
        if !self.closed.get() {
            return Ok(());
        }
        let error = Error::invalid_argument(operation, &self.lane.name, "the journal is closed");
        Err(failure::thrown(&error))
    }

    fn append(
        &self,
        batch: untorn::Batch,
        at: Option<untorn::Position>,
        try_once: bool,
    ) -> napi::Result<u32> {
        self.usable("append")?;
        let task = self.lane.port.begin("append", &self.lane.name);
        self.appends
            .begin(&task, batch, at, try_once, self.lane.order());
        Ok(task.id())
    }

    pub fn position(
        &self,
        at: Position,
        operation: &'static str,
    ) -> napi::Result<untorn::Position> {
        at.get(operation, &self.lane.name)
    }
}

impl PostgresJournal {
    pub fn handle(&self) -> &Handle {
        &self.0
    }

    pub fn new(port: &Rc<Inner>, journal: Journal, together: bool) -> PostgresJournal {
        let journal = Arc::new(journal);
        PostgresJournal(Rc::new(Handle {
            lane: Lane::new(port, journal.name()),
            appends: Appends::new(&journal, together),
            journal,
            closed: Cell::new(false),
        }))
    }
}

#[napi]
impl PostgresJournal {
    #[napi(getter, catch_unwind)]
    pub fn path(&self) -> String {
        self.0.lane.shown()
    }

    #[napi(catch_unwind)]
    pub fn batch(&self) -> Batch {
        Batch::new(&self.0.lane.name, self.0.journal.batch())
    }

    /// `append(text)`: appends a record that `JSON.stringify` just made. Returns the
    /// call's number.
    #[napi(catch_unwind, ts_return_type = "(record: string) => number")]
    pub fn bound_append<'env>(&self, env: &'env Env) -> napi::Result<Function<'env, (), u32>> {
        let handle = Rc::clone(&self.0);
        env.create_function_from_closure("append", move |arguments| {
            let mut batch = handle.journal.batch();
            batch
                .push_encoded(arguments.get::<String>(0)?.as_bytes())
                .map_err(|error| failure::thrown(&error))?;
            handle.append(batch, None, false)
        })
    }

    #[napi(catch_unwind)]
    pub fn append_batch(
        &self,
        batch: &Batch,
        at: Option<Position>,
        try_once: bool,
        lock: Option<&Lock>,
    ) -> napi::Result<u32> {
        let at = at.map(|at| self.0.position(at, "append")).transpose()?;
        let batch = batch.take()?;
        if lock.is_none() {
            return self.0.append(batch, at, try_once);
        }
        // It is refused, in the words of the crate.
        let journal = Arc::clone(&self.0.journal);
        Ok(self.0.lane.change(
            "append",
            How::new(try_once, lock),
            move |call| journal.append_batch(&batch, at, call),
            |_, end| Position::from(end),
        ))
    }

    #[napi(catch_unwind)]
    pub fn end(&self) -> u32 {
        let journal = Arc::clone(&self.0.journal);
        self.0
            .lane
            .read("end", move |_| journal.end(), |_, end| Position::from(end))
    }

    #[napi(catch_unwind)]
    pub fn records(
        &self,
        start: Option<Position>,
        max_records: Option<f64>,
        max_bytes: Option<f64>,
    ) -> napi::Result<u32> {
        let start = start.map(|at| self.0.position(at, "read")).transpose()?;
        let name = &self.0.lane.name;
        let (records, bytes) = (limit(max_records, name)?, limit(max_bytes, name)?);
        let (journal, track) = (Arc::clone(&self.0.journal), self.0.lane.track.clone());
        Ok(self.0.lane.read(
            "read",
            move |_| -> untorn::Result<Records> {
                let found = match start {
                    None => journal.records()?,
                    Some(start) => journal.records_from(start)?,
                };
                Ok(found.limits(records, bytes))
            },
            move |port, records| Reader::elsewhere(port, &track.name, records, track.read_order()),
        ))
    }

    #[napi(catch_unwind)]
    pub fn tail(&self, n: u32) -> u32 {
        let journal = Arc::clone(&self.0.journal);
        self.0.lane.read(
            "tail",
            move |call| journal.tail_with(n as usize, call),
            |_, records| -> Vec<Tail> { buffers(records) },
        )
    }

    #[napi(catch_unwind)]
    pub fn header(&self) -> u32 {
        let journal = Arc::clone(&self.0.journal);
        self.0.lane.read(
            "header",
            move |_| journal.header(),
            |_, header| header.map(Buffer::from),
        )
    }

    #[napi(catch_unwind)]
    pub fn verify(&self, reports: bool) -> u32 {
        let journal = Arc::clone(&self.0.journal);
        let lane = &self.0.lane;
        lane.run(
            lane.read_order(),
            "verify",
            How::default().reporting(reports),
            move |call| journal.verify_with(call),
            |_, report| Report::from(report),
        )
    }

    #[napi(catch_unwind)]
    pub fn follow(&self, start: Option<Position>) -> napi::Result<u32> {
        let start = start.map(|at| self.0.position(at, "follow")).transpose()?;
        let (journal, name) = (Arc::clone(&self.0.journal), Arc::clone(&self.0.lane.name));
        Ok(self.0.lane.read(
            "follow",
            move |_| journal.follow(start),
            move |port, follow| Follow::new(port, name, follow, WatchOrder::elsewhere()),
        ))
    }

    #[napi(catch_unwind)]
    pub fn fold(&self) -> PostgresFold {
        PostgresFold::new(&self.0.lane, &self.0.journal)
    }

    /// Ends its followers. Later changes are refused.
    #[napi(catch_unwind)]
    pub fn close(&self) -> u32 {
        self.0.closed.set(true);
        let journal = Arc::clone(&self.0.journal);
        self.0.lane.apart(
            "close",
            How::default(),
            move |_| {
                journal.close();
                Ok(())
            },
            |_, ()| (),
        )
    }
}
