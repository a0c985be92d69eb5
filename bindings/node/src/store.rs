//! `Store`: a directory of sessions.

use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use napi_derive::napi;
use untorn::tasks::Order;
use untorn::{CallOptions, Hit};

use crate::call::How;
use crate::failure::told;
use crate::port::{Inner, Port};
use crate::session::Session;
use crate::values::{OpenOptions, Position, out, patience};

#[napi]
pub struct Store {
    port: Rc<Inner>,
    path: Arc<Path>,
    core: Arc<untorn::Store>,
}

#[napi(object)]
pub struct StoreOptions {
    pub journal_name: Option<String>,
    pub state_name: Option<String>,
    pub durability: Option<String>,
    pub create: Option<bool>,
    /// How the sessions' journals are opened.
    pub journal: Option<OpenOptions>,
}

impl StoreOptions {
    fn options(self, dir: &Path) -> napi::Result<untorn::StoreOptions> {
        let shared = OpenOptions {
            durability: self.durability,
            ..OpenOptions::default()
        };
        let mut options = untorn::Store::options();
        if let Some(name) = self.journal_name {
            options = options.journal_name(name);
        }
        if let Some(name) = self.state_name {
            options = options.state_name(name);
        }
        if let Some(journal) = &self.journal {
            options = options.journal(journal.journal(dir)?);
        }
        // After the journal's options, because the store's own take precedence.
        Ok(options
            .durability(shared.durability(dir)?)
            .create(self.create.unwrap_or(true)))
    }
}

/// A record in which a text was found.
#[napi(object, object_from_js = false)]
pub struct Found {
    pub key: String,
    pub position: Position,
    pub snippet: String,
    /// In UTF-16 units, as JavaScript counts.
    pub start: f64,
    pub end: f64,
}

impl From<Hit> for Found {
    fn from(hit: Hit) -> Found {
        let units = |bytes: usize| {
            let before = hit.snippet.get(..bytes).unwrap_or(&hit.snippet);
            out(before.encode_utf16().count() as u64)
        };
        Found {
            start: units(hit.range.0),
            end: units(hit.range.1),
            key: hit.key,
            position: hit.position.into(),
            snippet: hit.snippet,
        }
    }
}

pub fn found(hits: Vec<Hit>) -> Vec<Found> {
    hits.into_iter().map(Found::from).collect()
}

#[napi]
impl Port {
    #[napi(catch_unwind)]
    pub fn open_store_sync(&self, dir: String, options: StoreOptions) -> napi::Result<Store> {
        let options = options.options(Path::new(&dir))?;
        told(options.open(&dir)).map(|store| Store::new(self.inner(), store))
    }

    #[napi(catch_unwind)]
    pub fn open_store(&self, dir: String, options: StoreOptions) -> napi::Result<u32> {
        let dir: Arc<Path> = Path::new(&dir).into();
        let options = options.options(&dir)?;
        let given = Arc::clone(&dir);
        Ok(self.inner().run(
            Order::Read,
            ("open", &dir),
            false,
            move |_| options.open(&given),
            Store::new,
        ))
    }
}

impl Store {
    fn new(port: &Rc<Inner>, core: untorn::Store) -> Store {
        Store {
            port: Rc::clone(port),
            path: core.path().into(),
            core: Arc::new(core),
        }
    }

    fn searching(&self, text: String, max_hits: u32) -> untorn::Search {
        self.core.search(text).max_hits(max_hits as usize)
    }
}

#[napi]
impl Store {
    #[napi(getter, catch_unwind)]
    pub fn path(&self) -> String {
        self.path.to_string_lossy().into_owned()
    }

    #[napi(catch_unwind)]
    pub fn session(&self, key: String) -> napi::Result<Session> {
        told(self.core.session(&key)).map(|session| Session::new(&self.port, session))
    }

    #[napi(catch_unwind)]
    pub fn keys_sync(&self) -> napi::Result<Vec<String>> {
        told(self.core.keys())
    }

    #[napi(catch_unwind)]
    pub fn keys(&self) -> u32 {
        let core = Arc::clone(&self.core);
        self.port.run(
            Order::Read,
            ("keys", &self.path),
            false,
            move |call| core.keys_with(call),
            |_, keys| keys,
        )
    }

    #[napi(catch_unwind)]
    pub fn remove_sync(&self, key: String, timeout: f64) -> napi::Result<bool> {
        let call = CallOptions::new().timeout(patience(timeout));
        told(self.core.remove_with(&key, &call))
    }

    #[napi(catch_unwind)]
    pub fn remove(&self, key: String, try_once: bool) -> u32 {
        let core = Arc::clone(&self.core);
        self.port.run(
            Order::Unordered,
            ("remove", &self.path),
            try_once,
            move |call| core.remove_with(&key, call),
            |_, removed| removed,
        )
    }

    #[napi(catch_unwind)]
    pub fn search_sync(&self, text: String, max_hits: u32) -> napi::Result<Vec<Found>> {
        told(self.searching(text, max_hits).run()).map(found)
    }

    #[napi(catch_unwind)]
    pub fn search(&self, text: String, max_hits: u32, reports: bool) -> u32 {
        let search = self.searching(text, max_hits);
        self.port.place(
            Order::Unordered,
            ("search", &self.path),
            How::default().reporting(reports),
            move |call| search.run_with(call),
            |_, hits| found(hits),
        )
    }
}
