//! How many statements a call takes, and so how many round trips.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use untorn_postgres::{Connections, Driver, Failure, Param, Prepared, Row};

use crate::server::connect;
use crate::sessions::{Lent, Slot, options, pool};
use crate::store::store;

struct Counted(Connections, Arc<AtomicUsize>);

impl Driver for Counted {
    fn query(&self, sql: &str, params: &[Param<'_>]) -> Result<Vec<Row>, Failure> {
        self.1.fetch_add(1, Ordering::SeqCst);
        self.0.query(sql, params)
    }
}

/// Keeps which of the ways each append took.
struct Ways(Connections, Arc<Mutex<Vec<&'static str>>>);

impl Driver for Ways {
    fn query(&self, sql: &str, params: &[Param<'_>]) -> Result<Vec<Row>, Failure> {
        for way in ["append_now(", "append("] {
            if sql.contains(way) {
                self.1.lock().unwrap().push(way);
            }
        }
        self.0.query(sql, params)
    }
}

#[test]
fn a_writer_that_is_alone_makes_one_commit() {
    let store = store();
    let ways = Arc::new(Mutex::new(Vec::new()));
    let driver = Ways(pool(&store.dir), ways.clone());
    let sessions = options().open(driver, &store.schema).unwrap();
    let journal = sessions.session("k").unwrap().journal().unwrap();
    let took = || std::mem::take(&mut *ways.lock().unwrap());
    let mut end = journal.append(b"1").unwrap();
    for _ in 0..2 {
        // The first one makes the file, and the second one learns its number.
        assert_eq!(took(), ["append("]);
        end = journal.append(b"2").unwrap();
    }
    assert_eq!(took(), ["append_now("]);
    journal.append_at(end, ["3"]).unwrap();
    assert_eq!(took(), ["append_now("]);
    // `append` says why.
    let error = journal.append_at(end, ["4"]).unwrap_err();
    assert_eq!(error.kind(), untorn_postgres::ErrorKind::Conflict);
    assert_eq!(took(), ["append_now(", "append("]);
    // A follower waits.
    let watch = format!("select \"{}\".watch('k', 'session.jsonl')", store.schema);
    store.connect().batch_execute(&watch).unwrap();
    for ways in [&["append_now(", "append("][..], &["append("]] {
        journal.append(b"5").unwrap();
        assert_eq!(took(), ways);
    }
    // Another file has the name now.
    assert!(sessions.remove("k").unwrap());
    let other = sessions.session("k").unwrap().journal().unwrap();
    other.append(b"6").unwrap();
    took();
    journal.append(b"7").unwrap();
    assert_eq!(other.records().unwrap().count(), 2);
}

#[test]
fn each_change_takes_one_statement() {
    let store = store();
    let count = Arc::new(AtomicUsize::new(0));
    let driver = Counted(pool(&store.dir), count.clone());
    let sessions = options().open(driver, &store.schema).unwrap();
    let session = sessions.session("k").unwrap();
    let (journal, state) = (session.journal().unwrap(), session.state().unwrap());
    let took = || count.swap(0, Ordering::SeqCst);
    took();
    let lease = session.claim("owner").unwrap();
    assert_eq!(took(), 1, "claim");
    let end = journal.append(b"1").unwrap();
    assert_eq!(took(), 1, "append");
    journal.append_at(end, ["2"]).unwrap();
    assert_eq!(took(), 1, "append_at");
    let version = state.save(b"1").unwrap();
    assert_eq!(took(), 1, "save");
    state.save_if(Some(version), b"2").unwrap();
    assert_eq!(took(), 1, "save_if of a version that the handle knows");
    state.load().unwrap();
    assert_eq!(took(), 1, "load");
    state.update(|_| Ok(b"3".to_vec())).unwrap();
    assert_eq!(took(), 2, "update");
    let mut tx = session.transaction().unwrap();
    for name in ["a", "b", "c"] {
        tx.save(name, b"1").unwrap();
    }
    tx.append("session.jsonl", ["3"]).unwrap();
    assert_eq!(took(), 0, "a transaction before its commit");
    tx.commit().unwrap();
    assert_eq!(took(), 1, "commit of three documents and an append");
    lease.release().unwrap();
    assert_eq!(took(), 1, "release");
    for n in 0..200 {
        journal.append(n.to_string().as_bytes()).unwrap();
    }
    took();
    assert_eq!(journal.tail(20).unwrap().len(), 20);
    let few = took();
    journal
        .append_all((0..20_000).map(|n| n.to_string()))
        .unwrap();
    took();
    journal.tail(20).unwrap();
    // The longer journal has more than one piece of a backward read.
    let many = took();
    assert!(
        many <= few + 1,
        "a tail of a longer journal: {few}, then {many}"
    );
}

#[test]
fn a_client_that_keeps_its_statements_goes_on_without_them() {
    let store = store();
    let (dir, slot) = (store.dir.clone(), Slot::default());
    let theirs = slot.clone();
    let driver = Connections::prepared(move || {
        let idle = slot.lock().unwrap().pop();
        let client = idle.map_or_else(|| connect(&dir, "untorn").map(Prepared::from), Ok)?;
        Ok::<_, postgres::Error>(Lent::new(client, &slot, |client| client.is_closed()))
    });
    let sessions = options().open(driver, &store.schema).unwrap();
    let journal = sessions.session("k").unwrap().journal().unwrap();
    let append = || {
        for _ in 0..4 {
            journal.append(b"1").unwrap();
        }
    };
    append();
    let on_all = |sql: &str| {
        let mut found = Vec::new();
        for client in theirs.lock().unwrap().iter_mut() {
            found.extend(client.simple_query(sql).unwrap());
        }
        found
    };
    let kept = "select 1 from pg_prepared_statements where statement like '%append_now%'";
    // The row, and the end of the answer.
    assert_eq!(on_all(kept).len(), 3, "{:?}", on_all(kept));
    on_all("deallocate all");
    append();
    // A migration changes what a verb returns.
    let changed = format!(
        "drop function {0}.append_now; \
         create function {0}.append_now(bigint, bytea, bigint, bigint, bigint, uuid, boolean, boolean) returns text \
         language sql as 'select null::text'",
        store.schema
    );
    store.connect().batch_execute(&changed).unwrap();
    append();
    assert_eq!(journal.records().unwrap().count(), 12);
}
