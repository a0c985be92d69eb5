//! Leases of the crate: the handle that claimed writes under its lease.

use std::sync::mpsc;
use std::time::Duration;

use untorn::{CallOptions, ErrorKind, Process, Reconciled};
use untorn_postgres::{ReconcileStart, Session};

use crate::server::connect;
use crate::sessions::{options, pool, sessions, texts};
use crate::store::{Store, store};

fn session(store: &Store) -> Session {
    sessions(store).session("k").unwrap()
}

/// Ends the lease's time, as if it had passed.
fn time_passes(store: &Store) {
    let query = "update session set until = clock_timestamp() - interval '1 s' where key = 'k'";
    assert_eq!(store.connect().execute(query, &[]).unwrap(), 1);
}

#[test]
fn a_session_has_one_owner_until_its_release() {
    let store = store();
    let (mine, theirs) = (session(&store), session(&store));
    assert!(mine.holder().unwrap().is_none() && !mine.exists().unwrap());
    let lease = mine.claim("worker 3").unwrap();
    assert!(lease.is_held() && lease.previous().is_none());
    let holder = theirs.holder().unwrap().unwrap();
    assert_eq!(&holder, lease.holder());
    assert_eq!(holder.pid, std::process::id());
    assert_eq!(holder.label.as_deref(), Some("worker 3"));
    let locked = theirs.claim("other").unwrap_err();
    assert_eq!(locked.kind(), ErrorKind::Locked);
    assert_eq!(locked.holder(), Some(&holder));
    assert!(locked.to_string().contains("its lease ends in"), "{locked}");
    let soon = CallOptions::new().timeout(Some(Duration::from_millis(80)));
    let late = theirs.claim_with("other", &soon).unwrap_err();
    assert_eq!(late.kind(), ErrorKind::LockTimeout);
    let removed = sessions(&store).remove("k").unwrap_err();
    assert_eq!(removed.kind(), ErrorKind::Locked);
    mine.journal().unwrap().append(b"1").unwrap();
    // A write without a lease is a matter of agreement, as with files.
    theirs.journal().unwrap().append(b"2").unwrap();

    let waiting =
        std::thread::spawn(move || theirs.claim_with("next", &CallOptions::new()).unwrap());
    lease.release().unwrap();
    lease.release().unwrap();
    assert!(!lease.is_held());
    let next = waiting.join().unwrap();
    assert!(next.previous().is_none() && next.token() > lease.token());
    drop(next);
    assert!(mine.holder().unwrap().is_none());
    assert!(sessions(&store).remove("k").unwrap());
    assert!(!sessions(&store).remove("k").unwrap());
}

#[test]
fn an_owner_that_was_replaced_is_told_and_can_change_nothing() {
    let store = store();
    let mine = session(&store);
    let (journal, state) = (mine.journal().unwrap(), mine.state().unwrap());
    let lease = mine.claim("old").unwrap();
    journal.append(b"1").unwrap();
    state.save(b"1").unwrap();
    let mut tx = mine.transaction().unwrap();
    tx.save("state.json", b"2").unwrap();
    time_passes(&store);
    let theirs = session(&store);
    let next = theirs.claim("new").unwrap();
    assert_eq!(next.previous().unwrap().label.as_deref(), Some("old"));

    let (told, telling) = mpsc::channel();
    lease.on_lost(move || told.send(()).unwrap());
    assert!(lease.is_held(), "it can't know yet");
    assert_eq!(
        journal.append(b"2").unwrap_err().kind(),
        ErrorKind::LeaseLost
    );
    telling.recv().unwrap();
    assert!(!lease.is_held() && lease.lost().is_cancelled());
    lease.on_lost(|| ());
    assert_eq!(state.save(b"2").unwrap_err().kind(), ErrorKind::LeaseLost);
    assert_eq!(state.remove().unwrap_err().kind(), ErrorKind::LeaseLost);
    assert_eq!(tx.commit().unwrap_err().kind(), ErrorKind::LeaseLost);
    assert_eq!(lease.release().unwrap_err().kind(), ErrorKind::LeaseLost);
    drop(lease);
    // Not even without the lease: this handle belongs to an owner that was replaced.
    assert_eq!(
        journal.append(b"3").unwrap_err().kind(),
        ErrorKind::LeaseLost
    );
    assert_eq!(
        (texts(&journal), state.load().unwrap().0),
        (vec!["1".into()], b"1".to_vec())
    );
    drop(next);
    let again = mine.claim("old").unwrap();
    journal.append(b"4").unwrap();
    assert_eq!(texts(&journal), ["1", "4"]);
    drop(again);
    journal.append(b"5").unwrap();
}

#[test]
fn a_lease_is_renewed_and_its_loss_is_told_without_a_write() {
    let store = store();
    let sessions = options()
        .ttl(Duration::from_millis(150))
        .open(pool(&store.dir), &store.schema)
        .unwrap();
    let mine = sessions.session("k").unwrap();
    let lease = mine.claim("owner").unwrap();
    let until = "select until::text from session where key = 'k'";
    let mut c = store.connect();
    let first: String = c.query_one(until, &[]).unwrap().get(0);
    // Returns after some renewals, which nothing but the row shows.
    let mut renewed = 0;
    let mut last = first;
    while renewed < 3 {
        let now: String = c.query_one(until, &[]).unwrap().get(0);
        renewed += usize::from(now != last);
        last = now;
    }
    let (told, telling) = mpsc::channel();
    lease.on_lost(move || told.send(()).unwrap());
    // As after a stop that was longer than the time to live.
    time_passes(&store);
    let claimed = session(&store).claim("next");
    match claimed {
        Ok(_next) => {
            telling.recv().unwrap();
            assert!(!lease.is_held());
        }
        // It was renewed in between.
        Err(error) => assert_eq!(error.kind(), ErrorKind::Locked),
    }
}

#[test]
fn a_transfer_keeps_the_session_for_the_process_that_it_names() {
    let store = store();
    let mine = session(&store);
    let lease = mine.claim("parent").unwrap();
    let other = Process::of(1);
    lease.transfer(&other).unwrap();
    assert!(!lease.is_held());
    assert_eq!(
        lease.transfer(&other).unwrap_err().kind(),
        ErrorKind::InvalidArgument
    );
    lease.release().unwrap();
    assert_eq!(mine.claim("not 1").unwrap_err().kind(), ErrorKind::Locked);
    assert_eq!(mine.holder().unwrap().unwrap().pid, 1);
    time_passes(&store);
    let lease = mine.claim("again").unwrap();
    assert_eq!(lease.previous().unwrap().pid, 1);
    lease.transfer(&Process::current()).unwrap();
    let taken = session(&store).claim("successor").unwrap();
    assert!(taken.previous().is_none());
}

#[test]
fn a_dead_owners_session_is_reconciled_once_and_by_one_process() {
    let store = store();
    let (mine, theirs) = (session(&store), session(&store));
    let nothing =
        |_: &mut untorn_postgres::Transaction| -> Result<bool, untorn::Error> { panic!() };
    assert_eq!(mine.reconcile(nothing).unwrap(), Reconciled::NoChange);
    let lease = theirs.claim("dies").unwrap();
    theirs.journal().unwrap().append(b"1").unwrap();
    let Reconciled::Alive(owner) = mine.reconcile(nothing).unwrap() else {
        panic!("it lives");
    };
    assert_eq!(owner.label.as_deref(), Some("dies"));
    std::mem::forget(lease);
    time_passes(&store);
    assert_eq!(mine.reconcile(|_| Ok(false)).unwrap(), Reconciled::NoChange);
    let alive = mine
        .reconcile_with(nothing, || Ok(true), &CallOptions::new())
        .unwrap();
    assert!(matches!(alive, Reconciled::Alive(_)));
    let ReconcileStart::Turn(mut turn) = mine
        .begin_reconcile(|| Ok(false), &CallOptions::new())
        .unwrap()
    else {
        panic!("the owner is dead");
    };
    assert_eq!(turn.owner().unwrap().label.as_deref(), Some("dies"));
    let other = session(&store);
    assert_eq!(other.reconcile(nothing).unwrap(), Reconciled::Busy);
    assert_eq!(other.claim("x").unwrap_err().kind(), ErrorKind::Locked);
    let tx = turn.transaction().unwrap();
    assert!(tx.load("session.jsonl").unwrap().is_some());
    tx.append("session.jsonl", ["\"failed\""]).unwrap();
    tx.create("result.json", b"{}").unwrap();
    // The dead owner wakes.
    let woken = theirs.journal().unwrap().append(b"2").unwrap_err();
    assert_eq!(woken.kind(), ErrorKind::LeaseLost);
    assert_eq!(turn.commit().unwrap(), Reconciled::Done);
    assert!(turn.commit().is_err());
    drop(turn);
    assert_eq!(mine.reconcile(nothing).unwrap(), Reconciled::NoChange);
    assert_eq!(texts(&mine.journal().unwrap()), ["1", "\"failed\""]);
    assert!(mine.claim("next").unwrap().previous().is_none());
}

#[test]
fn a_claim_whose_answer_is_lost_is_the_callers_own() {
    use crate::proxy::{Break, From, Plan, Proxy};
    let store = store();
    let proxy = Proxy::new(&store.dir);
    let proxied = options()
        .open(pool(proxy.dir.path()), &store.schema)
        .unwrap();
    let mut broken = 0;
    for from in [From::Client, From::Server] {
        for how in [Break::Before, Break::Half, Break::After] {
            for message in 0.. {
                proxy.plan(Plan { from, message, how });
                let session = proxied.session("k").unwrap();
                let lease = session.claim("owner").unwrap();
                let broke = proxy.has_broken();
                assert!(lease.previous().is_none(), "{from:?} {how:?} {message}");
                session.journal().unwrap().append(b"1").unwrap();
                lease.release().unwrap();
                if !broke {
                    break;
                }
                broken += 1;
            }
        }
    }
    assert!(broken > 5, "only {broken} messages");
    let mut c = connect(&store.dir, "untorn").unwrap();
    let owners = format!(
        "select count(*) from {}.session where owner is not null",
        store.schema
    );
    assert_eq!(c.query_one(&owners, &[]).unwrap().get::<_, i64>(0), 0);
}
