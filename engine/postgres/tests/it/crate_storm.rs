//! The crate's handles in many processes that are killed and stopped, and on connections
//! that break.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use untorn::{CallOptions, ErrorKind, Reconciled};

use crate::judge::{self, Did, Event};
use crate::proxy::{Break, From, Plan, Proxy};
use crate::sessions::{options, pool, sessions, texts};
use crate::store::{Store, store};
use crate::worker::say;

/// Counts the locks that mark connections of owners.
const LOCKS: &str = "select count(*) from pg_locks where locktype = 'advisory' \
                     and classid::bigint = hashtext('untorn ' || current_schema())::bigint & 4294967295";

/// The worker `name`, in a process of its own.
pub fn work(store: &Store, name: &str, arg: &str) {
    let ttl = Duration::from_millis(arg.parse().unwrap());
    let sessions = options()
        .ttl(ttl)
        .connected(name == "crate connected")
        .open(pool(&store.dir), &store.schema)
        .unwrap();
    match name {
        "crate own" | "crate connected" => own(&sessions),
        "crate next" => next(&sessions),
        "crate storm" => storm(&sessions),
        "crate reconcile" => reconcile(&sessions),
        _ => panic!("no worker {name}"),
    }
}

/// Owns `k`; then appends and saves at each line of its input, and prints the outcomes.
fn own(sessions: &untorn_postgres::Store) {
    let session = sessions.session("k").unwrap();
    let (journal, state) = (session.journal().unwrap(), session.state().unwrap());
    let lease = session.claim("own").unwrap();
    say("owns");
    for _ in std::io::stdin().lines() {
        let told = |result: Option<untorn::Error>| match result {
            None => "ok",
            Some(error) => error.kind().code(),
        };
        let appended = told(journal.append(b"\"own\"").err());
        let saved = told(state.save(b"own").err());
        say(&format!("{appended} {saved} {}", lease.is_held()));
    }
}

/// Claims `k` when it is free, saves, says whose it was, and keeps it.
fn next(sessions: &untorn_postgres::Store) {
    let session = sessions.session("k").unwrap();
    let lease = session.claim_with("next", &CallOptions::new()).unwrap();
    session.state().unwrap().save(b"next").unwrap();
    let previous = lease.previous().and_then(|owner| owner.label.clone());
    say(&previous.unwrap_or_default());
    for _ in std::io::stdin().lines() {}
}

/// Claims `k` again and again, and counts in a document without an expectation: two
/// owners at a time would lose a count. An owner that finds a dead one reconciles it.
fn storm(sessions: &untorn_postgres::Store) {
    let session = sessions.session("k").unwrap();
    loop {
        if fastrand::bool() {
            let outcome = session.reconcile(|tx| {
                tx.append("session.jsonl", ["0"])?;
                Ok(true)
            });
            match outcome {
                Ok(Reconciled::Done) => say("reconciled"),
                Ok(_) => {}
                // It was stopped for longer than its turn.
                Err(error) => assert_eq!(error.kind(), ErrorKind::LeaseLost, "{error}"),
            }
        }
        let call = CallOptions::new().timeout(Some(Duration::from_millis(20)));
        let lease = match session.claim_with("storm", &call) {
            Ok(lease) => lease,
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::LockTimeout, "{error}");
                continue;
            }
        };
        let (journal, count) = (
            session.journal().unwrap(),
            session.document("count").unwrap(),
        );
        for _ in 0..fastrand::u8(1..10) {
            let old = count.load().map_or(0, |(old, _)| {
                std::str::from_utf8(&old).unwrap().parse::<u64>().unwrap()
            });
            let mut tx = session.transaction().unwrap();
            tx.save("count", (old + 1).to_string().as_bytes()).unwrap();
            tx.append("session.jsonl", [lease.token().to_string()])
                .unwrap();
            if let Err(error) = tx.commit() {
                assert_eq!(error.kind(), ErrorKind::LeaseLost, "{error}");
                // It is lost for every handle of the session.
                let again = journal.append(b"1").unwrap_err();
                assert_eq!(again.kind(), ErrorKind::LeaseLost);
                assert!(!lease.is_held());
                say("lost");
                break;
            }
            say("counted");
        }
        // Half of them end as a killed process does.
        if fastrand::bool() {
            std::mem::forget(lease);
            std::process::exit(0);
        }
    }
}

/// Reconciles each session that a dead owner left.
fn reconcile(sessions: &untorn_postgres::Store) {
    for _ in 0..3 {
        for key in sessions.keys().unwrap() {
            let session = sessions.session(&key).unwrap();
            let outcome = session.reconcile(|tx| {
                if fastrand::u8(..4) == 0 {
                    return Ok(false);
                }
                tx.append("session.jsonl", ["\"failed\""])?;
                tx.create("result.json", b"{}")?;
                Ok(true)
            });
            if outcome.unwrap() == Reconciled::Done {
                say(&key);
            }
        }
    }
}

#[test]
fn a_stopped_owner_can_change_nothing_once_another_has_claimed() {
    let store = store();
    let mut worker = store.worker("crate own", "200");
    assert_eq!(worker.says().unwrap(), "owns");
    worker.tell("");
    assert_eq!(worker.says().unwrap(), "ok ok true");
    let session = sessions(&store).session("k").unwrap();
    assert_eq!(session.claim("next").unwrap_err().kind(), ErrorKind::Locked);
    worker.signal(Signal::STOP);
    // Returns when its time to live has ended.
    let lease = session.claim_with("next", &CallOptions::new()).unwrap();
    assert_eq!(lease.previous().unwrap().label.as_deref(), Some("own"));
    session.state().unwrap().save(b"next").unwrap();
    worker.tell("");
    worker.signal(Signal::CONT);
    assert_eq!(worker.says().unwrap(), "LEASE_LOST LEASE_LOST false");
    lease.release().unwrap();
    worker.tell("");
    assert_eq!(worker.says().unwrap(), "LEASE_LOST LEASE_LOST false");
    assert_eq!(session.state().unwrap().load().unwrap().0, b"next");
    assert_eq!(texts(&session.journal().unwrap()), ["\"own\""]);
}

#[test]
fn a_session_is_free_at_once_where_its_owners_connection_ends() {
    let store = store();
    // The time to live is an hour.
    let mut worker = store.worker("crate connected", "3600000");
    assert_eq!(worker.says().unwrap(), "owns");
    let here = options().connected(true);
    let here = here.open(pool(&store.dir), &store.schema).unwrap();
    let session = here.session("k").unwrap();
    assert_eq!(session.claim("next").unwrap_err().kind(), ErrorKind::Locked);
    drop(worker);
    let soon = CallOptions::new().timeout(Some(Duration::from_secs(60)));
    let lease = session.claim_with("next", &soon).unwrap();
    assert_eq!(lease.previous().unwrap().label.as_deref(), Some("own"));
    session.journal().unwrap().append(b"1").unwrap();
    // The connection of the lease marks the session while it lives.
    assert_eq!(
        store
            .connect()
            .query_one(LOCKS, &[])
            .unwrap()
            .get::<_, i64>(0),
        1
    );
    let other = sessions(&store).session("k").unwrap();
    assert_eq!(other.claim("other").unwrap_err().kind(), ErrorKind::Locked);
    lease.release().unwrap();
    assert!(other.claim("other").unwrap().previous().is_none());
    // The connection ends with the lease: no lock is left.
    let mut c = store.connect();
    drop((lease, here, session));
    while c.query_one(LOCKS, &[]).unwrap().get::<_, i64>(0) > 0 {
        // The server reports the end of a connection to no one.
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn owners_that_are_killed_stopped_and_reconciled_never_overlap() {
    let store = store();
    let ttl = "150";
    let mut workers: Vec<_> = (0..4).map(|_| store.worker("crate storm", ttl)).collect();
    let sessions = sessions(&store);
    let session = sessions.session("k").unwrap();
    let journal = session.journal().unwrap();
    let until = Instant::now() + Duration::from_secs(6);
    let mut stopped = vec![false; workers.len()];
    let (mut kills, mut stops) = (0, 0);
    // On a busy machine the workers get little done in that time.
    while Instant::now() < until || texts(&journal).len() < 50 || kills < 5 || stops < 5 {
        // At any instant: that is what a pause of a random length is for.
        std::thread::sleep(Duration::from_millis(fastrand::u64(5..150)));
        let i = fastrand::usize(..workers.len());
        if stopped[i] {
            workers[i].signal(Signal::CONT);
            stopped[i] = false;
        } else if fastrand::bool() && workers[i].child.try_wait().unwrap().is_none() {
            workers[i].signal(Signal::STOP);
            stopped[i] = true;
            stops += 1;
        } else {
            workers[i] = store.worker("crate storm", ttl);
            kills += 1;
        }
    }
    for worker in &mut workers {
        let _ = worker.child.kill();
    }
    drop(workers);
    // A claim waits for what a killed worker had sent.
    let lease = session.claim_with("the last", &CallOptions::new()).unwrap();
    let count = session.document("count").unwrap().load().unwrap().0;
    let count: usize = String::from_utf8(count).unwrap().parse().unwrap();
    let tokens: Vec<i64> = texts(&journal)
        .iter()
        .map(|token| token.parse().unwrap())
        .filter(|token| *token > 0)
        .collect();
    assert_eq!(
        count,
        tokens.len(),
        "a count was lost: two owners at a time"
    );
    judge::leases(&tokens).unwrap();
    lease.release().unwrap();
}

#[test]
fn many_processes_reconcile_each_dead_owners_session_once() {
    let store = store();
    let here = options()
        .ttl(Duration::from_millis(1))
        .open(pool(&store.dir), &store.schema)
        .unwrap();
    for i in 0..12 {
        let session = here.session(&format!("k{i}")).unwrap();
        std::mem::forget(session.claim("dies").unwrap());
    }
    // A renewal may have come after the claim.
    drop(here);
    let mut c = store.connect();
    c.batch_execute("update session set until = clock_timestamp()")
        .unwrap();
    let mut workers: Vec<_> = (0..4)
        .map(|_| store.worker("crate reconcile", "30000"))
        .collect();
    let mut done = Vec::new();
    for worker in &mut workers {
        while let Some(key) = worker.says() {
            done.push(key);
        }
        assert!(worker.child.wait().unwrap().success());
    }
    done.sort();
    let told = done.len();
    done.dedup();
    assert_eq!(told, done.len(), "reconciled twice");
    for i in 0..12 {
        let key = format!("k{i}");
        let journal = sessions(&store).session(&key).unwrap().journal().unwrap();
        assert_eq!(
            texts(&journal).len(),
            usize::from(done.contains(&key)),
            "{key}"
        );
    }
    assert!(told > 0);
}

#[test]
fn saves_and_transactions_are_made_once_whatever_message_is_lost() {
    let store = store();
    let proxy = Proxy::new(&store.dir);
    let proxied = options()
        .open(pool(proxy.dir.path()), &store.schema)
        .unwrap();
    let session = proxied.session("k").unwrap();
    let (state, journal) = (session.state().unwrap(), session.journal().unwrap());
    let mut version = state.create(b"0").unwrap();
    let (mut count, mut broken) = (0, 0);
    for from in [From::Client, From::Server] {
        for how in [Break::Before, Break::Half, Break::After] {
            for message in 0.. {
                proxy.plan(Plan { from, message, how });
                count += 1;
                let bytes = count.to_string().into_bytes();
                // The expectation does not hold any more when the retry comes.
                version = state.save_if(Some(version), &bytes).unwrap();
                let mut tx = session.transaction().unwrap();
                tx.append("session.jsonl", [&bytes]).unwrap();
                tx.create(&format!("made{count}"), b"").unwrap();
                tx.commit().unwrap();
                if !proxy.has_broken() {
                    break;
                }
                broken += 1;
            }
        }
    }
    assert!(broken > 20, "only {broken} messages");
    let expected: Vec<_> = (1..=count).map(|n| n.to_string()).collect();
    assert_eq!(texts(&journal), expected);
    assert_eq!(state.load().unwrap().0, count.to_string().into_bytes());
}

#[test]
fn histories_of_the_crates_handles_are_linearizable() {
    let store = store();
    let first = sessions(&store).session("k").unwrap();
    first.journal().unwrap().append(b"\"first\"").unwrap();
    // A document's version is its bytes, so each save has bytes of its own.
    first.state().unwrap().create(b"0").unwrap();
    let began = Instant::now();
    let next = Arc::new(AtomicUsize::new(1));
    let callers: Vec<_> = (0..5)
        .map(|caller| {
            let session = sessions(&store).session("k").unwrap();
            let next = next.clone();
            std::thread::spawn(move || {
                let (journal, state) = (session.journal().unwrap(), session.state().unwrap());
                let mut random = fastrand::Rng::with_seed(caller);
                let mut events = Vec::new();
                let number =
                    |bytes: &[u8]| -> i64 { std::str::from_utf8(bytes).unwrap().parse().unwrap() };
                for i in 0..60 {
                    let now = || u64::try_from(began.elapsed().as_nanos()).unwrap();
                    let record = format!("\"{caller}-{i}\"");
                    let choice = random.u8(..5);
                    let at = journal.end().unwrap();
                    let loaded = (choice == 2).then(|| state.load().unwrap());
                    let start = now();
                    let did = match (choice, loaded) {
                        (0, _) => {
                            let end = journal.append(record.as_bytes()).unwrap();
                            Did::Append {
                                record,
                                end: Some(end.offset as i64),
                            }
                        }
                        (1, _) => {
                            let done = journal.append_at(at, [&record]);
                            if let Err(error) = &done {
                                assert_eq!(error.kind(), ErrorKind::Conflict);
                            }
                            Did::AppendAt {
                                record,
                                at: at.offset as i64,
                                refused: done.is_err(),
                                end: done.ok().map(|end| end.offset as i64),
                            }
                        }
                        (2, Some((bytes, version))) => {
                            let to = next.fetch_add(1, Ordering::SeqCst) as i64;
                            match state.save_if(Some(version), to.to_string().as_bytes()) {
                                Ok(_) => Did::Swap {
                                    from: number(&bytes),
                                    to,
                                },
                                Err(error) => {
                                    assert_eq!(error.kind(), ErrorKind::Conflict);
                                    continue;
                                }
                            }
                        }
                        (3, _) => Did::Version(number(&state.load().unwrap().0)),
                        _ => Did::End(journal.end().unwrap().offset as i64),
                    };
                    events.push(Event {
                        time: start..now(),
                        did,
                    });
                }
                events
            })
        })
        .collect();
    let mut events: Vec<Event> = callers
        .into_iter()
        .flat_map(|caller| caller.join().unwrap())
        .collect();
    events.push(Event {
        time: 0..0,
        did: Did::Append {
            record: "\"first\"".into(),
            end: Some(8),
        },
    });
    judge::appends(&events, &texts(&first.journal().unwrap())).unwrap();
    judge::register(&events, 0).unwrap();
}
