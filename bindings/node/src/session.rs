//! `Session` and `Lease`.

mod lease;
mod reconcile;

use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use napi::bindgen_prelude::ToNapiValue;
use napi_derive::napi;
use untorn::CallOptions;
use untorn::tasks::Order;

use crate::document::Document;
use crate::failure::told;
use crate::journal::Journal;
use crate::lock::described;
use crate::port::Inner;
use crate::values::patience;

pub use lease::Lease;
pub use reconcile::{Reconcile, outcome};

#[napi]
pub struct Session {
    port: Rc<Inner>,
    path: Arc<Path>,
    core: Arc<untorn::Session>,
}

impl Session {
    pub fn new(port: &Rc<Inner>, core: untorn::Session) -> Session {
        Session {
            port: Rc::clone(port),
            path: core.path().into(),
            core: Arc::new(core),
        }
    }

    fn read<T: Send + 'static, V: ToNapiValue>(
        &self,
        operation: &'static str,
        work: impl FnOnce(&untorn::Session) -> untorn::Result<T> + Send + 'static,
        finish: impl FnOnce(&Rc<Inner>, T) -> V + Send + 'static,
    ) -> u32 {
        let core = Arc::clone(&self.core);
        self.port.run(
            Order::Read,
            (operation, &self.path),
            false,
            move |_| work(&core),
            finish,
        )
    }
}

#[napi]
impl Session {
    #[napi(getter, catch_unwind)]
    pub fn key(&self) -> String {
        self.core.key().to_owned()
    }

    #[napi(getter, catch_unwind)]
    pub fn path(&self) -> String {
        self.path.to_string_lossy().into_owned()
    }

    #[napi(catch_unwind)]
    pub fn exists_sync(&self) -> napi::Result<bool> {
        told(self.core.exists())
    }

    #[napi(catch_unwind)]
    pub fn exists(&self) -> u32 {
        self.read("exists", untorn::Session::exists, |_, exists| exists)
    }

    #[napi(catch_unwind)]
    pub fn journal_sync(&self) -> napi::Result<Journal> {
        told(self.core.journal()).map(|journal| Journal::new(&self.port, journal))
    }

    #[napi(catch_unwind)]
    pub fn journal(&self) -> u32 {
        self.read("open", untorn::Session::journal, Journal::new)
    }

    /// Without a name it opens the state.
    #[napi(catch_unwind)]
    pub fn document_sync(&self, name: Option<String>) -> napi::Result<Document> {
        told(document(&self.core, name.as_deref()))
            .map(|document| Document::new(&self.port, document))
    }

    #[napi(catch_unwind)]
    pub fn document(&self, name: Option<String>) -> u32 {
        self.read(
            "open",
            move |session| document(session, name.as_deref()),
            Document::new,
        )
    }

    #[napi(catch_unwind)]
    pub fn media_sync(&self, name: String, timeout: f64) -> napi::Result<String> {
        let call = CallOptions::new().timeout(patience(timeout));
        told(self.core.media_with(&name, &call)).map(|path| path.to_string_lossy().into_owned())
    }

    #[napi(catch_unwind)]
    pub fn media(&self, name: String, try_once: bool) -> u32 {
        let core = Arc::clone(&self.core);
        self.port.run(
            Order::Unordered,
            ("media", &self.path),
            try_once,
            move |call| core.media_with(&name, call),
            |_, path| path.to_string_lossy().into_owned(),
        )
    }

    /// JSON, as in errors.
    #[napi(catch_unwind)]
    pub fn holder_sync(&self) -> napi::Result<String> {
        told(self.core.holder()).map(described)
    }

    #[napi(catch_unwind)]
    pub fn holder(&self) -> u32 {
        self.read("holder", untorn::Session::holder, |_, holder| {
            described(holder)
        })
    }

    #[napi(catch_unwind)]
    pub fn claim_sync(&self, label: String, timeout: f64) -> napi::Result<Lease> {
        let call = CallOptions::new().timeout(patience(timeout));
        told(self.core.claim_with(label, &call)).map(|lease| Lease::new(&self.port, lease))
    }

    #[napi(catch_unwind)]
    pub fn claim(&self, label: String, try_once: bool) -> u32 {
        let core = Arc::clone(&self.core);
        self.port.hold(
            Order::Unordered,
            ("claim", &self.path),
            try_once,
            move |call| core.claim_with(label, call),
            Lease::new,
        )
    }

    #[napi(catch_unwind)]
    pub fn begin_reconcile_sync(&self, timeout: f64) -> napi::Result<Reconcile> {
        let call = CallOptions::new().timeout(patience(timeout));
        told(self.core.begin_reconcile(|| Ok(false), &call))
            .map(|begun| Reconcile::new(&self.port, &self.path, begun))
    }

    #[napi(catch_unwind)]
    pub fn begin_reconcile(&self, try_once: bool) -> u32 {
        let (core, path) = (Arc::clone(&self.core), Arc::clone(&self.path));
        self.port.hold(
            Order::Unordered,
            ("reconcile", &self.path),
            try_once,
            move |call| core.begin_reconcile(|| Ok(false), call),
            move |port, begun| Reconcile::new(port, &path, begun),
        )
    }
}

fn document(session: &untorn::Session, name: Option<&str>) -> untorn::Result<untorn::Document> {
    match name {
        Some(name) => session.document(name),
        None => session.state(),
    }
}
