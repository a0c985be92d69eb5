//! `Journal`.

use std::cell::Cell;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use napi::bindgen_prelude::{Buffer, ToNapiValue};
use napi_derive::napi;
use untorn::tasks::Order;

use crate::call::{How, blocking};
use crate::failure::{self, told};
use crate::lock::Lock;
use crate::port::{Inner, Port};
use crate::records::Reader;
use crate::values::{OpenOptions, Position, Report, limit};

#[napi]
pub struct Journal(Rc<Handle>);

/// Shared by the object and its bound functions.
pub struct Handle {
    pub port: Rc<Inner>,
    pub journal: Arc<untorn::Journal>,
    pub path: Arc<Path>,
    pub generation: Cell<u64>,
    pub closed: Cell<bool>,
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

    pub fn handle(&self) -> &Rc<Handle> {
        &self.0
    }
}

impl Handle {
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

pub fn buffers(records: Vec<untorn::OwnedRecord>) -> Vec<Tail> {
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
