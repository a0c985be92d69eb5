//! One owner at a time, and an owner that lost its lease can change nothing.

use rustix::process::Signal;

use crate::client::{
    Terms, append, append_with, claim, claim_with, commit, kind, mark, new_id, records,
    until_blocked,
};
use crate::store::{Store, store};
use postgres::Client;

const LONG: &str = "1 h";

fn with(token: i64) -> Terms {
    Terms {
        token: Some(token),
        ..Terms::default()
    }
}

fn owner(client: &mut Client, key: &str) -> Option<String> {
    let row = client.query_opt("select owner from holder($1)", &[&key]);
    row.unwrap().map(|row| row.get(0))
}

fn reconcile(client: &mut Client, key: &str, who: &str) -> (String, Option<i64>) {
    let row = client
        .query_one("select * from reconcile($1, $2)", &[&key, &who])
        .unwrap();
    (row.get("outcome"), row.get("token"))
}

/// Ends the lease's time, as if it had passed.
fn time_passes(client: &mut Client, key: &str) {
    let query = "update session set until = clock_timestamp() - interval '1 s' where key = $1";
    assert_eq!(client.execute(query, &[&key]).unwrap(), 1);
}

/// Starts an owner in another process, and returns it with its token.
fn other_owner(store: &Store, arg: &str) -> (crate::store::Worker, i64) {
    let mut owner = store.worker("own", arg);
    let token = owner.says().unwrap().parse().unwrap();
    (owner, token)
}

#[test]
fn a_session_has_one_owner_and_a_release_frees_it() {
    let mut c = store().connect();
    let token = claim(&mut c, "k", "first", LONG).unwrap();
    assert_eq!(owner(&mut c, "k").as_deref(), Some("first"));
    let refused = claim(&mut c, "k", "second", LONG);
    assert_eq!(kind(&refused), "LOCKED");
    let error = refused.unwrap_err();
    assert!(error.as_db_error().unwrap().message().contains("first"));
    let removed = c.query_one("select remove('k')", &[]);
    assert_eq!(kind(&removed), "LOCKED");
    append_with(&mut c, "k", b"1\n", &with(token)).unwrap();
    c.query_one("select release('k', $1)", &[&token]).unwrap();
    assert_eq!(owner(&mut c, "k"), None);
    assert_eq!(
        kind(&append_with(&mut c, "k", b"2\n", &with(token))),
        "LEASE_LOST"
    );
    let row = claim_with(&mut c, "k", "second", LONG, false).unwrap();
    assert_eq!(row.get::<_, Option<String>>("previous"), None);
    assert!(row.get::<_, i64>("token") > token);
    let removed = c.query_one("select remove('k', $1)", &[&row.get::<_, i64>("token")]);
    assert!(removed.unwrap().get::<_, bool>(0));
    assert_eq!(
        kind(&append_with(&mut c, "k", b"2\n", &with(token))),
        "LEASE_LOST"
    );
    assert!(records(&mut c, "k").is_empty());
}

#[test]
fn after_the_next_claim_the_old_owner_can_change_nothing() {
    let mut c = store().connect();
    append(&mut c, "k", b"1\n");
    commit(
        &mut c,
        "k",
        &[("put", "d", b"1", None, None)],
        None,
        None,
        false,
    )
    .unwrap();
    let old = claim(&mut c, "k", "old", LONG).unwrap();
    time_passes(&mut c, "k");
    // Late is not lost: no other process owns it yet.
    append_with(&mut c, "k", b"late\n", &with(old)).unwrap();
    c.query_one("select renew('k', $1)", &[&old]).unwrap();
    time_passes(&mut c, "k");
    let row = claim_with(&mut c, "k", "new", LONG, false).unwrap();
    assert_eq!(
        row.get::<_, Option<String>>("previous").as_deref(),
        Some("old")
    );
    for verb in ["append", "put", "create", "remove", "rename"] {
        let name = if verb == "create" { "new" } else { "d" };
        let change = (verb, name, b"x".as_slice(), None, None);
        assert_eq!(
            kind(&commit(&mut c, "k", &[change], Some(old), None, false)),
            "LEASE_LOST",
            "{verb}"
        );
    }
    assert_eq!(
        kind(&append_with(&mut c, "k", b"x\n", &with(old))),
        "LEASE_LOST"
    );
    for call in [
        "renew('k', $1)",
        "release('k', $1)",
        "transfer('k', $1, 'successor')",
        "remove('k', $1)",
        "discard('k', $1)",
    ] {
        assert_eq!(
            kind(&c.query_one(&format!("select {call}"), &[&old])),
            "LEASE_LOST",
            "{call}"
        );
    }
    assert_eq!(records(&mut c, "k"), ["1", "late"]);
    append_with(&mut c, "k", b"2\n", &with(row.get("token"))).unwrap();
}

/// The trap: a check of the token in another row uses the snapshot from before the
/// wait, and lets this write in after the claim.
#[test]
fn a_write_of_the_old_owner_that_waits_while_another_claims_is_refused() {
    for quick in [true, false] {
        let store = store();
        let (mut c, mut busy) = (store.connect(), store.connect());
        append(&mut c, "k", b"1\n");
        let old = claim(&mut c, "k", "old", LONG).unwrap();
        time_passes(&mut c, "k");
        busy.batch_execute(
            "begin; select apply('k', '{append}', '{session.jsonl}', array[E'busy\\n'::bytea])",
        )
        .unwrap();
        let id = new_id();
        let (mut claimer, mut late) = (store.connect(), store.connect());
        mark(&mut claimer, &id);
        mark(&mut late, &id);
        let claims = std::thread::spawn(move || claim(&mut claimer, "k", "new", LONG).unwrap());
        until_blocked(&mut c, 1, &id);
        let writes = std::thread::spawn(move || {
            if quick {
                return kind(&append_with(&mut late, "k", b"old\n", &with(old))).to_owned();
            }
            let changes = [
                ("append", "session.jsonl", b"old\n".as_slice(), None, None),
                ("put", "d", b"old", None, None),
            ];
            kind(&commit(&mut late, "k", &changes, Some(old), None, false)).to_owned()
        });
        until_blocked(&mut c, 2, &id);
        busy.batch_execute("commit").unwrap();
        claims.join().unwrap();
        assert_eq!(writes.join().unwrap(), "LEASE_LOST");
        assert_eq!(records(&mut c, "k"), ["1", "busy"]);
    }
}

#[test]
fn the_session_of_a_killed_owner_is_free_at_once() {
    let store = store();
    let mut c = store.connect();
    let (mut other, old) = other_owner(&store, "connected");
    assert_eq!(kind(&claim(&mut c, "k", "next", LONG)), "LOCKED");
    assert_eq!(owner(&mut c, "k").as_deref(), Some("own"));
    other.child.kill().unwrap();
    other.child.wait().unwrap();
    // The server learns of it when it looks at the connection: within moments.
    let next = loop {
        match claim_with(&mut c, "k", "next", LONG, true) {
            Ok(row) => break row,
            refused => assert_eq!(kind(&refused), "LOCKED"),
        }
    };
    assert_eq!(
        next.get::<_, Option<String>>("previous").as_deref(),
        Some("own")
    );
    assert_eq!(
        kind(&append_with(&mut c, "k", b"x\n", &with(old))),
        "LEASE_LOST"
    );
    // The connection that owns it sees itself as alive, and so do others.
    assert_eq!(owner(&mut c, "k").as_deref(), Some("next"));
    assert_eq!(owner(&mut store.connect(), "k").as_deref(), Some("next"));
    c.query_one("select release('k', $1)", &[&next.get::<_, i64>("token")])
        .unwrap();
    let held =
        "select count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()";
    assert_eq!(c.query_one(held, &[]).unwrap().get::<_, i64>(0), 0);
}

#[test]
fn an_owner_that_was_stopped_past_its_time_is_told_when_it_wakes() {
    let store = store();
    let mut c = store.connect();
    let (mut other, _) = other_owner(&store, "200 ms");
    other.signal(Signal::STOP);
    let next = loop {
        match claim(&mut c, "k", "next", LONG) {
            Ok(token) => break token,
            refused => assert_eq!(kind(&refused), "LOCKED"),
        }
    };
    append_with(&mut c, "k", b"next\n", &with(next)).unwrap();
    other.signal(Signal::CONT);
    other.tell("append");
    assert_eq!(other.says().as_deref(), Some("LEASE_LOST"));
    assert_eq!(records(&mut c, "k"), ["next"]);
}

#[test]
fn a_transferred_session_is_kept_for_its_successor() {
    let mut c = store().connect();
    let token = claim(&mut c, "k", "first", LONG).unwrap();
    c.query_one("select transfer('k', $1, 'secret', 'worker 7')", &[&token])
        .unwrap();
    assert_eq!(owner(&mut c, "k").as_deref(), Some("worker 7"));
    assert_eq!(
        kind(&append_with(&mut c, "k", b"x\n", &with(token))),
        "LEASE_LOST"
    );
    assert_eq!(kind(&claim(&mut c, "k", "another", LONG)), "LOCKED");
    assert_eq!(reconcile(&mut c, "k", "r").0, "alive");
    let successor = "select * from claim('k', 'worker 7', '1 h', successor => 'secret')";
    let row = c.query_one(successor, &[]).unwrap();
    assert_eq!(row.get::<_, Option<String>>("previous"), None);
    append_with(&mut c, "k", b"1\n", &with(row.get("token"))).unwrap();
    assert_eq!(kind(&c.query_one(successor, &[])), "LOCKED");
    // An successor that never comes: then it is a session whose owner died.
    c.query_one(
        "select transfer('k', $1, 'nobody', ttl => '1 h')",
        &[&row.get::<_, i64>("token")],
    )
    .unwrap();
    time_passes(&mut c, "k");
    let row = claim_with(&mut c, "k", "last", LONG, false).unwrap();
    assert_eq!(
        row.get::<_, Option<String>>("previous").as_deref(),
        Some("nobody")
    );
}

#[test]
fn a_dead_owners_session_is_reconciled_once_and_with_its_changes() {
    let mut c = store().connect();
    assert_eq!(reconcile(&mut c, "k", "r").0, "none");
    let token = claim(&mut c, "k", "dies", LONG).unwrap();
    assert_eq!(reconcile(&mut c, "k", "r").0, "alive");
    time_passes(&mut c, "k");
    let (outcome, turn) = reconcile(&mut c, "k", "r");
    assert_eq!(outcome, "turn");
    assert_eq!(owner(&mut c, "k"), None);
    assert_eq!(reconcile(&mut c, "k", "s").0, "busy");
    assert_eq!(kind(&claim(&mut c, "k", "next", LONG)), "LOCKED");
    assert_eq!(
        kind(&append_with(&mut c, "k", b"x\n", &with(token))),
        "LEASE_LOST"
    );
    // A discarded turn leaves a dead owner, and so does a reconciler that dies.
    c.query_one("select discard('k', $1)", &[&turn]).unwrap();
    let (outcome, second) = reconcile(&mut c, "k", "s");
    assert_eq!(outcome, "turn");
    time_passes(&mut c, "k");
    let (outcome, third) = reconcile(&mut c, "k", "t");
    assert_eq!(outcome, "turn");
    let failed = [(
        "append",
        "session.jsonl",
        b"\"failed\"\n".as_slice(),
        None,
        None,
    )];
    assert_eq!(
        kind(&commit(&mut c, "k", &failed, second, None, true)),
        "LEASE_LOST"
    );
    let id = new_id();
    commit(&mut c, "k", &failed, third, Some(&id), true).unwrap();
    assert_eq!(reconcile(&mut c, "k", "u").0, "none");
    let again = commit(&mut c, "k", &failed, third, Some(&id), true).unwrap();
    assert!(again.get::<_, bool>("again"));
    assert_eq!(records(&mut c, "k"), ["\"failed\""]);
    let row = claim_with(&mut c, "k", "next", LONG, false).unwrap();
    assert_eq!(row.get::<_, Option<String>>("previous"), None);
}
