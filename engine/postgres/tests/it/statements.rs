//! How many statements a call takes, and so how many round trips.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use untorn_postgres::{Connections, Driver, Failure, Param, Row};

use crate::sessions::{options, pool};
use crate::store::store;

struct Counted(Connections, Arc<AtomicUsize>);

impl Driver for Counted {
    fn query(&self, sql: &str, params: &[Param<'_>]) -> Result<Vec<Row>, Failure> {
        self.1.fetch_add(1, Ordering::SeqCst);
        self.0.query(sql, params)
    }
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
