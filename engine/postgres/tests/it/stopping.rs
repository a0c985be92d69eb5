//! A call that is cancelled while its statement waits in the server; a login that is refused.

use std::time::Duration;

use untorn::{CallOptions, CancelToken, ErrorKind};
use untorn_postgres::{Connections, Driver};

use crate::server::connect;
use crate::sessions::{options, pool, texts};
use crate::store::{Store, store};

fn until_an_append_waits(client: &mut postgres::Client, store: &Store) {
    let query =
        "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and query like $1";
    let wanted = format!("%\"{}\".append(%", store.schema);
    while client
        .query_one(query, &[&wanted])
        .unwrap()
        .get::<_, i64>(0)
        == 0
    {
        // The server reports no wait as an event.
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn a_cancelled_append_ends(driver: impl Driver, store: &Store) {
    let sessions = options().open(driver, &store.schema).unwrap();
    let journal = sessions.session("k").unwrap().journal().unwrap();
    journal.append(b"1").unwrap();
    let (mut other, mut looks) = (store.connect(), store.connect());
    let mut locked = other.transaction().unwrap();
    locked.execute("select from file for update", &[]).unwrap();
    let token = CancelToken::new();
    std::thread::scope(|threads| {
        let call = threads.spawn(|| journal.append_with(b"2", &CallOptions::new().cancel(&token)));
        until_an_append_waits(&mut looks, store);
        token.cancel();
        // The row is still locked.
        let error = call.join().unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Cancelled, "{error}");
    });
    locked.rollback().unwrap();
    // Its connection is clean, and nothing is unknown.
    journal.append(b"3").unwrap();
    assert_eq!(texts(&journal), ["1", "3"]);
}

#[test]
fn a_call_that_is_cancelled_ends_though_its_statement_waits() {
    let store = store();
    a_cancelled_append_ends(pool(&store.dir), &store);
}

#[cfg(feature = "tokio-postgres")]
#[test]
fn an_asynchronous_client_ends_it_too() {
    let store = store();
    a_cancelled_append_ends(crate::tokio::pool(&store.dir), &store);
}

#[test]
fn a_login_that_is_refused_is_not_tried_again() {
    let store = store();
    let dir = store.dir.clone();
    let nobody = Connections::new(move || connect(&dir, "nobody").map(Box::new));
    // The whole patience would be longer than a test may take.
    let patient = options().patience(Duration::from_secs(3600));
    let error = patient.open(nobody, &store.schema).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
    assert!(error.to_string().contains("check the user"), "{error}");
}
