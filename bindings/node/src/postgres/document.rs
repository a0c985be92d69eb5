//! `Document`.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::{Arc, Mutex};

use napi_derive::napi;
use untorn::{Error, ErrorKind};
use untorn_postgres::{Document, Update};

use super::lane::Lane;
use crate::call::{How, locked};
use crate::document::Contents;
use crate::failure;
use crate::lock::Lock;
use crate::port::Inner;
use crate::values::expect;

#[napi]
pub struct PostgresDocument {
    lane: Lane,
    document: Arc<Document>,
    closed: Cell<bool>,
}

impl PostgresDocument {
    pub fn new(port: &Rc<Inner>, document: Document) -> PostgresDocument {
        PostgresDocument {
            lane: Lane::new(port, document.name()),
            document: Arc::new(document),
            closed: Cell::new(false),
        }
    }

    /// A handle has nothing to close, but its changes are refused then, as with files.
    fn usable(&self, operation: &'static str) -> napi::Result<()> {
        if !self.closed.get() {
            return Ok(());
        }
        let why = "the document is closed";
        Err(failure::thrown(&Error::invalid_argument(
            operation,
            &self.lane.name,
            why,
        )))
    }
}

#[napi]
impl PostgresDocument {
    #[napi(getter, catch_unwind)]
    pub fn path(&self) -> String {
        self.lane.shown()
    }

    #[napi(catch_unwind)]
    pub fn load(&self) -> u32 {
        let document = Arc::clone(&self.document);
        self.lane.read(
            "load",
            move |_| document.load(),
            |_, contents| Contents::from(contents),
        )
    }

    #[napi(catch_unwind)]
    pub fn save(
        &self,
        bytes: &[u8],
        expected: Option<String>,
        try_once: bool,
        lock: Option<&Lock>,
    ) -> napi::Result<u32> {
        self.usable("save")?;
        let expected = expect(expected.as_deref(), "save", &self.lane.name)?;
        let (document, bytes) = (Arc::clone(&self.document), bytes.to_vec());
        Ok(self.lane.change(
            "save",
            How::new(try_once, lock),
            move |call| document.save_with(&bytes, expected, call),
            |_, version| version.to_string(),
        ))
    }

    #[napi(catch_unwind)]
    pub fn remove(
        &self,
        expected: Option<String>,
        try_once: bool,
        lock: Option<&Lock>,
    ) -> napi::Result<u32> {
        self.usable("remove")?;
        let expected = expect(expected.as_deref(), "remove", &self.lane.name)?;
        let document = Arc::clone(&self.document);
        Ok(self.lane.change(
            "remove",
            How::new(try_once, lock),
            move |call| document.remove_with(expected, call),
            |_, removed| removed,
        ))
    }

    #[napi(catch_unwind)]
    pub fn begin_update(&self, try_once: bool, lock: Option<&Lock>) -> napi::Result<u32> {
        self.usable("update")?;
        let document = Arc::clone(&self.document);
        let track = self.lane.track.clone();
        Ok(self.lane.change(
            "update",
            How::new(try_once, lock),
            move |call| document.begin_update(call),
            move |port, update| PostgresUpdate::new(Lane::on(port, track), update),
        ))
    }

    #[napi(catch_unwind)]
    pub fn close(&self) {
        self.closed.set(true);
    }
}

/// An update of a document. Nothing is locked, so another process can be faster.
#[napi]
pub struct PostgresUpdate {
    lane: Lane,
    contents: RefCell<Option<Contents>>,
    update: Arc<Mutex<Update>>,
}

impl PostgresUpdate {
    fn new(lane: Lane, update: Update) -> PostgresUpdate {
        let contents = update.value().zip(update.version());
        let contents = contents.map(|(bytes, version)| Contents::from((bytes.to_vec(), version)));
        PostgresUpdate {
            lane,
            contents: RefCell::new(contents),
            update: Arc::new(Mutex::new(update)),
        }
    }
}

#[napi]
impl PostgresUpdate {
    /// Takes the contents of the document; only once.
    #[napi(catch_unwind)]
    pub fn take(&self) -> Option<Contents> {
        self.contents.take()
    }

    /// The value is `null` if another process was faster: then update again.
    #[napi(catch_unwind)]
    pub fn save(&self, bytes: &[u8]) -> u32 {
        let (update, bytes) = (Arc::clone(&self.update), bytes.to_vec());
        self.lane.change(
            "save",
            How::default(),
            move |_| match locked(&update).save(&bytes) {
                Ok(version) => Ok(Some(version)),
                Err(error)
                    if matches!(error.kind(), ErrorKind::Conflict | ErrorKind::AlreadyExists) =>
                {
                    Ok(None)
                }
                Err(error) => Err(error),
            },
            |_, version| version.map(|version| version.to_string()),
        )
    }

    /// Nothing is held.
    #[napi(catch_unwind)]
    pub fn finish(&self) {}
}
