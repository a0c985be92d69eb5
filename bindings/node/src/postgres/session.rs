//! `Session`.

use std::rc::Rc;
use std::sync::Arc;

use napi_derive::napi;

use super::document::PostgresDocument;
use super::journal::PostgresJournal;
use super::lane::Lane;
use super::lease::PostgresLease;
use super::reconcile::PostgresReconcile;
use super::transaction::PostgresTransaction;
use crate::call::How;
use crate::failure::told;
use crate::lock::described;
use crate::port::Inner;

#[napi]
pub struct PostgresSession {
    lane: Lane,
    core: Arc<untorn_postgres::Session>,
    together: bool,
}

impl PostgresSession {
    pub fn new(
        port: &Rc<Inner>,
        core: untorn_postgres::Session,
        together: bool,
    ) -> PostgresSession {
        PostgresSession {
            lane: Lane::new(port, core.name()),
            together,
            core: Arc::new(core),
        }
    }
}

#[napi]
impl PostgresSession {
    #[napi(getter, catch_unwind)]
    pub fn key(&self) -> String {
        self.core.key().to_owned()
    }

    #[napi(getter, catch_unwind)]
    pub fn path(&self) -> String {
        self.lane.shown()
    }

    #[napi(catch_unwind)]
    pub fn exists(&self) -> u32 {
        let core = Arc::clone(&self.core);
        self.lane
            .read("exists", move |_| core.exists(), |_, exists| exists)
    }

    /// Without a name it opens the session's own journal.
    #[napi(catch_unwind)]
    pub fn journal(&self, name: Option<String>) -> u32 {
        let (core, together) = (Arc::clone(&self.core), self.together);
        self.lane.read(
            "open",
            move |_| match &name {
                Some(name) => core.journal_named(name),
                None => core.journal(),
            },
            move |port, journal| PostgresJournal::new(port, journal, together),
        )
    }

    /// Without a name it opens the state.
    #[napi(catch_unwind)]
    pub fn document(&self, name: Option<String>) -> u32 {
        let core = Arc::clone(&self.core);
        self.lane.read(
            "open",
            move |_| match &name {
                Some(name) => core.document(name),
                None => core.state(),
            },
            PostgresDocument::new,
        )
    }

    /// JSON, as in errors.
    #[napi(catch_unwind)]
    pub fn holder(&self) -> u32 {
        let core = Arc::clone(&self.core);
        self.lane.read(
            "holder",
            move |_| core.holder(),
            |_, holder| described(holder),
        )
    }

    #[napi(catch_unwind)]
    pub fn claim(&self, label: String, try_once: bool) -> u32 {
        let (core, name) = (Arc::clone(&self.core), Arc::clone(&self.lane.name));
        self.lane.apart(
            "claim",
            How::new(try_once, None),
            move |call| core.claim_with(label, call),
            move |port, lease| PostgresLease::new(port, &name, lease),
        )
    }

    #[napi(catch_unwind)]
    pub fn begin_reconcile(&self, try_once: bool) -> u32 {
        let (core, name) = (Arc::clone(&self.core), Arc::clone(&self.lane.name));
        self.lane.apart(
            "reconcile",
            How::new(try_once, None),
            move |call| core.begin_reconcile(|| Ok(false), call),
            move |port, begun| PostgresReconcile::new(port, &name, begun),
        )
    }

    /// Sends nothing, so it needs no thread.
    #[napi(catch_unwind)]
    pub fn transaction(&self) -> napi::Result<PostgresTransaction> {
        told(self.core.transaction()).map(|core| PostgresTransaction::new(&self.lane.port, core))
    }
}
