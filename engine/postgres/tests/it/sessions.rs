//! The crate's store on the tests' server, with a pool as callers have one.

use std::ops::{Deref, DerefMut};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use postgres::Client;
use untorn_postgres::{Connections, StoreOptions};

use crate::server::connect;
use crate::store::Store;

type Slot = Arc<Mutex<Vec<Client>>>;

struct Lent(Option<Client>, Slot);

impl Deref for Lent {
    type Target = Client;
    fn deref(&self) -> &Client {
        self.0.as_ref().unwrap()
    }
}

impl DerefMut for Lent {
    fn deref_mut(&mut self) -> &mut Client {
        self.0.as_mut().unwrap()
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let client = self.0.take().filter(|client| !client.is_closed());
        self.1.lock().unwrap().extend(client);
    }
}

/// A pool that also opens connections of a follower's own.
pub fn pool(dir: &Path) -> Connections {
    let (dir, own, slot) = (dir.to_owned(), dir.to_owned(), Slot::default());
    Connections::new(move || {
        let idle = slot.lock().unwrap().pop();
        let client = idle.map_or_else(|| connect(&dir, "untorn"), Ok)?;
        Ok::<_, postgres::Error>(Lent(Some(client), slot.clone()))
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
