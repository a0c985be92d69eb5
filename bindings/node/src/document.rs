//! `Document`.

use std::cell::RefCell;
use std::path::Path;
use std::rc::Rc;
use std::sync::{Arc, Mutex};

use napi::bindgen_prelude::{Buffer, ToNapiValue, Uint8Array};
use napi_derive::napi;
use untorn::tasks::Order;
use untorn::{CallOptions, Version};

use crate::call::{How, blocking, locked};
use crate::failure::told;
use crate::lock::Lock;
use crate::port::{Inner, Port};
use crate::values::{OpenOptions, expect};

#[napi]
pub struct Document {
    port: Rc<Inner>,
    document: Arc<untorn::Document>,
    path: Arc<Path>,
}

/// The bytes of a document, and their version.
#[napi(object)]
pub struct Contents {
    pub bytes: Buffer,
    pub version: String,
}

impl From<(Vec<u8>, Version)> for Contents {
    fn from((bytes, version): (Vec<u8>, Version)) -> Contents {
        Contents {
            bytes: bytes.into(),
            version: version.to_string(),
        }
    }
}

#[napi]
impl Port {
    #[napi(catch_unwind)]
    pub fn open_document_sync(&self, path: String, options: OpenOptions) -> napi::Result<Document> {
        let options = options.document(Path::new(&path))?;
        told(options.open(&path)).map(|document| Document::new(self.inner(), document))
    }

    #[napi(catch_unwind)]
    pub fn open_document(&self, path: String, options: OpenOptions) -> napi::Result<u32> {
        let path: Arc<Path> = Path::new(&path).into();
        let options = options.document(&path)?;
        let given = Arc::clone(&path);
        Ok(self.inner().run(
            Order::Read,
            ("open", &path),
            false,
            move |_| options.open(&given),
            Document::new,
        ))
    }
}

impl Document {
    pub fn new(port: &Rc<Inner>, document: untorn::Document) -> Document {
        Document {
            port: Rc::clone(port),
            path: document.path().into(),
            document: Arc::new(document),
        }
    }

    /// Starts a change, after those that were started before it.
    fn change<T: Send + 'static, V: ToNapiValue>(
        &self,
        operation: &'static str,
        how: How<'_>,
        work: impl FnOnce(&untorn::Document, &CallOptions<'_>) -> untorn::Result<T> + Send + 'static,
        finish: impl FnOnce(&Rc<Inner>, T) -> V + Send + 'static,
    ) -> u32 {
        let what = (operation, &self.path);
        self.port.change(&self.document, what, how, work, finish)
    }
}

#[napi]
impl Document {
    #[napi(getter, catch_unwind)]
    pub fn path(&self) -> String {
        self.path.to_string_lossy().into_owned()
    }

    #[napi(catch_unwind)]
    pub fn load_sync(&self) -> napi::Result<Contents> {
        told(self.document.load()).map(Contents::from)
    }

    #[napi(catch_unwind)]
    pub fn load(&self) -> u32 {
        let document = Arc::clone(&self.document);
        self.port.run(
            Order::Read,
            ("load", &self.path),
            false,
            move |_| document.load(),
            |_, contents| Contents::from(contents),
        )
    }

    #[napi(catch_unwind)]
    pub fn save_sync(
        &self,
        bytes: &[u8],
        expected: Option<String>,
        timeout: f64,
        lock: Option<&Lock>,
    ) -> napi::Result<String> {
        let expected = expect(expected.as_deref(), "save", &self.path)?;
        let call = blocking(timeout, lock);
        told(self.document.save_with(bytes, expected, &call)).map(|version| version.to_string())
    }

    #[napi(catch_unwind)]
    pub fn save(
        &self,
        bytes: &[u8],
        expected: Option<String>,
        try_once: bool,
        lock: Option<&Lock>,
    ) -> napi::Result<u32> {
        let expected = expect(expected.as_deref(), "save", &self.path)?;
        let bytes = bytes.to_vec();
        Ok(self.change(
            "save",
            How::new(try_once, lock),
            move |document, call| document.save_with(&bytes, expected, call),
            |_, version| version.to_string(),
        ))
    }

    #[napi(catch_unwind)]
    pub fn remove_sync(
        &self,
        expected: Option<String>,
        timeout: f64,
        lock: Option<&Lock>,
    ) -> napi::Result<bool> {
        let expected = expect(expected.as_deref(), "remove", &self.path)?;
        told(
            self.document
                .remove_with(expected, &blocking(timeout, lock)),
        )
    }

    #[napi(catch_unwind)]
    pub fn remove(
        &self,
        expected: Option<String>,
        try_once: bool,
        lock: Option<&Lock>,
    ) -> napi::Result<u32> {
        let expected = expect(expected.as_deref(), "remove", &self.path)?;
        Ok(self.change(
            "remove",
            How::new(try_once, lock),
            move |document, call| document.remove_with(expected, call),
            |_, removed| removed,
        ))
    }

    #[napi(catch_unwind)]
    pub fn begin_update_sync(&self, timeout: f64, lock: Option<&Lock>) -> napi::Result<Update> {
        told(self.document.begin_update(&blocking(timeout, lock)))
            .map(|update| Update::new(&self.port, &self.path, update))
    }

    #[napi(catch_unwind)]
    pub fn begin_update(&self, try_once: bool, lock: Option<&Lock>) -> u32 {
        let path = Arc::clone(&self.path);
        self.change(
            "update",
            How::new(try_once, lock).keeping_lock(),
            untorn::Document::begin_update,
            move |port, update| Update::new(port, &path, update),
        )
    }

    #[napi(catch_unwind)]
    pub fn close(&self) -> napi::Result<()> {
        told(self.document.close())
    }
}

/// An update of a document, which holds the lock until it is saved or finished.
#[napi]
pub struct Update {
    port: Rc<Inner>,
    path: Arc<Path>,
    contents: RefCell<Option<Contents>>,
    update: Arc<Mutex<untorn::Update>>,
}

impl Update {
    fn new(port: &Rc<Inner>, path: &Arc<Path>, update: untorn::Update) -> Update {
        let contents = update.value().zip(update.version());
        Update {
            port: Rc::clone(port),
            path: Arc::clone(path),
            contents: RefCell::new(
                contents.map(|(bytes, version)| Contents::from((bytes.to_vec(), version))),
            ),
            update: Arc::new(Mutex::new(update)),
        }
    }
}

#[napi]
impl Update {
    /// Takes the contents of the document; only once.
    #[napi(catch_unwind)]
    pub fn take(&self) -> Option<Contents> {
        self.contents.take()
    }

    #[napi(catch_unwind)]
    pub fn save_sync(&self, bytes: Uint8Array) -> napi::Result<String> {
        told(locked(&self.update).save(&bytes)).map(|version| version.to_string())
    }

    /// Not after other changes in the queue: those wait for this one.
    #[napi(catch_unwind)]
    pub fn save(&self, bytes: &[u8]) -> u32 {
        let (update, bytes) = (Arc::clone(&self.update), bytes.to_vec());
        self.port.run(
            Order::Immediate,
            ("save", &self.path),
            false,
            move |_| locked(&update).save(&bytes),
            |_, version| version.to_string(),
        )
    }

    /// Releases the lock.
    #[napi(catch_unwind)]
    pub fn finish(&self) {
        locked(&self.update).finish();
    }
}
