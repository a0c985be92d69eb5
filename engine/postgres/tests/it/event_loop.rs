//! Handles that are dropped on the thread of an event loop which carries the statements.

use std::thread::{self, ThreadId};
use std::time::Duration;

use untorn::{CallOptions, Reconciled};
use untorn_postgres::{Connections, Driver, Failure, Param, ReconcileStart, Row};

use crate::sessions::{options, pool, sessions};
use crate::store::store;

/// A statement that this thread waits for is never carried out.
struct OfLoop {
    driver: Connections,
    thread: ThreadId,
}

impl Driver for OfLoop {
    fn query(&self, sql: &str, params: &[Param<'_>]) -> Result<Vec<Row>, Failure> {
        assert!(self.may_wait_here(), "the loop waits for itself: {sql}");
        self.driver.query(sql, params)
    }

    fn may_wait_here(&self) -> bool {
        thread::current().id() != self.thread
    }
}

#[test]
fn what_is_dropped_there_is_released_by_another_thread() {
    let store = store();
    let hour = Duration::from_secs(3600);
    let of_loop = OfLoop {
        driver: pool(&store.dir),
        thread: thread::current().id(),
    };
    let opened = thread::scope(|threads| {
        let open = || options().ttl(hour).open(of_loop, &store.schema).unwrap();
        threads.spawn(open).join().unwrap()
    });
    let session = opened.session("k").unwrap();
    let elsewhere = sessions(&store).session("k").unwrap();
    let in_time = CallOptions::new().timeout(Some(Duration::from_secs(60)));

    let lease = thread::scope(|threads| threads.spawn(|| session.claim("a")).join().unwrap());
    drop(lease.unwrap());
    let next = elsewhere.claim_with("b", &in_time).unwrap();
    assert!(next.previous().is_none(), "it was released");
    next.release().unwrap();

    let _dead = thread::scope(|threads| threads.spawn(|| session.claim("dies")).join().unwrap());
    let expire = "update session set until = clock_timestamp() - interval '1 s' where key = 'k'";
    assert_eq!(store.connect().execute(expire, &[]).unwrap(), 1);
    let begin = || session.begin_reconcile(|| Ok(false), &CallOptions::new());
    let begun = thread::scope(|threads| threads.spawn(begin).join().unwrap());
    assert!(matches!(begun.unwrap(), ReconcileStart::Turn(_)));
    // The turn was dropped: the next caller has it.
    while let Reconciled::Busy = elsewhere.reconcile(|_| Ok(true)).unwrap() {}
}
