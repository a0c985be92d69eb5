//! `Session` and `Lease`.

use std::path::Path;
use std::rc::Rc;
use std::sync::{Arc, Mutex};

use napi::bindgen_prelude::ToNapiValue;
use napi_derive::napi;
use untorn::tasks::Order;
use untorn::{Begun, Call, Reconciled};

use crate::call::locked;
use crate::document::Document;
use crate::failure::told;
use crate::journal::Journal;
use crate::lock::described;
use crate::port::Inner;
use crate::process;
use crate::transaction::Transaction;
use crate::values::patience;

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
        let call = Call::new().timeout(patience(timeout));
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
        let call = Call::new().timeout(patience(timeout));
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
        let call = Call::new().timeout(patience(timeout));
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

#[napi]
pub struct Lease {
    port: Rc<Inner>,
    path: Arc<Path>,
    core: Arc<untorn::Lease>,
}

impl Lease {
    fn new(port: &Rc<Inner>, core: untorn::Lease) -> Lease {
        Lease {
            port: Rc::clone(port),
            path: core.path().into(),
            core: Arc::new(core),
        }
    }
}

#[napi]
impl Lease {
    #[napi(getter, catch_unwind)]
    pub fn holder(&self) -> String {
        described(Some(self.core.holder().clone()))
    }

    #[napi(getter, catch_unwind)]
    pub fn previous(&self) -> String {
        described(self.core.previous().cloned())
    }

    #[napi(getter, catch_unwind)]
    pub fn held(&self) -> bool {
        self.core.is_held()
    }

    #[napi(catch_unwind)]
    pub fn release_sync(&self) -> napi::Result<()> {
        told(self.core.release())
    }

    #[napi(catch_unwind)]
    pub fn release(&self) -> u32 {
        let core = Arc::clone(&self.core);
        self.port.run(
            Order::Immediate,
            ("release", &self.path),
            false,
            move |_| core.release(),
            |_, ()| (),
        )
    }

    #[napi(catch_unwind)]
    pub fn transfer_sync(&self, to: String) -> napi::Result<()> {
        told(self.core.transfer(&process::of(&to)?))
    }

    #[napi(catch_unwind)]
    pub fn transfer(&self, to: String) -> napi::Result<u32> {
        let (core, to) = (Arc::clone(&self.core), process::of(&to)?);
        Ok(self.port.run(
            Order::Immediate,
            ("transfer", &self.path),
            false,
            move |_| core.transfer(&to),
            |_, ()| (),
        ))
    }
}

/// The turn to reconcile a dead owner's session, or why this call has none.
#[napi]
pub struct Reconcile {
    port: Rc<Inner>,
    path: Arc<Path>,
    turn: Option<Arc<Mutex<Box<untorn::Reconcile>>>>,
    outcome: &'static str,
    holder: Option<untorn::Holder>,
}

impl Reconcile {
    fn new(port: &Rc<Inner>, path: &Arc<Path>, begun: Begun) -> Reconcile {
        let (turn, outcome, holder) = match begun {
            Begun::Turn(turn) => {
                let owner = turn.owner().cloned();
                (Some(Arc::new(Mutex::new(turn))), "done", owner)
            }
            Begun::Not(Reconciled::Alive(holder)) => (None, "alive", Some(holder)),
            Begun::Not(Reconciled::Busy) => (None, "busy", None),
            Begun::Not(Reconciled::NoChange | Reconciled::Done) => (None, "no_change", None),
        };
        Reconcile {
            port: Rc::clone(port),
            path: Arc::clone(path),
            turn,
            outcome,
            holder,
        }
    }
}

#[napi]
impl Reconcile {
    /// The outcome, if it is committed.
    #[napi(getter, catch_unwind)]
    pub fn outcome(&self) -> &'static str {
        self.outcome
    }

    /// The owner, dead or alive: JSON, as in errors.
    #[napi(getter, catch_unwind)]
    pub fn holder(&self) -> String {
        described(self.holder.clone())
    }

    /// The transaction that changes the session's files; `None` without a turn.
    #[napi(catch_unwind)]
    pub fn transaction(&self) -> Option<Transaction> {
        let turn = self.turn.as_ref()?;
        Some(Transaction::of_turn(&self.port, &self.path, turn))
    }

    #[napi(catch_unwind)]
    pub fn commit_sync(&self, timeout: f64) -> napi::Result<()> {
        let call = Call::new().timeout(patience(timeout));
        match &self.turn {
            Some(turn) => told(locked(turn).commit_with(&call)).map(drop),
            None => Ok(()),
        }
    }

    #[napi(catch_unwind)]
    pub fn commit(&self, try_once: bool) -> u32 {
        let turn = self.turn.clone();
        self.port.hold(
            Order::Unordered,
            ("reconcile", &self.path),
            try_once,
            move |call| match &turn {
                Some(turn) => locked(turn).commit_with(call).map(drop),
                None => Ok(()),
            },
            |_, ()| (),
        )
    }

    /// Changes nothing.
    #[napi(catch_unwind)]
    pub fn discard_sync(&self) {
        if let Some(turn) = &self.turn {
            locked(turn).discard();
        }
    }

    #[napi(catch_unwind)]
    pub fn discard(&self) -> u32 {
        let turn = self.turn.clone();
        self.port.run(
            Order::Immediate,
            ("reconcile", &self.path),
            false,
            move |_| {
                if let Some(turn) = &turn {
                    locked(turn).discard();
                }
                Ok(())
            },
            |_, ()| (),
        )
    }
}
