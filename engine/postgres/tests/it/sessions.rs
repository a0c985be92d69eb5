//! The crate's store on the tests' server, with a pool as callers have one.

use std::ops::{Deref, DerefMut};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use postgres::Client;
use untorn_postgres::{Connections, StoreOptions};

use crate::server::connect;
use crate::store::Store;

/// The clients of a pool that nobody has now.
pub type Slot<C> = Arc<Mutex<Vec<C>>>;

/// A client of a pool. It goes back, unless it is closed.
pub struct Lent<C> {
    client: Option<C>,
    slot: Slot<C>,
    is_closed: fn(&C) -> bool,
}

impl<C> Lent<C> {
    pub fn new(client: C, slot: &Slot<C>, is_closed: fn(&C) -> bool) -> Lent<C> {
        Lent {
            client: Some(client),
            slot: Arc::clone(slot),
            is_closed,
        }
    }
}

impl<C> Deref for Lent<C> {
    type Target = C;
    fn deref(&self) -> &C {
        self.client.as_ref().unwrap()
    }
}

impl<C> DerefMut for Lent<C> {
    fn deref_mut(&mut self) -> &mut C {
        self.client.as_mut().unwrap()
    }
}

impl<C> Drop for Lent<C> {
    fn drop(&mut self) {
        let is_closed = self.is_closed;
        let client = self.client.take().filter(|client| !is_closed(client));
        self.slot.lock().unwrap().extend(client);
    }
}

/// A pool that also opens connections of a follower's own.
pub fn pool(dir: &Path) -> Connections {
    let (dir, own, slot) = (dir.to_owned(), dir.to_owned(), Slot::default());
    Connections::new(move || {
        let idle = slot.lock().unwrap().pop();
        let client = idle.map_or_else(|| connect(&dir, "untorn"), Ok)?;
        Ok::<_, postgres::Error>(Lent::new(client, &slot, Client::is_closed))
    })
    .with_own(move || connect(&own, "untorn"))
}

/// Options under which a test does not wait for a server that never comes.
pub fn options() -> StoreOptions {
    untorn_postgres::Store::options()
        .journal_name("session.jsonl")
        .patience(Duration::from_secs(2))
}

pub fn sessions(store: &Store) -> untorn_postgres::Store {
    options().open(pool(&store.dir), &store.schema).unwrap()
}

/// The messages of a journal.
pub fn texts(journal: &untorn_postgres::Journal) -> Vec<String> {
    let records = journal.records().unwrap();
    records
        .map(|record| String::from_utf8(record.unwrap().bytes).unwrap())
        .collect()
}
