//! `Store`.

use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use napi_derive::napi;
use untorn::tasks::Order;
use untorn_postgres::StoreOptions;

use super::lane::Lane;
use super::pool::Pool;
use super::session::PostgresSession;
use crate::call::How;
use crate::failure::told;
use crate::port::{Inner, Port};
use crate::store::{Found, found};
use crate::values::{OpenOptions, invalid};

#[napi(object)]
pub struct PostgresOptions {
    pub schema: String,
    pub journal_name: Option<String>,
    pub state_name: Option<String>,
    pub durability: Option<String>,
    /// Milliseconds, as `patience`.
    pub ttl: Option<f64>,
    pub connected: Option<bool>,
    pub patience: Option<f64>,
    pub journal: Option<OpenOptions>,
}

fn time(given: f64, option: &str, name: &Path) -> napi::Result<Duration> {
    Duration::try_from_secs_f64(given / 1e3).map_err(|_| {
        let detail = format!("{option} must be a number of milliseconds that a clock can count");
        invalid("open", name, &detail)
    })
}

impl PostgresOptions {
    fn options(&self) -> napi::Result<StoreOptions> {
        let name = Path::new(&self.schema);
        let mut options = untorn_postgres::Store::options();
        if let Some(journal) = &self.journal {
            options = options.journal(journal.journal(name)?);
        }
        if let Some(name) = &self.journal_name {
            options = options.journal_name(name);
        }
        if let Some(name) = &self.state_name {
            options = options.state_name(name);
        }
        if let Some(ttl) = self.ttl {
            options = options.ttl(time(ttl, "ttl", name)?);
        }
        if let Some(patience) = self.patience {
            options = options.patience(time(patience, "patience", name)?);
        }
        let shared = OpenOptions {
            durability: self.durability.clone(),
            ..OpenOptions::default()
        };
        Ok(options
            .durability(shared.durability(name)?)
            .connected(self.connected.unwrap_or(false)))
    }
}

#[napi]
impl Port {
    /// `pool` and `has_own` are of a pool that was given to the bridge.
    #[napi(catch_unwind)]
    pub fn open_postgres(
        &self,
        pool: u32,
        has_own: bool,
        options: PostgresOptions,
    ) -> napi::Result<u32> {
        let driver = Pool::of(self.inner(), pool, has_own)?;
        let lane = Lane::new(self.inner(), Path::new(&options.schema));
        let how = options.options()?;
        let journal = options.journal.as_ref();
        let together = journal.is_none_or(|journal| journal.max_bytes.is_none());
        Ok(lane.run(
            Order::Unordered,
            "open",
            How::default(),
            move |_| how.open(driver, &options.schema),
            move |port, core| PostgresStore::new(port, core, together),
        ))
    }
}

#[napi]
pub struct PostgresStore {
    lane: Lane,
    core: Arc<untorn_postgres::Store>,
    /// Whether appends that wait go together.
    together: bool,
}

impl PostgresStore {
    fn new(port: &Rc<Inner>, core: untorn_postgres::Store, together: bool) -> PostgresStore {
        PostgresStore {
            lane: Lane::new(port, core.name()),
            together,
            core: Arc::new(core),
        }
    }
}

#[napi]
impl PostgresStore {
    #[napi(getter, catch_unwind)]
    pub fn path(&self) -> String {
        self.lane.shown()
    }

    #[napi(catch_unwind)]
    pub fn session(&self, key: String) -> napi::Result<PostgresSession> {
        told(self.core.session(&key))
            .map(|core| PostgresSession::new(&self.lane.port, core, self.together))
    }

    #[napi(catch_unwind)]
    pub fn keys(&self) -> u32 {
        let core = Arc::clone(&self.core);
        self.lane.read("keys", move |_| core.keys(), |_, keys| keys)
    }

    #[napi(catch_unwind)]
    pub fn remove(&self, key: String, try_once: bool) -> u32 {
        let core = Arc::clone(&self.core);
        self.lane.apart(
            "remove",
            How::new(try_once, None),
            move |call| core.remove_with(&key, call),
            |_, removed| removed,
        )
    }

    #[napi(catch_unwind)]
    pub fn search(&self, text: String, max_hits: u32, reports: bool) -> u32 {
        let search = self.core.search(text).max_hits(max_hits as usize);
        self.lane.apart(
            "search",
            How::default().reporting(reports),
            move |call| search.run_with(call),
            |_, hits| -> Vec<Found> { found(hits) },
        )
    }
}
