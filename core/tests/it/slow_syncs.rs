//! Syncs that take long, as on a machine whose processors are all taken.
#![cfg(target_os = "linux")]

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use crate::scene::Scene;
use untorn::fault::{Op, Plan};
use untorn::{ErrorKind, Journal};

/// A journal whose threads have waited for each other's syncs, each of which took 4 ms.
fn waited_for(scene: &Scene) -> Journal {
    let journal = Journal::open(scene.path("j")).unwrap();
    std::thread::scope(|threads| {
        for _ in 0..4 {
            threads.spawn(|| {
                let slow = Plan::new().before(|call| {
                    if call.op == Op::SyncData {
                        // This is the medium: no event would end it sooner.
                        std::thread::sleep(Duration::from_millis(4));
                    }
                });
                slow.run(|| {
                    for _ in 0..10 {
                        journal.append(b"[]").unwrap();
                    }
                });
            });
        }
    });
    journal
}

#[test]
fn they_run_side_by_side() {
    let scene = Scene::quick();
    let journal = waited_for(&scene);
    // One sync of many runs alone, to measure it. The next does not.
    let beside = (0..2).any(|_| {
        let (begun, begins) = channel();
        let (done, is_done) = channel();
        std::thread::scope(|threads| {
            let journal = &journal;
            let first = threads.spawn(move || {
                let (found, beside) = channel();
                let held = Plan::new().before(move |call| {
                    if call.op == Op::SyncData {
                        begun.send(()).unwrap();
                        let other = is_done.recv_timeout(Duration::from_secs(2));
                        found.send(other != Err(RecvTimeoutError::Timeout)).unwrap();
                    }
                });
                held.run(|| journal.append(b"[1]").unwrap());
                beside.recv().unwrap()
            });
            begins.recv().unwrap();
            journal.append(b"[2]").unwrap();
            done.send(()).unwrap();
            first.join().unwrap()
        })
    });
    assert!(beside, "a sync runs beside a slow one");
}

#[test]
fn one_that_fails_beside_others_poisons_the_handle() {
    let scene = Scene::quick();
    let journal = waited_for(&scene);
    let (result, _) = Plan::new()
        .judge(|call| match call.op {
            Op::SyncData => untorn::fault::Verdict::Fail(libc::EIO),
            _ => untorn::fault::Verdict::Go,
        })
        .run(|| journal.append(b"[1]"));
    assert_eq!(result.unwrap_err().kind(), ErrorKind::NotDurable);
    let next = journal.append(b"[2]").unwrap_err();
    assert_eq!(next.kind(), ErrorKind::Poisoned);
}
