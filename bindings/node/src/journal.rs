//! `Journal`.

use std::cell::Cell;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use napi::Env;
use napi::bindgen_prelude::{Buffer, Function, FunctionCallContext, ToNapiValue};
use napi_derive::napi;
use untorn::tasks::{Order, Outcome};
use untorn::{Call, Error};

use crate::batch::Batch;
use crate::call::{How, blocking};
use crate::failure::{self, told};
use crate::lock::Lock;
use crate::port::{Inner, Port};
use crate::records::Reader;
use crate::values::{OpenOptions, Position, Report, limit, out, patience};

#[napi]
pub struct Journal(Rc<Handle>);

/// Shared by the object and its bound functions.
pub struct Handle {
    pub port: Rc<Inner>,
    pub journal: Arc<untorn::Journal>,
    pub path: Arc<Path>,
    generation: Cell<u64>,
    closed: Cell<bool>,
}

impl std::ops::Deref for Journal {
    type Target = Handle;

    fn deref(&self) -> &Handle {
        &self.0
    }
}

#[napi]
impl Port {
    #[napi(catch_unwind)]
    pub fn open_journal_sync(&self, path: String, options: OpenOptions) -> napi::Result<Journal> {
        let options = options.journal(Path::new(&path))?;
        options
            .open(&path)
            .map(|journal| Journal::new(self.inner(), journal))
            .map_err(|error| failure::thrown(&error))
    }

    #[napi(catch_unwind)]
    pub fn open_journal(&self, path: String, options: OpenOptions) -> napi::Result<u32> {
        let path: Arc<Path> = Path::new(&path).into();
        let options = options.journal(&path)?;
        let given = Arc::clone(&path);
        Ok(self.inner().run(
            Order::Read,
            ("open", &path),
            false,
            move |_| options.open(&given),
            Journal::new,
        ))
    }
}

impl Journal {
    pub fn new(port: &Rc<Inner>, journal: untorn::Journal) -> Journal {
        Journal(Rc::new(Handle {
            port: Rc::clone(port),
            path: journal.path().into(),
            journal: Arc::new(journal),
            generation: Cell::new(0),
            closed: Cell::new(false),
        }))
    }
}

impl Handle {
    /// Returns a position as one number, which costs nothing to hand over: the
    /// offset. If the generation differs from the last one returned, it is the
    /// offset's complement.
    fn place(&self, result: untorn::Result<untorn::Position>) -> napi::Result<f64> {
        match result {
            Ok(position) if position.generation == self.generation.get() => {
                Ok(out(position.offset))
            }
            Ok(position) => {
                self.generation.set(position.generation);
                Ok(-1.0 - out(position.offset))
            }
            Err(error) => Err(failure::thrown(&error)),
        }
    }

    fn encoded(&self, record: &str) -> napi::Result<untorn::Batch> {
        let mut batch = self.journal.batch();
        batch
            .push_encoded(record.as_bytes())
            .map_err(|error| failure::thrown(&error))?;
        Ok(batch)
    }

    fn queue(&self, batch: untorn::Batch, at: Option<untorn::Position>, try_once: bool) -> u32 {
        let task = self.port.begin("append", &self.path);
        let id = task.id();
        if self.closed.get() {
            task.complete(Err(self.refused("append")));
            return id;
        }
        // The journal has a queue of its own.
        task.start();
        let token = task.token().clone();
        self.journal.append_queued(
            batch,
            at,
            Some(try_once.then_some(Duration::ZERO)),
            Some(token),
            move |result| task.complete(result.map(Outcome::Appended)),
        );
        id
    }

    fn refused(&self, operation: &'static str) -> Error {
        Error::invalid_argument(operation, &self.path, "the journal is closed")
    }

    fn at(&self, at: Option<Position>) -> napi::Result<Option<untorn::Position>> {
        at.map(|at| at.get("append", &self.path)).transpose()
    }

    fn reader(
        journal: &untorn::Journal,
        start: Option<untorn::Position>,
        (max_records, max_bytes): (Option<u64>, Option<u64>),
    ) -> untorn::Result<untorn::Records> {
        let records = match start {
            None => journal.records()?,
            Some(start) => journal.records_from(start)?,
        };
        Ok(records.limits(max_records, max_bytes))
    }

    /// Starts a call that waits for no lock.
    pub fn read<T: Send + 'static, V: ToNapiValue>(
        &self,
        operation: &'static str,
        work: impl FnOnce(&untorn::Journal) -> untorn::Result<T> + Send + 'static,
        finish: impl FnOnce(&Rc<Inner>, T) -> V + Send + 'static,
    ) -> u32 {
        let journal = Arc::clone(&self.journal);
        self.port.run(
            Order::Read,
            (operation, &self.path),
            false,
            move |_| work(&journal),
            finish,
        )
    }
}

fn buffers(records: Vec<untorn::OwnedRecord>) -> Vec<Tail> {
    records
        .into_iter()
        .map(|record| Tail {
            start: record.start.into(),
            end: record.end.into(),
            bytes: record.bytes.into(),
        })
        .collect()
}

/// A record of the tail.
#[napi(object)]
pub struct Tail {
    pub bytes: Buffer,
    pub start: Position,
    pub end: Position,
}

#[napi]
impl Journal {
    #[napi(getter, catch_unwind)]
    pub fn path(&self) -> String {
        self.path.to_string_lossy().into_owned()
    }

    /// The generation of the last position that was returned as a number.
    #[napi(getter, catch_unwind)]
    pub fn generation(&self) -> f64 {
        out(self.generation.get())
    }

    /// `append(text)`: appends a record that `JSON.stringify` just made. Returns
    /// the call's number.
    #[napi(catch_unwind, ts_return_type = "(record: string) => number")]
    pub fn bound_append<'env>(&self, env: &'env Env) -> napi::Result<Bound<'env, u32>> {
        bind(env, "append", &self.0, |handle, arguments| {
            let batch = handle.encoded(&arguments.get::<String>(0)?)?;
            Ok(handle.queue(batch, None, false))
        })
    }

    /// `appendSync(text, timeout)`: the same, blocking.
    #[napi(
        catch_unwind,
        ts_return_type = "(record: string, timeout: number) => number"
    )]
    pub fn bound_append_sync<'env>(&self, env: &'env Env) -> napi::Result<Bound<'env, f64>> {
        bind(env, "appendSync", &self.0, |handle, arguments| {
            let batch = handle.encoded(&arguments.get::<String>(0)?)?;
            let call = Call::new().timeout(patience(arguments.get(1)?));
            handle.place(handle.journal.append_batch(&batch, None, &call))
        })
    }

    /// `appendRawSync(bytes, timeout)`: appends a record from anywhere.
    #[napi(
        catch_unwind,
        ts_return_type = "(record: Uint8Array, timeout: number) => number"
    )]
    pub fn bound_append_raw_sync<'env>(&self, env: &'env Env) -> napi::Result<Bound<'env, f64>> {
        bind(env, "appendRawSync", &self.0, |handle, arguments| {
            let record: &[u8] = arguments.get(0)?;
            let call = Call::new().timeout(patience(arguments.get(1)?));
            handle.place(handle.journal.append_with(record, &call))
        })
    }

    #[napi(catch_unwind)]
    pub fn batch(&self) -> Batch {
        Batch::new(&self.path, self.journal.batch())
    }

    #[napi(catch_unwind)]
    pub fn append_batch_sync(
        &self,
        batch: &Batch,
        at: Option<Position>,
        timeout: f64,
        lock: Option<&Lock>,
    ) -> napi::Result<f64> {
        let at = self.at(at)?;
        let call = blocking(timeout, lock);
        self.place(self.journal.append_batch(&batch.take()?, at, &call))
    }

    #[napi(catch_unwind)]
    pub fn append_batch(
        &self,
        batch: &Batch,
        at: Option<Position>,
        try_once: bool,
        lock: Option<&Lock>,
    ) -> napi::Result<u32> {
        let at = self.at(at)?;
        let batch = batch.take()?;
        let Some(lock) = lock else {
            return Ok(self.queue(batch, at, try_once));
        };
        let (journal, guard) = (Arc::clone(&self.journal), Arc::clone(lock.guard()));
        Ok(self.port.run(
            Order::under(&guard),
            ("append", &self.path),
            try_once,
            move |call| journal.append_batch(&batch, at, &call.lock(&guard)),
            |_, position| Position::from(position),
        ))
    }

    #[napi(catch_unwind)]
    pub fn end_sync(&self) -> napi::Result<Position> {
        told(self.journal.end()).map(Position::from)
    }

    #[napi(catch_unwind)]
    pub fn end(&self) -> u32 {
        self.read("end", untorn::Journal::end, |_, end| Position::from(end))
    }

    #[napi(catch_unwind)]
    pub fn records_sync(
        &self,
        start: Option<Position>,
        max_records: Option<f64>,
        max_bytes: Option<f64>,
    ) -> napi::Result<Reader> {
        let start = start.map(|at| at.get("read", &self.path)).transpose()?;
        let limits = (
            limit(max_records, &self.path)?,
            limit(max_bytes, &self.path)?,
        );
        told(Handle::reader(&self.journal, start, limits))
            .map(|records| Reader::new(&self.port, &self.path, records))
    }

    #[napi(catch_unwind)]
    pub fn records(
        &self,
        start: Option<Position>,
        max_records: Option<f64>,
        max_bytes: Option<f64>,
    ) -> napi::Result<u32> {
        let start = start.map(|at| at.get("read", &self.path)).transpose()?;
        let limits = (
            limit(max_records, &self.path)?,
            limit(max_bytes, &self.path)?,
        );
        let path = Arc::clone(&self.path);
        Ok(self.read(
            "read",
            move |journal| Handle::reader(journal, start, limits),
            move |port, records| Reader::new(port, &path, records),
        ))
    }

    #[napi(catch_unwind)]
    pub fn tail_sync(&self, n: u32) -> napi::Result<Vec<Tail>> {
        told(self.journal.tail(n as usize)).map(buffers)
    }

    #[napi(catch_unwind)]
    pub fn tail(&self, n: u32) -> u32 {
        self.read(
            "tail",
            move |journal| journal.tail(n as usize),
            |_, records| buffers(records),
        )
    }

    /// Returns the header without its padding.
    #[napi(catch_unwind)]
    pub fn header_sync(&self) -> napi::Result<Option<Buffer>> {
        told(self.journal.header()).map(|header| header.map(Buffer::from))
    }

    #[napi(catch_unwind)]
    pub fn header(&self) -> u32 {
        self.read("header", untorn::Journal::header, |_, header| {
            header.map(Buffer::from)
        })
    }

    #[napi(catch_unwind)]
    pub fn verify_sync(&self) -> napi::Result<Report> {
        told(self.journal.verify()).map(Report::from)
    }

    #[napi(catch_unwind)]
    pub fn verify(&self, reports: bool) -> u32 {
        let journal = Arc::clone(&self.journal);
        self.port.place(
            Order::Read,
            ("verify", &self.path),
            How::default().reporting(reports),
            move |call| journal.verify_with(call),
            |_, report| Report::from(report),
        )
    }

    #[napi(catch_unwind)]
    pub fn repair_sync(&self, timeout: f64, lock: Option<&Lock>) -> napi::Result<Report> {
        let call = blocking(timeout, lock);
        told(self.journal.repair_with(&call)).map(Report::from)
    }

    #[napi(catch_unwind)]
    pub fn repair(&self, try_once: bool, lock: Option<&Lock>, reports: bool) -> u32 {
        let journal = Arc::clone(&self.journal);
        let order = match lock {
            Some(lock) => Order::under(lock.guard()),
            None => Order::Unordered,
        };
        self.port.place(
            order,
            ("repair", &self.path),
            How::new(try_once, lock).reporting(reports),
            move |call| journal.repair_with(call),
            |_, report| Report::from(report),
        )
    }

    #[napi(catch_unwind)]
    pub fn sync_sync(&self) -> napi::Result<()> {
        told(self.journal.sync())
    }

    #[napi(catch_unwind)]
    pub fn sync(&self) -> u32 {
        let journal = Arc::clone(&self.journal);
        self.port.run(
            // Syncs run one after another: the second has little left to do.
            Order::Step(self.path.join("sync")),
            ("sync", &self.path),
            false,
            move |_| journal.sync(),
            |_, ()| (),
        )
    }

    #[napi(catch_unwind)]
    pub fn close_sync(&self) -> napi::Result<()> {
        self.closed.set(true);
        told(self.journal.close())
    }

    /// Closes the journal at once. The file stays open until running writes end.
    #[napi(catch_unwind)]
    pub fn close(&self) -> u32 {
        self.closed.set(true);
        let journal = Arc::clone(&self.journal);
        self.port.run(
            Order::Immediate,
            ("close", &self.path),
            false,
            move |_| journal.close(),
            |_, ()| (),
        )
    }
}

type Bound<'env, R> = Function<'env, (), R>;

/// Makes a function that contains the handle. To find the handle of an object
/// costs 0.2 microseconds, a sixth of an append.
fn bind<'env, R: ToNapiValue>(
    env: &'env Env,
    name: &str,
    handle: &Rc<Handle>,
    work: impl Fn(&Handle, &FunctionCallContext<'_>) -> napi::Result<R> + 'static,
) -> napi::Result<Bound<'env, R>> {
    let handle = Rc::clone(handle);
    // Panics are caught there.
    env.create_function_from_closure(name, move |arguments| work(&handle, &arguments))
}
