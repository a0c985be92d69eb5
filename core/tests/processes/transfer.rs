//! A lock that moves from a supervisor to its worker: no other gets in between, and a
//! worker that dies keeps no other out.

use std::fs;
use std::path::Path;
use std::time::Duration;

use crate::scene;
use crate::scene::Scene;
use crate::scene::player::{Player, argument, orders};
use crate::scene::program::{Outcome, Part, Test, say};
use untorn::fault::Plan;
use untorn::{
    Alive, CallOptions, CancelToken, ErrorKind, FileLock, Journal, LockOptions, Process, Scheme,
    holder,
};

pub const PARTS: &[Part] = &[("worker", worker), ("waiter", waiter), ("looker", looker)];

pub const TESTS: &[Test] = &[
    ("the_heir_is_the_next", the_heir_is_the_next),
    ("others_are_refused_meanwhile", others_are_refused_meanwhile),
    ("a_dead_heir_keeps_nobody_out", a_dead_heir_keeps_nobody_out),
    (
        "an_heir_that_tries_once_gets_it",
        an_heir_that_tries_once_gets_it,
    ),
    ("an_unseen_heir_has_a_minute", an_unseen_heir_has_a_minute),
    ("what_can_not_be_given", what_can_not_be_given),
    ("every_call_of_a_transfer_fails_once", every_call_fails_once),
    (
        "a_reservation_that_was_cut_short",
        a_reservation_that_was_cut_short,
    ),
    ("to_oneself", to_oneself),
];

fn once() -> LockOptions {
    FileLock::options().timeout(Some(Duration::ZERO))
}

/// Takes the lock on request, and releases it on request.
fn worker() {
    let path = argument();
    let mut guard = None;
    for order in orders() {
        match order.as_str() {
            "try" => match once().acquire(&path) {
                Ok(taken) => {
                    guard = Some(taken);
                    say("taken");
                }
                Err(error) => say(error.kind().code()),
            },
            "note" => {
                note(&path, "worker");
                say("noted");
            }
            "drop" => {
                guard = None;
                say("dropped");
            }
            other => panic!("no such order: {other}"),
        }
    }
    drop(guard);
}

fn waiter() {
    let path = argument();
    let guard = FileLock::acquire(&path).unwrap();
    note(&path, "waiter");
    drop(guard);
    say("done");
}

/// Tries until it gets the order to stop, and asserts that it never has the lock while
/// another works.
fn looker() {
    let path = argument();
    let stop = path.with_extension("stop");
    say("looking");
    while !stop.exists() {
        drop(once().acquire(&path));
    }
}

/// Under the lock: who has it.
fn note(path: &Path, who: &str) {
    let notes = path.with_extension("notes");
    let mut all = fs::read_to_string(&notes).unwrap_or_default();
    all.push_str(who);
    all.push('\n');
    fs::write(notes, all).unwrap();
}

/// Windows does not tell who waits: they may come later there, which is no less
/// right but shows less.
#[cfg(windows)]
fn await_waiters(_: &Path, _: usize) {}

/// Waits until so many processes wait for this lock file in the kernel.
#[cfg(unix)]
fn await_waiters(lock: &Path, count: usize) {
    use std::os::unix::fs::MetadataExt;

    let inode = format!(":{} ", fs::metadata(lock).unwrap().ino());
    loop {
        let table = fs::read_to_string("/proc/locks").unwrap();
        let waiting = table
            .lines()
            .filter(|line| line.contains("->") && line.contains(&inode))
            .count();
        if waiting >= count {
            return;
        }
        std::thread::yield_now();
    }
}

fn the_heir_is_the_next() -> Outcome {
    let scene = Scene::new();
    let path = scene.path("s");
    for _ in 0..5 {
        let guard = FileLock::acquire(&path).unwrap();
        let mut heir = Player::start("worker", &path);
        let mut waiters: Vec<_> = (0..3).map(|_| Player::start("waiter", &path)).collect();
        await_waiters(guard.lock_path(), 3);
        guard.transfer(&Process::of(heir.pid())).unwrap();
        assert!(!guard.is_held());
        assert_eq!(heir.ask("try"), "taken");
        assert_eq!(heir.ask("note"), "noted");
        assert_eq!(heir.ask("drop"), "dropped");
        for waiter in &mut waiters {
            assert_eq!(waiter.hear(), "done");
        }
        assert_eq!(
            fs::read_to_string(scene.path("s.notes")).unwrap(),
            "worker\nwaiter\nwaiter\nwaiter\n"
        );
        fs::remove_file(scene.path("s.notes")).unwrap();
        assert_eq!(
            fs::metadata(guard.lock_path()).unwrap().len(),
            64,
            "nothing is reserved any more"
        );
        heir.end();
    }
    Outcome::Passed
}

fn others_are_refused_meanwhile() -> Outcome {
    for scheme in [Scheme::Sidecar, Scheme::InPlace] {
        let scene = Scene::new();
        let path = scene.path("s");
        let once = once().scheme(scheme);
        let guard = once.acquire(&path).unwrap();
        let heir = Player::start("worker", &path);
        guard.transfer(&Process::of(heir.pid())).unwrap();
        let error = once.acquire(&path).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Locked, "{scheme}: {error}");
        assert_eq!(error.holder().unwrap().pid, heir.pid());
        assert!(error.to_string().contains("reserved"), "{error}");
        let error = once.clone().shared(true).acquire(&path).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Locked, "shared too: {error}");
        assert_eq!(holder(&path).unwrap().unwrap().pid, heir.pid());
        let journal = Journal::options()
            .scheme(scheme)
            .timeout(Some(Duration::from_millis(20)))
            .open(&path)
            .unwrap();
        let error = journal.append(b"[]").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::LockTimeout, "{error}");
        assert_eq!(error.holder().unwrap().pid, heir.pid());
        // Cancelled while it waits for the successor.
        let token = CancelToken::new();
        std::thread::scope(|threads| {
            let waiting = threads.spawn(|| {
                let call = CallOptions::new().timeout(None).cancel(&token);
                once.acquire_with(&path, &call).map(drop).unwrap_err()
            });
            token.cancel();
            let error = waiting.join().unwrap();
            assert_eq!(error.kind(), ErrorKind::Cancelled, "{error}");
        });
        heir.kill();
        journal.append(b"[]").unwrap();
        drop(once.acquire(&path).unwrap());
        assert_eq!(holder(&path).unwrap(), None);
    }
    Outcome::Passed
}

fn a_dead_heir_keeps_nobody_out() -> Outcome {
    let scene = Scene::new();
    let path = scene.path("s");
    let guard = FileLock::acquire(&path).unwrap();
    let heir = Player::start("worker", &path);
    let process = Process::of(heir.pid());
    let mut waiter = Player::start("waiter", &path);
    await_waiters(guard.lock_path(), 1);
    guard.transfer(&process).unwrap();
    // Also one that waits here: the system reports the end to it.
    std::thread::scope(|threads| {
        let waiting = threads.spawn(|| FileLock::acquire(&path).map(drop));
        heir.kill();
        assert_eq!(process.alive(), Alive::Dead);
        waiting.join().unwrap().unwrap();
    });
    assert_eq!(waiter.hear(), "done");
    assert_eq!(fs::metadata(guard.lock_path()).unwrap().len(), 64);
    Outcome::Passed
}

fn an_heir_that_tries_once_gets_it() -> Outcome {
    // Those who look whose turn it is have the lock for that moment.
    let scene = Scene::new();
    let path = scene.path("s");
    let mut heir = Player::start("worker", &path);
    let process = Process::of(heir.pid());
    let mut lookers: Vec<_> = (0..3).map(|_| Player::start("looker", &path)).collect();
    for looker in &mut lookers {
        assert_eq!(looker.hear(), "looking");
    }
    for round in 0..200 {
        let guard = FileLock::acquire(&path).unwrap();
        guard.transfer(&process).unwrap();
        assert_eq!(heir.ask("try"), "taken", "round {round}");
        assert_eq!(heir.ask("drop"), "dropped");
    }
    fs::write(scene.path("s.stop"), "").unwrap();
    lookers.into_iter().for_each(Player::end);
    Outcome::Passed
}

fn an_unseen_heir_has_a_minute() -> Outcome {
    let scene = Scene::new();
    let path = scene.path("s");
    let guard = FileLock::acquire(&path).unwrap();
    let heir = Player::start("worker", &path);
    let lock = guard.lock_path().to_owned();
    guard.transfer(&Process::of(heir.pid())).unwrap();
    // As a reader on another host has it, then one a minute later, and one
    // whose clock is behind.
    let bytes = fs::read(&lock).unwrap();
    let unseen = |shift: i64| {
        let json = serde_json::json!({
            "pid": heir.pid(), "start": 1, "boot": null, "host": "elsewhere.invalid"
        });
        let json = serde_json::to_vec(&json).unwrap();
        let mut block = bytes[64..128].to_vec();
        let since = i64::from_le_bytes(block[16..24].try_into().unwrap()) + shift;
        block[12..16].copy_from_slice(&crc32c::crc32c(&json).to_le_bytes());
        block[16..24].copy_from_slice(&since.to_le_bytes());
        block[24..32].copy_from_slice(&(json.len() as u64).to_le_bytes());
        let checksum = crc32c::crc32c(&block[..60]);
        block[60..].copy_from_slice(&checksum.to_le_bytes());
        fs::write(&lock, [&bytes[..64], &block, &json].concat()).unwrap();
    };
    unseen(0);
    assert_eq!(once().acquire(&path).unwrap_err().kind(), ErrorKind::Locked);
    for shift in [-61_000, 61_000] {
        unseen(shift);
        drop(once().acquire(&path).unwrap());
    }
    Outcome::Passed
}

fn what_can_not_be_given() -> Outcome {
    let scene = Scene::new();
    let path = scene.path("s");
    let heir = Player::start("worker", &path);
    let living = Process::of(heir.pid());
    let shared = FileLock::options().shared(true).acquire(&path).unwrap();
    let error = shared.transfer(&living).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
    assert!(shared.is_held());
    drop(shared);
    let guard = FileLock::acquire(&path).unwrap();
    let gone = Process::of(u32::MAX);
    let mut elsewhere = living.clone();
    elsewhere.host = Some("elsewhere.invalid".to_owned());
    for process in [gone, elsewhere] {
        let error = guard.transfer(&process).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
        assert!(guard.is_held());
    }
    assert!(
        scene::bytes(guard.lock_path()).is_empty(),
        "nothing is written"
    );
    guard.release().unwrap();
    let error = guard.transfer(&living).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
    // A file that is not ours is not written to.
    fs::write(guard.lock_path(), "somebody's").unwrap();
    let guard = FileLock::acquire(&path).unwrap();
    let error = guard.transfer(&living).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    assert!(guard.is_held());
    guard.release().unwrap();
    assert_eq!(scene::bytes(guard.lock_path()), b"somebody's");
    Outcome::Passed
}

fn every_call_fails_once() -> Outcome {
    let heir = Player::start("worker", Path::new("none"));
    let process = Process::of(heir.pid());
    let scene = Scene::new();
    let path = scene.path("s");
    let give = |plan: Plan| {
        fs::write(scene.path("s.lock"), "").unwrap();
        let guard = FileLock::acquire(&path).unwrap();
        let (given, calls) = plan.run(|| guard.transfer(&process));
        (guard, given, calls)
    };
    let (_, given, calls) = give(Plan::new());
    given.unwrap();
    assert!(calls.len() >= 3, "{calls:?}");
    let mut failed = 0;
    for n in 0..calls.len() {
        for (errno, short) in [
            (libc::EIO, None),
            (libc::ENOSPC, None),
            (libc::ENOSPC, Some(1)),
            (libc::ENOSPC, Some(64)),
            (libc::ENOSPC, Some(130)),
        ] {
            let plan = match short {
                None => Plan::new().fail(n, errno),
                Some(bytes) => Plan::new().short(n, bytes).fail(n + 1, errno),
            };
            let (guard, given, _) = give(plan);
            let size = fs::metadata(guard.lock_path()).unwrap().len();
            if let Err(error) = given {
                failed += 1;
                assert!(guard.is_held(), "call {n}: {error}");
                assert!(size <= 64, "call {n}: {size} bytes");
                drop(guard);
                drop(once().acquire(&path).unwrap());
            } else {
                assert!(size > 128, "call {n}: reserved");
                assert_eq!(once().acquire(&path).unwrap_err().kind(), ErrorKind::Locked);
            }
        }
    }
    assert!(failed >= 5, "{failed} of them");
    Outcome::Passed
}

fn a_reservation_that_was_cut_short() -> Outcome {
    // Its writer was killed in the middle: then it died with the lock in hand.
    let scene = Scene::new();
    let path = scene.path("s");
    let heir = Player::start("worker", &path);
    let guard = FileLock::acquire(&path).unwrap();
    let lock = guard.lock_path().to_owned();
    guard.transfer(&Process::of(heir.pid())).unwrap();
    let whole = fs::read(&lock).unwrap();
    for cut in 0..whole.len() {
        fs::write(&lock, &whole[..cut]).unwrap();
        drop(once().acquire(&path).unwrap());
    }
    // All there, but not what was written: another host's name.
    let mut other = whole.clone();
    let host = other
        .windows(8)
        .position(|at| at == b"\"host\":\"")
        .unwrap();
    other[host + 8] ^= 1;
    fs::write(&lock, &other).unwrap();
    drop(once().acquire(&path).unwrap());
    fs::write(&lock, &whole).unwrap();
    assert_eq!(once().acquire(&path).unwrap_err().kind(), ErrorKind::Locked);
    Outcome::Passed
}

fn to_oneself() -> Outcome {
    let scene = Scene::new();
    let path = scene.path("s");
    let guard = FileLock::acquire(&path).unwrap();
    guard.transfer(&Process::current()).unwrap();
    let mut other = Player::start("worker", &path);
    assert_eq!(other.ask("try"), "LOCKED");
    drop(once().acquire(&path).unwrap());
    assert_eq!(other.ask("try"), "taken");
    Outcome::Passed
}
