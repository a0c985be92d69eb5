//! Many threads on one handle, and callers that do not wait: what they write together,
//! in which order, and which answer each gets.

use std::collections::BTreeMap;
use std::sync::mpsc;
use std::time::Duration;

use crate::scene;
use crate::scene::{Scene, bytes, records};
use untorn::fault::{Op, Plan};
use untorn::{CallOptions, CancelToken, Durability, ErrorKind, FileLock, Journal};

#[test]
fn every_record_once_and_in_its_writers_order() {
    for durability in [Durability::Process, Durability::Power] {
        let scene = Scene::new();
        let path = scene.path("j");
        let journal = Journal::options()
            .durability(durability)
            .open(&path)
            .unwrap();
        let each = if durability == Durability::Power {
            50
        } else {
            500
        };
        std::thread::scope(|threads| {
            for writer in 0..16 {
                let journal = &journal;
                threads.spawn(move || {
                    let mut last = None;
                    for n in 0..each {
                        let record = |m| format!("{{\"writer\":{writer},\"n\":{m}}}");
                        let end = if n % 10 == 9 {
                            journal
                                .append_all([record(2 * n), record(2 * n + 1)])
                                .unwrap()
                        } else {
                            journal.append(record(2 * n).as_bytes()).unwrap()
                        };
                        assert!(Some(end) > last, "positions grow");
                        last = Some(end);
                    }
                });
            }
        });
        let mut by_writer: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
        let read = records(&path);
        for pair in read.windows(2) {
            // An append of two is contiguous.
            let n = pair[0]["n"].as_u64().unwrap();
            if n % 20 == 18 {
                assert_eq!(pair[1]["writer"], pair[0]["writer"]);
                assert_eq!(pair[1]["n"], n + 1);
            }
        }
        for record in &read {
            let list = by_writer
                .entry(record["writer"].as_u64().unwrap())
                .or_default();
            list.push(record["n"].as_u64().unwrap());
        }
        assert_eq!(by_writer.len(), 16);
        for list in by_writer.values() {
            assert_eq!(list.len(), each + each / 10);
            assert!(list.is_sorted_by(|a, b| a < b));
        }
    }
}

#[test]
fn the_position_is_the_end_of_ones_own_record() {
    let scene = Scene::new();
    let path = scene.path("j");
    let journal = scene::journal(&path);
    let (done, results) = mpsc::channel();
    let guard = FileLock::acquire(&path).unwrap();
    for n in 0..100 {
        let mut batch = journal.batch();
        for m in 0..=n % 3 {
            batch.push(format!("[{n},{m}]").as_bytes()).unwrap();
        }
        let done = done.clone();
        journal.append_queued(batch, None, None, None, move |result| {
            done.send((n, result.unwrap())).unwrap();
        });
    }
    drop((guard, done));
    let told: Vec<_> = results.iter().collect();
    assert_eq!(told.len(), 100);
    let all = bytes(&path);
    for (expected, (n, end)) in told.into_iter().enumerate() {
        assert_eq!(n, expected, "told in the order of the calls");
        let before = &all[..usize::try_from(end.offset).unwrap()];
        assert!(before.ends_with(format!("[{n},{}]\n", n % 3).as_bytes()));
    }
}

#[test]
fn what_queues_up_is_committed_together() {
    let scene = Scene::new();
    let path = scene.path("j");
    let journal = scene::journal(&path);
    journal.append(b"[0]").unwrap();
    let guard = FileLock::acquire(&path).unwrap();
    let (done, results) = mpsc::channel();
    // The first of them leads, on a thread of its own, and waits for the lock.
    for n in 1..1000 {
        let mut batch = journal.batch();
        batch.push(format!("[{n}]").as_bytes()).unwrap();
        let done = done.clone();
        journal.append_queued(batch, None, None, None, move |result| {
            done.send(result).unwrap()
        });
    }
    drop((guard, done));
    let ends: Vec<_> = results.iter().map(Result::unwrap).collect();
    assert_eq!(ends.len(), 999);
    let order: Vec<_> = records(&path)
        .iter()
        .map(|r| r[0].as_u64().unwrap())
        .collect();
    assert!(order.is_sorted() && order.len() == 1000);
    // How many writes: a thread that leads for all makes one.
    let (_, calls) = Plan::new().run(|| {
        std::thread::scope(|_| {
            journal
                .append_all((0..100).map(|n| format!("[{n}]")))
                .unwrap()
        })
    });
    assert_eq!(
        calls.iter().filter(|op| **op == Op::Write).count(),
        2,
        "the note, and the lines"
    );
}

#[test]
fn followers_have_their_own_patience() {
    let scene = Scene::new();
    let path = scene.path("j");
    let journal = scene::journal(&path);
    std::thread::scope(|threads| {
        // In here, so that a failure lets the others end.
        let guard = FileLock::acquire(&path).unwrap();
        // Leads, and waits for the lock for as long as it takes.
        let leader = threads.spawn(|| journal.append(b"[\"leader\"]"));
        let (done, result) = mpsc::channel();
        let token = CancelToken::new();
        let queue = |name: &str, timeout, token: Option<CancelToken>| {
            let mut batch = journal.batch();
            batch.push(format!("[\"{name}\"]").as_bytes()).unwrap();
            let (done, name) = (done.clone(), name.to_owned());
            journal.append_queued(batch, None, timeout, token, move |result| {
                done.send((name, result)).unwrap();
            });
        };
        queue("cancelled", None, Some(token.clone()));
        queue("stays", None, None);
        token.cancel();
        let (name, got) = result.recv().unwrap();
        assert_eq!(name, "cancelled");
        assert_eq!(got.unwrap_err().kind(), ErrorKind::Cancelled);
        let short = CallOptions::new().timeout(Some(Duration::from_millis(20)));
        let error = journal.append_with(b"[\"impatient\"]", &short).unwrap_err();
        assert_eq!(
            error.kind(),
            ErrorKind::Deadlock,
            "this thread has the lock"
        );
        let other = threads.spawn(|| {
            journal.append_with(
                b"[]",
                &CallOptions::new().timeout(Some(Duration::from_millis(20))),
            )
        });
        let error = other.join().unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::LockTimeout);
        assert_eq!(error.holder().unwrap().pid, std::process::id());
        drop(guard);
        leader.join().unwrap().unwrap();
        let (name, got) = result.recv().unwrap();
        assert_eq!(name, "stays");
        got.unwrap();
    });
    let mut names: Vec<_> = records(&path)
        .iter()
        .map(|r| r[0].as_str().unwrap().to_owned())
        .collect();
    names.sort();
    assert_eq!(names, ["leader", "stays"]);
}

#[test]
fn a_queued_call_that_times_out_lets_the_next_one_lead() {
    let scene = Scene::new();
    let path = scene.path("j");
    let journal = scene::journal(&path);
    let guard = FileLock::acquire(&path).unwrap();
    let (done, result) = mpsc::channel();
    for timeout in [Some(Duration::from_millis(10)), Some(Duration::ZERO), None] {
        let mut batch = journal.batch();
        batch.push(b"[1]").unwrap();
        let done = done.clone();
        journal.append_queued(batch, None, Some(timeout), None, move |r| {
            done.send(r).unwrap()
        });
    }
    // The one that tries once does not wait for the others.
    let mut refused = [(); 2].map(|()| result.recv().unwrap().unwrap_err().kind().code());
    refused.sort_unstable();
    assert_eq!(refused, ["LOCKED", "LOCK_TIMEOUT"]);
    drop(guard);
    result.recv().unwrap().unwrap();
    assert_eq!(records(&path).len(), 1);
}

/// The lock is held until the others have their answers.
#[test]
fn a_queued_call_keeps_its_time_behind_one_that_waits() {
    let scene = Scene::new();
    let path = scene.path("j");
    let journal = scene::journal(&path);
    let guard = FileLock::acquire(&path).unwrap();
    let (done, result) = mpsc::channel();
    let queue = |n: u32, timeout: Option<Duration>| {
        let mut batch = journal.batch();
        batch.push(format!("[{n}]").as_bytes()).unwrap();
        let done = done.clone();
        journal.append_queued(batch, None, Some(timeout), None, move |got| {
            done.send((n, got)).unwrap();
        });
    };
    queue(0, None);
    queue(1, Some(Duration::from_millis(40)));
    queue(2, None);
    queue(3, Some(Duration::from_millis(20)));
    // Far longer than it takes: it lasts forever if no thread keeps the time.
    let next = || {
        result
            .recv_timeout(Duration::from_secs(60))
            .expect("somebody is told")
    };
    let mut told = [next(), next()].map(|(n, got)| (n, got.unwrap_err().kind()));
    told.sort_by_key(|(n, _)| *n);
    assert_eq!(told, [1, 3].map(|n| (n, ErrorKind::LockTimeout)));
    drop(guard);
    let mut there = [next(), next()].map(|(n, got)| got.map(|_| n).unwrap());
    there.sort_unstable();
    assert_eq!(there, [0, 2]);
    assert_eq!(bytes(&path), b"[0]\n[2]\n");
}

#[test]
fn a_queued_call_that_tries_once_does_not_stand_behind_one_that_waits() {
    let scene = Scene::new();
    let path = scene.path("j");
    let journal = scene::journal(&path);
    let guard = FileLock::acquire(&path).unwrap();
    let (done, result) = mpsc::channel();
    let queue = |timeout: Option<Duration>| {
        let mut batch = journal.batch();
        batch.push(b"[1]").unwrap();
        let done = done.clone();
        journal.append_queued(batch, None, Some(timeout), None, move |got| {
            done.send((timeout, got)).unwrap();
        });
    };
    queue(None);
    for _ in 0..3 {
        queue(Some(Duration::ZERO));
        let (timeout, got) = result.recv().unwrap();
        assert_eq!(timeout, Some(Duration::ZERO));
        assert_eq!(got.unwrap_err().kind(), ErrorKind::Locked);
    }
    drop(guard);
    let (timeout, got) = result.recv().unwrap();
    assert_eq!(timeout, None);
    got.unwrap();
    // Behind one that only writes it takes its turn.
    queue(None);
    queue(Some(Duration::ZERO));
    for _ in 0..2 {
        result.recv().unwrap().1.unwrap();
    }
    assert_eq!(records(&path).len(), 3);
}

#[test]
fn one_bad_append_does_not_spoil_its_neighbours() {
    let scene = Scene::new();
    let path = scene.path("j");
    let journal = scene::journal(&path);
    let end = journal.append(b"[0]").unwrap();
    let guard = FileLock::acquire(&path).unwrap();
    let (done, result) = mpsc::channel();
    for at in [None, Some(end), None] {
        let mut batch = journal.batch();
        batch.push(b"[1]").unwrap();
        let done = done.clone();
        journal.append_queued(batch, at, None, None, move |r| done.send(r).unwrap());
    }
    drop(guard);
    result.recv().unwrap().unwrap();
    let conflict = result.recv().unwrap().unwrap_err();
    assert_eq!(conflict.kind(), ErrorKind::Conflict);
    assert_eq!(conflict.position().unwrap().offset, 8);
    result.recv().unwrap().unwrap();
    assert_eq!(records(&path).len(), 3);
}

#[test]
fn a_callback_that_panics_harms_nobody_else() {
    let scene = Scene::new();
    let path = scene.path("j");
    let journal = scene::journal(&path);
    let guard = FileLock::acquire(&path).unwrap();
    let (done, result) = mpsc::channel();
    for n in 0..3 {
        let mut batch = journal.batch();
        batch.push(b"[1]").unwrap();
        let done = done.clone();
        journal.append_queued(batch, None, None, None, move |r| {
            assert!(n != 1, "the one that panics");
            done.send(r.unwrap()).unwrap();
        });
    }
    drop((guard, done));
    assert_eq!(result.iter().count(), 2);
    assert_eq!(records(&path).len(), 3);
    journal.append(b"[2]").unwrap();
}

/// The lead of what was queued is no thread's that appends besides.
#[test]
fn who_queued_an_append_may_append_meanwhile() {
    let scene = Scene::new();
    let path = scene.path("j");
    let journal = scene::journal(&path);
    let record = format!("\"{}\"", "x".repeat(1 << 20));
    let mut batch = journal.batch();
    for _ in 0..48 {
        batch.push(record.as_bytes()).unwrap();
    }
    let (done, result) = mpsc::channel();
    journal.append_queued(batch, None, None, None, move |r| done.send(r).unwrap());
    // It has the lock from before its first byte to its last.
    while std::fs::metadata(&path).map_or(0, |seen| seen.len()) == 0 {
        std::thread::yield_now();
    }
    journal.append(b"2").unwrap();
    result.recv().unwrap().unwrap();
    assert_eq!(journal.tail(1).unwrap()[0].bytes, b"2");
}

/// What a caller gives to be asked for interrupts, where it panics.
fn panics() -> bool {
    panic!("on purpose");
}

/// The one that leads, and one that stands in the queue, while others wait.
#[test]
fn a_waiting_call_that_panics_harms_nobody_else() {
    let scene = Scene::new();
    let path = scene.path("j");
    let journal = scene::journal(&path);
    let append = |call: &CallOptions<'_>| journal.append_with(b"[1]", call).map(drop);
    for round in 0..20 {
        let long = CallOptions::new().timeout(Some(Duration::from_secs(20)));
        let guard = FileLock::acquire(&path).unwrap();
        std::thread::scope(|threads| {
            let panic = || threads.spawn(|| append(&long.interrupt(&panics)));
            let first = (round % 2 == 0).then(panic);
            let waits: Vec<_> = (0..3).map(|_| threads.spawn(|| append(&long))).collect();
            let last = panic();
            // It may get the lead while it panics.
            for one in first.into_iter().chain([last]) {
                let why = one.join().unwrap_err();
                assert_eq!(why.downcast_ref(), Some(&"on purpose"));
            }
            drop(guard);
            for one in waits {
                one.join().unwrap().unwrap();
            }
        });
    }
    assert_eq!(records(&path).len(), 60);
    // Nor does it keep the lock itself, nor a place before it.
    let guard = FileLock::acquire(&path).unwrap();
    let lock = |call: &CallOptions<'_>| FileLock::options().acquire_with(&path, call).map(drop);
    std::thread::scope(|threads| {
        let panics = threads.spawn(|| lock(&CallOptions::new().interrupt(&panics)));
        let waits =
            threads.spawn(|| lock(&CallOptions::new().timeout(Some(Duration::from_secs(20)))));
        panics.join().unwrap_err();
        drop(guard);
        waits.join().unwrap().unwrap();
    });
}

#[test]
fn a_leader_that_panics_leaves_nobody_waiting() {
    let scene = Scene::new();
    let path = scene.path("j");
    let journal = scene::journal(&path);
    let guard = FileLock::acquire(&path).unwrap();
    let (done, result) = mpsc::channel();
    let (leads, is_led) = mpsc::channel();
    std::thread::scope(|threads| {
        let leader = threads.spawn(|| {
            let panic = move |call: &untorn::fault::Call<'_>| {
                let _ = leads.send(());
                assert!(call.op != Op::Write, "on purpose");
            };
            Plan::new().before(panic).run(|| journal.append(b"[0]"))
        });
        // It opens the lock file: it leads.
        is_led.recv().unwrap();
        for _ in 0..3 {
            let mut batch = journal.batch();
            batch.push(b"[1]").unwrap();
            let done = done.clone();
            journal.append_queued(batch, None, None, None, move |result| {
                done.send(result).unwrap();
            });
        }
        drop((guard, done));
        assert!(leader.join().is_err());
    });
    let limit = Duration::from_secs(20);
    for _ in 0..3 {
        let error = result.recv_timeout(limit).expect("an answer").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Internal);
    }
    journal.append(b"[2]").unwrap();
    assert_eq!(bytes(&path), b"[2]\n");
}
