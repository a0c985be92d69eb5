//! Events reach the sink of the process: in order, once, and never under a lock.

use std::fs;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::scene::Scene;
use crate::scene::player::{Player, argument, orders};
use crate::scene::program::{Outcome, Part, Test, say};
use untorn::fault::{Op, Plan};
use untorn::{
    CallOptions, CancelToken, Document, ErrorKind, Event, EventKind, FileLock, Journal, Scheme,
    Severity, Transaction, events,
};

pub const PARTS: &[Part] = &[("event_holder", holder)];

pub const TESTS: &[Test] = &[
    ("a_long_wait_is_reported_with_the_holder", a_long_wait),
    ("a_wait_that_is_cancelled_is_over", a_cancelled_wait),
    ("a_file_in_two_schemes_is_reported", two_schemes),
    ("a_wait_in_this_process_is_reported", a_wait_here),
    ("a_repair_is_reported_once", a_repair),
    ("a_batch_that_was_taken_back_is_reported", an_undone_batch),
    ("settled_changes_are_reported", settled_changes),
    ("a_sweep_is_reported", a_sweep),
    ("a_read_reports_its_first_damage", skipped_damage),
    ("a_rotation_is_reported", a_rotation),
    ("a_failed_sync_is_reported_once", a_failed_sync),
    ("a_sink_may_wait_for_the_very_lock", a_sink_that_locks),
    ("a_sink_that_panics_gets_the_next_event", a_sink_that_panics),
    ("a_sink_that_hangs_takes_little_memory", a_sink_that_hangs),
    ("a_sink_that_was_removed_gets_nothing", a_removed_sink),
    ("an_event_without_a_thread_is_kept", without_a_thread),
    #[cfg(unix)]
    ("a_forked_child_reports_its_own_events", a_forked_child),
];

/// An event that should come has this long.
const LONG: Duration = Duration::from_secs(60);

fn listen() -> Receiver<Event> {
    let (send, events) = channel();
    let send = Mutex::new(send);
    events::set_sink(move |event| drop(send.lock().unwrap().send(event.clone())));
    events
}

/// What came so far.
fn all(events: &Receiver<Event>) -> Vec<Event> {
    assert!(events::flush(LONG));
    events.try_iter().collect()
}

fn one(events: &Receiver<Event>) -> Event {
    let mut all = all(events);
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

/// Holds the lock until it gets the order to release it.
fn holder() {
    let guard = FileLock::options().label("a test").acquire(argument());
    say("taken");
    let _ = orders().next();
    drop(guard);
}

fn held(path: &std::path::Path) -> Player {
    let mut player = Player::start("event_holder", path);
    assert_eq!(player.hear(), "taken");
    player
}

fn a_long_wait() -> Outcome {
    let scene = Scene::new();
    let path = scene.with("s", "{}");
    let events = listen();
    events::set_wait_threshold(Duration::from_millis(20));
    let player = held(&path);
    let pid = player.pid();
    // Waits of every sort: without an end, with one, with a token.
    let token = CancelToken::new();
    std::thread::scope(|threads| {
        let endless = CallOptions::new();
        let calls = [endless, endless.timeout(Some(LONG)), endless.cancel(&token)];
        for call in calls {
            let path = &path;
            threads.spawn(move || {
                Document::open(path)
                    .unwrap()
                    .save_with(b"{}", Default::default(), &call)
                    .unwrap()
            });
        }
        let mut severities = Vec::new();
        while severities.len() < 3 {
            let event = events.recv_timeout(LONG).expect("an event");
            assert_eq!(event.kind, EventKind::Waiting, "{event}");
            assert_eq!(event.operation, "save");
            assert_eq!(event.path, crate::scene::real(&path));
            assert_eq!(event.holder.as_ref().map(|holder| holder.pid), Some(pid));
            assert!(event.waited.unwrap() >= Duration::from_millis(20));
            severities.push(event.severity());
            let words = event.to_string();
            for part in [
                "waiting for the lock for",
                &format!("held by pid {pid} (a test)"),
            ] {
                assert!(words.contains(part), "{words}");
            }
        }
        // Each threshold is reported once, so these are three calls. That with a timeout
        // ends by itself.
        let limited = severities.iter().filter(|&&each| each == Severity::Info);
        assert_eq!(limited.count(), 1, "{severities:?}");
        player.end();
    });
    let rest = all(&events);
    let over = rest.iter().filter(|event| event.kind == EventKind::Waited);
    assert_eq!(over.count(), 3, "{rest:?}");
    Outcome::Passed
}

fn two_schemes() -> Outcome {
    let schemes = [Scheme::Sidecar, Scheme::InPlace, Scheme::PidFile];
    let events = listen();
    for theirs in schemes {
        for own in schemes {
            let scene = Scene::new();
            let path = scene.path("j");
            let open = |scheme| Journal::options().scheme(scheme).open(&path).unwrap();
            let journal = open(theirs);
            journal.append(b"[1]").unwrap();
            journal.rewind("0:0".parse().unwrap()).unwrap().unwrap();
            // Twice: it is reported once.
            drop((open(own), open(own)));
            let seen = all(&events);
            if theirs == own {
                assert_eq!(seen, [], "{own}");
                continue;
            }
            let [event] = &seen[..] else {
                panic!("{own} next to {theirs}: {seen:?}");
            };
            let sign = match theirs {
                Scheme::Sidecar => "j.lock",
                Scheme::InPlace => "j.redo",
                _ => "j.lock.guard",
            };
            assert_eq!(event.kind, EventKind::OtherScheme);
            assert_eq!(event.severity(), Severity::Warning);
            assert_eq!(event.path, crate::scene::real(&path));
            let sign = crate::scene::real(&path).with_file_name(sign);
            let words = event.to_string();
            for part in [
                format!(
                    "scheme {own}, and {} was made by scheme {theirs}",
                    sign.display()
                ),
                format!("if no program uses {theirs} any more, delete it"),
            ] {
                assert!(words.contains(&part), "{words}");
            }
        }
    }
    // Another program's lock file is no sign of a scheme.
    let scene = Scene::new();
    let path = scene.with("Cargo", "[1]\n");
    scene.with("Cargo.lock", "# This file is generated\n");
    for scheme in [Scheme::InPlace, Scheme::PidFile] {
        drop(Journal::options().scheme(scheme).open(&path).unwrap());
    }
    assert_eq!(all(&events), []);
    Outcome::Passed
}

fn a_cancelled_wait() -> Outcome {
    let scene = Scene::new();
    let path = scene.path("s");
    let events = listen();
    events::set_wait_threshold(Duration::from_millis(5));
    let player = held(&path);
    let token = CancelToken::new();
    let call = CallOptions::new().cancel(&token);
    std::thread::scope(|threads| {
        let waits = threads.spawn(|| FileLock::options().acquire_with(&path, &call).map(drop));
        assert_eq!(
            events.recv_timeout(LONG).expect("an event").kind,
            EventKind::Waiting
        );
        token.cancel();
        let error = waits.join().unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Cancelled);
    });
    let last = all(&events).pop().expect("an event");
    assert_eq!((last.kind, last.holder), (EventKind::Waited, None));
    player.end();
    Outcome::Passed
}

fn a_wait_here() -> Outcome {
    let scene = Scene::new();
    let path = scene.path("s");
    let events = listen();
    events::set_wait_threshold(Duration::from_millis(5));
    for scheme in [Scheme::Sidecar, Scheme::InPlace, Scheme::PidFile] {
        let path = path.with_extension(scheme.as_str());
        fs::write(&path, "").unwrap();
        let options = || FileLock::options().scheme(scheme);
        let guard = options().acquire(&path).unwrap();
        std::thread::scope(|threads| {
            let waits = threads.spawn(|| options().acquire(&path).map(drop));
            let event = events.recv_timeout(LONG).expect("an event");
            let pid = event.holder.as_ref().map(|holder| holder.pid);
            assert_eq!(pid, Some(std::process::id()), "{scheme}: {event}");
            drop(guard);
            waits.join().unwrap().unwrap();
        });
        let rest = all(&events);
        assert_eq!(rest.last().map(|event| event.kind), Some(EventKind::Waited));
    }
    Outcome::Passed
}

fn a_repair() -> Outcome {
    let scene = Scene::new();
    let path = scene.with("j", "{\"n\":1}\n{\"n\":2");
    let events = listen();
    let journal = Journal::open(&path).unwrap();
    // A reader can't distinguish it from an append in progress.
    assert_eq!(journal.records().unwrap().count(), 1);
    journal.append(b"{\"n\":3}").unwrap();
    journal.append(b"{\"n\":4}").unwrap();
    let event = one(&events);
    let real = crate::scene::real(&path);
    assert_eq!(event.kind, EventKind::Repaired);
    assert_eq!((event.offset, event.bytes), (Some(8), Some(6)));
    let torn = event.kept.clone().expect("the bytes are kept");
    assert!(fs::read_to_string(&torn).unwrap().contains("{\"n\":2\n"));
    assert_eq!(
        event.to_string(),
        format!(
            "repair {}: a torn tail of 6 bytes at offset 8 was cut; kept in {}",
            real.display(),
            torn.display()
        )
    );
    let path = scene.with("whole", "{\"n\":1}");
    Journal::open(&path).unwrap().append(b"{\"n\":2}").unwrap();
    let event = one(&events);
    assert_eq!((event.bytes, event.kept), (Some(0), None));
    Outcome::Passed
}

fn an_undone_batch() -> Outcome {
    let scene = Scene::new();
    let path = scene.path("j");
    crate::scene::journal(&path).append(b"{\"n\":0}").unwrap();
    let long = format!("{{\"n\":\"{}\"}}", "x".repeat(3000));
    let batch = || Journal::open(&path).unwrap().append_all([&long, &long]);
    let (_, calls) = Plan::new().run(batch);
    let writes = (0..calls.len()).filter(|n| calls[*n] == Op::Write);
    let mut undone = 0;
    for n in writes {
        // Its process dies in the middle of this write.
        events::remove_sink();
        let before = fs::metadata(&path).unwrap().len();
        let _ = Plan::new().short(n, 1000).die(n + 1).run(batch);
        let part = fs::metadata(&path).unwrap().len() - before;
        let events = listen();
        Journal::open(&path).unwrap().append(b"{\"n\":9}").unwrap();
        if part == 1000 {
            undone += 1;
            let event = one(&events);
            assert_eq!(event.kind, EventKind::Undone, "{event}");
            assert_eq!((event.offset, event.bytes), (Some(before), Some(part)));
            assert!(event.kept.expect("the bytes are kept").exists());
        } else {
            assert_eq!(all(&events), [], "after write {n} of {calls:?}");
        }
    }
    assert_eq!(undone, 1);
    Outcome::Passed
}

fn settled_changes() -> Outcome {
    let scene = Scene::new();
    let dir = scene.path("d");
    fs::create_dir(&dir).unwrap();
    let commit = |n: u32| {
        let value = format!("{{\"n\":{n}}}");
        let mut tx = Transaction::begin(&dir)?;
        tx.save("a", value.as_bytes())?;
        tx.save("b", value.as_bytes())?;
        tx.commit()
    };
    commit(0).unwrap();
    let (_, calls) = Plan::new().run(|| commit(1));
    let events = listen();
    let mut words = Vec::new();
    for n in 0..calls.len() {
        let (result, _) = Plan::new().die(n).run(|| commit(n as u32 + 2));
        Document::open(dir.join("a")).unwrap().save(b"{}").unwrap();
        commit(1).unwrap();
        let all = all(&events);
        let settled: Vec<_> = all
            .iter()
            .filter(|event| event.kind == EventKind::Recovered)
            .collect();
        assert!(settled.len() <= 1, "{settled:?}");
        assert!(result.is_err() || n + 8 > calls.len());
        for event in settled {
            assert_eq!(event.path, crate::scene::real(&dir), "{event}");
            words.push(event.detail.clone().unwrap());
        }
    }
    for what in [
        "a transaction was taken back: a, b",
        "a transaction was finished: a, b",
    ] {
        assert!(words.iter().any(|found| found == what), "{words:?}");
    }
    Outcome::Passed
}

fn a_sweep() -> Outcome {
    let scene = Scene::new();
    let path = scene.path("s");
    let save = || Document::open(&path).unwrap().save(b"{}");
    let (_, calls) = Plan::new().run(save);
    let rename = calls
        .iter()
        .position(|op| *op == Op::Rename)
        .expect("it renames");
    let scene = Scene::new();
    let path = scene.path("s");
    let events = listen();
    let save = || Document::open(&path).unwrap().save(b"{}");
    assert!(Plan::new().die(rename - 1).run(save).0.is_err());
    // A save sweeps a directory that this process has not swept lately.
    let other = scene.path("link");
    fs::create_dir(&other).unwrap();
    let names = fs::read_dir(scene.dir()).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    for name in names.filter(|name| name.ends_with(".untorn")) {
        fs::rename(scene.path(&name), other.join(&name)).unwrap();
    }
    Document::open(other.join("s"))
        .unwrap()
        .save(b"{}")
        .unwrap();
    let event = one(&events);
    let swept = (event.kind, event.count, event.severity());
    assert_eq!(swept, (EventKind::Swept, Some(1), Severity::Info));
    assert_eq!(event.path, crate::scene::real(&other));
    Outcome::Passed
}

fn skipped_damage() -> Outcome {
    let scene = Scene::new();
    let path = scene.with("j", "{\"n\":1}\n\0\0\0\n\0\n{\"n\":2}\n");
    let events = listen();
    let journal = Journal::open(&path).unwrap();
    for read in 1..=2 {
        assert_eq!(journal.records().unwrap().count(), 2);
        let event = one(&events);
        assert_eq!(event.kind, EventKind::SkippedDamage, "read {read}");
        assert_eq!(event.damage, Some("nul_run"));
        assert_eq!((event.offset, event.bytes), (Some(8), Some(4)));
    }
    // Its report is the answer.
    assert_eq!(journal.verify().unwrap().damage_count, 2);
    assert_eq!(all(&events), []);
    Outcome::Passed
}

fn a_rotation() -> Outcome {
    let scene = Scene::new();
    let path = scene.path("j.jsonl");
    let events = listen();
    let journal = Journal::options().max_bytes(Some(10)).open(&path).unwrap();
    for _ in 0..3 {
        journal.append(b"{\"n\":1234}").unwrap();
    }
    let rotated: Vec<_> = all(&events)
        .into_iter()
        .map(|event| (event.kind, event.kept))
        .collect();
    let kept = |name| Some(crate::scene::real(&path).with_file_name(name));
    assert_eq!(
        rotated,
        [
            (EventKind::Rotated, kept("j_1.jsonl")),
            (EventKind::Rotated, kept("j_2.jsonl"))
        ]
    );
    Outcome::Passed
}

fn a_failed_sync() -> Outcome {
    let scene = Scene::new();
    let path = scene.path("j");
    let events = listen();
    let journal = Journal::open(&path).unwrap();
    let plan = Plan::new().fail_every(Op::SyncData, untorn_errno());
    let (result, _) = plan.run(|| journal.append(b"1"));
    assert_eq!(result.unwrap_err().kind(), ErrorKind::NotDurable);
    assert_eq!(
        journal.append(b"2").unwrap_err().kind(),
        ErrorKind::Poisoned
    );
    let event = one(&events);
    let found = (event.kind, event.severity());
    assert_eq!(found, (EventKind::Poisoned, Severity::Error));
    Outcome::Passed
}

fn untorn_errno() -> i32 {
    const EIO: i32 = 5;
    EIO
}

fn a_sink_that_locks() -> Outcome {
    let scene = Scene::new();
    let path = scene.with("j", "{\"n\":1}\n{\"n\":2");
    let log = scene.path("log");
    let (there, at) = (path.clone(), log.clone());
    events::set_sink(move |event| {
        // The lock that the event's call had, or still has.
        let guard = FileLock::acquire(&there).unwrap();
        let line = serde_json::to_vec(&event.to_string()).unwrap();
        Journal::open(&at).unwrap().append(&line).unwrap();
        drop(guard);
    });
    let guard = FileLock::acquire(&path).unwrap();
    let journal = Journal::open(&path).unwrap();
    journal
        .append_with(b"{\"n\":3}", &CallOptions::new().lock(&guard))
        .unwrap();
    // The caller goes on while the sink waits for it.
    assert!(!events::flush(Duration::ZERO));
    drop(guard);
    assert!(events::flush(LONG));
    assert_eq!(crate::scene::records(&log).len(), 1);
    Outcome::Passed
}

/// Makes one event for each call.
fn tear(scene: &Scene, name: &str) {
    let path = scene.with(name, "{\"n\":1}\n{\"n\":2");
    Journal::open(path).unwrap().append(b"{}").unwrap();
}

fn a_sink_that_panics() -> Outcome {
    let scene = Scene::new();
    let seen = Arc::new(Mutex::new(0));
    let count = Arc::clone(&seen);
    std::panic::set_hook(Box::new(|_| {}));
    events::set_sink(move |_| {
        *count.lock().unwrap_or_else(|error| error.into_inner()) += 1;
        panic!("it always does");
    });
    tear(&scene, "a");
    tear(&scene, "b");
    assert!(events::flush(LONG));
    assert_eq!(*seen.lock().unwrap(), 2);
    Outcome::Passed
}

fn a_sink_that_hangs() -> Outcome {
    let scene = Scene::new();
    let (go, gate) = channel::<()>();
    let gate = Mutex::new(gate);
    let (send, seen) = channel();
    let send = Mutex::new(send);
    events::set_sink(move |event| {
        let _ = gate.lock().unwrap().recv();
        send.lock().unwrap().send(event.clone()).unwrap();
    });
    let path = scene.with("j", "\0\n");
    let journal = Journal::open(path).unwrap();
    let made = 3000;
    for _ in 0..made {
        assert_eq!(journal.records().unwrap().count(), 0);
    }
    drop(go);
    assert!(events::flush(LONG));
    let seen: Vec<Event> = seen.try_iter().collect();
    let last = seen.last().unwrap();
    assert_eq!(last.kind, EventKind::Dropped);
    assert!(last.count.unwrap() > 1000);
    assert_eq!(seen.len() as u64 - 1 + last.count.unwrap(), made);
    Outcome::Passed
}

fn a_removed_sink() -> Outcome {
    let scene = Scene::new();
    let inner = Arc::new(());
    let (first, kept) = (listen(), Arc::clone(&inner));
    tear(&scene, "a");
    assert_eq!(all(&first).len(), 1);
    events::set_sink(move |_| {
        let _ = &kept;
        std::thread::sleep(Duration::from_millis(1));
    });
    tear(&scene, "b");
    events::remove_sink();
    // It returns when the sink is no longer running, and is dropped.
    assert_eq!(Arc::strong_count(&inner), 1);
    tear(&scene, "c");
    assert!(events::flush(LONG));
    assert_eq!(first.try_iter().count(), 0);
    Outcome::Passed
}

fn without_a_thread() -> Outcome {
    let scene = Scene::new();
    let events = listen();
    let no_threads = || Plan::new().fail_every(Op::StartThread, 11);
    no_threads().run(|| tear(&scene, "a"));
    assert_eq!(events.try_iter().count(), 0);
    // Here nothing is held, so the caller can run the sink itself.
    no_threads().run(|| assert_eq!(all(&events).len(), 1));
    no_threads().run(|| tear(&scene, "b"));
    tear(&scene, "c");
    assert_eq!(events.iter().take(2).count(), 2);
    Outcome::Passed
}

#[cfg(unix)]
fn a_forked_child() -> Outcome {
    let scene = Scene::new();
    let log = scene.path("log");
    let (at, gate) = (log.clone(), Arc::new(Mutex::new(())));
    let opens = Arc::clone(&gate);
    events::set_sink(move |event| {
        drop(opens.lock());
        let line = format!("[{}, {:?}]", std::process::id(), event.offset.unwrap());
        Journal::open(&at).unwrap().append(line.as_bytes()).unwrap();
    });
    let shut = gate.lock().unwrap();
    tear(&scene, "a");
    // The parent's event is still queued, or with the sink, when it forks.
    // SAFETY: the child only uses this library and ends.
    let pid = unsafe { libc::fork() };
    if pid == 0 {
        drop(shut);
        tear(&scene, "b");
        let flushed = events::flush(LONG);
        // SAFETY: ends the child without what the parent has to do at its end.
        unsafe { libc::_exit(i32::from(!flushed)) }
    }
    let mut status = 0;
    // SAFETY: our own child.
    assert_eq!(unsafe { libc::waitpid(pid, &raw mut status, 0) }, pid);
    assert_eq!(status, 0);
    drop(shut);
    assert!(events::flush(LONG));
    let pids: Vec<_> = crate::scene::records(&log)
        .iter()
        .map(|record| record[0].as_i64().unwrap())
        .collect();
    assert_eq!(pids, [i64::from(pid), i64::from(std::process::id())]);
    Outcome::Passed
}
