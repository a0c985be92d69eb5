//! The scheme `pid-file`: the process that creates `P.lock` has the lock. A dead holder
//! is taken over by exactly one, a living one by none.

use std::fs;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant, SystemTime};

use crate::scene;
use crate::scene::Scene;
use crate::scene::lane::{self, every};
use crate::scene::player::{Player, argument, orders};
use crate::scene::program::{Outcome, Part, Test, say};
use untorn::fault::{Op, Plan};
use untorn::{
    Document, Durability, ErrorKind, FileLock, Journal, LockOptions, OnUnsupported, Process,
    Scheme, holder,
};

/// More than any system gives (man 5 proc, `pid_max`): no process has it.
const DEAD: u32 = i32::MAX as u32;
const LEAST: Duration = Duration::from_secs(2);

pub const PARTS: &[Part] = &[
    ("taker", || taker(&options(), &argument())),
    ("taker without locks", || without_locks(taker)),
    ("leaver", || leaver(&options(), &argument())),
    ("leaver without locks", || without_locks(leaver)),
    ("appender", appender),
    ("holder", keeper),
];

pub const TESTS: &[Test] = &[
    (
        "what_is_there_while_it_is_held",
        what_is_there_while_it_is_held,
    ),
    ("one_takes_over_of_eight", one_takes_over_of_eight),
    (
        "one_takes_over_where_there_are_no_locks",
        one_takes_over_where_there_are_no_locks,
    ),
    (
        "killed_holders_are_taken_over",
        killed_holders_are_taken_over,
    ),
    (
        "a_foreign_holder_that_runs_is_not_robbed",
        a_foreign_holder_that_runs_is_not_robbed,
    ),
    (
        "the_guard_is_not_waited_for_without_end",
        the_guard_is_not_waited_for_without_end,
    ),
    (
        "a_living_holder_is_not_robbed",
        a_living_holder_is_not_robbed,
    ),
    ("files_that_are_nobodys", files_that_are_nobodys),
    (
        "a_file_that_is_not_ours_is_left",
        a_file_that_is_not_ours_is_left,
    ),
    (
        "a_program_without_the_guard_that_is_faster",
        a_program_without_the_guard_that_is_faster,
    ),
    ("every_call_of_a_pid_file_fails_once", every_call_fails_once),
    (
        "a_take_over_that_dies_leaves_nothing",
        a_take_over_that_dies_leaves_nothing,
    ),
    (
        "a_taker_that_dies_keeps_nobody_out",
        a_taker_that_dies_keeps_nobody_out,
    ),
    ("without_second_names", without_second_names),
    (
        "with_programs_that_create_exclusively",
        with_programs_that_create_exclusively,
    ),
    ("journals_and_documents", journals_and_documents),
    ("it_moves_to_another_process", it_moves_to_another_process),
    ("a_forked_child_has_nothing", a_forked_child_has_nothing),
    ("where_there_are_no_locks", where_there_are_no_locks),
    ("the_wrong_options", the_wrong_options),
];

fn options() -> LockOptions {
    FileLock::options().scheme(Scheme::PidFile)
}

fn once() -> LockOptions {
    options().timeout(Some(Duration::ZERO))
}

/// How many take-overs; more in the deep lane, and on request.
fn rounds() -> u32 {
    let asked = std::env::var("UNTORN_TEST_ROUNDS").ok();
    asked.map_or_else(
        || lane::rounds(40, 400),
        |rounds| rounds.parse().expect("a number"),
    )
}

fn lock_file(path: &Path) -> PathBuf {
    path.with_extension("lock")
}

/// Alone, or else it panics: a file that is created exclusively, and a count.
fn work_alone(path: &Path) {
    let inside = path.with_extension("inside");
    fs::File::create_new(&inside).expect("nobody else is inside");
    let count = path.with_extension("count");
    let n: u64 = fs::read_to_string(&count).map_or(0, |text| text.parse().unwrap());
    fs::write(&count, (n + 1).to_string()).unwrap();
    fs::remove_file(inside).unwrap();
}

fn count(path: &Path) -> u64 {
    let count = fs::read_to_string(path.with_extension("count")).unwrap();
    count.parse().unwrap()
}

/// Takes the lock again and again, and works alone.
fn taker(options: &LockOptions, path: &Path) {
    for _ in 0..rounds() {
        let guard = options.acquire(path).unwrap();
        work_alone(path);
        drop(guard);
    }
    say("done");
}

/// The same, but leaves its lock file behind each time, as one that died with
/// it: so each lock after the first is taken over.
fn leaver(options: &LockOptions, path: &Path) {
    let mine = path.with_extension(format!("mine{}", std::process::id()));
    for round in 0..rounds() {
        let guard = options.acquire(path).unwrap();
        work_alone(path);
        let nonce = format!("{}.{round}", std::process::id());
        fs::write(&mine, format!("{DEAD}\n{nonce}\n")).unwrap();
        fs::rename(&mine, lock_file(path)).unwrap();
        drop(guard);
    }
    say("done");
}

/// On a file system that has no locks.
fn without_locks(work: fn(&LockOptions, &Path)) {
    let options = FileLock::options().on_unsupported(OnUnsupported::PidFile);
    let plan = Plan::new().fail_every(Op::Lock, libc::ENOSYS);
    plan.run(|| work(&options, &argument()));
}

fn appender() {
    let path = argument();
    let journal = Journal::options()
        .scheme(Scheme::PidFile)
        .durability(Durability::Process)
        .open(&path)
        .unwrap();
    say("ready");
    for n in 0_u64.. {
        let big = "x".repeat(200_000);
        let records: Vec<_> = (0..8).map(|m| format!("[{n},{m},\"{big}\"]")).collect();
        if journal.append_all(&records).is_err() {
            return;
        }
    }
}

/// Holds the lock on request.
fn keeper() {
    let path = argument();
    let mut guard = None;
    for order in orders() {
        match order.as_str() {
            "take" => {
                guard = Some(options().stale(LEAST).acquire(&path).unwrap());
                say("taken");
            }
            "try" => say(match once().acquire(&path) {
                Ok(taken) => {
                    guard = Some(taken);
                    "taken"
                }
                Err(_) => "busy",
            }),
            "drop" => {
                guard = None;
                say("dropped");
            }
            other => panic!("no such order: {other}"),
        }
    }
    drop(guard);
}

/// Eight of these at once, and nothing but the expected files afterwards.
fn eight(part: &str) {
    let scene = Scene::quick();
    let path = scene.path("s");
    let mut players: Vec<_> = (0..8).map(|_| Player::start(part, &path)).collect();
    for player in &mut players {
        assert_eq!(player.hear(), "done");
    }
    players.into_iter().for_each(Player::end);
    assert_eq!(count(&path), 8 * u64::from(rounds()));
    drop(options().acquire(&path).unwrap());
    let names: Vec<_> = scene.files().into_keys().collect();
    assert_eq!(names, ["s.count", "s.lock.guard"]);
}

fn what_is_there_while_it_is_held() -> Outcome {
    let scene = Scene::new();
    let path = scene.path("s");
    let guard = options().acquire(&path).unwrap();
    let text = fs::read_to_string(lock_file(&path)).unwrap();
    let lines: Vec<_> = text.split('\n').collect();
    assert_eq!(lines.len(), 3, "{text:?}");
    assert_eq!(lines[0], std::process::id().to_string());
    assert!(lines[1].len() > 16 && lines[2].is_empty(), "{text:?}");
    assert_eq!(guard.lock_path(), lock_file(&path));
    std::thread::scope(|threads| {
        threads.spawn(|| {
            let error = once().acquire(&path).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Locked);
            assert_eq!(error.holder().unwrap().pid, std::process::id());
        });
    });
    let mut other = Player::start("holder", &path);
    assert_eq!(other.ask("try"), "busy");
    assert_eq!(
        options().acquire(&path).unwrap_err().kind(),
        ErrorKind::Deadlock
    );
    drop(guard);
    assert!(!lock_file(&path).exists());
    assert_eq!(other.ask("take"), "taken");
    let error = once().acquire(&path).unwrap_err();
    assert_eq!(error.holder().unwrap().pid, other.pid());
    assert_eq!(holder(&path).unwrap().unwrap().pid, other.pid());
    // Who waits is woken.
    std::thread::scope(|threads| {
        let waiting = threads.spawn(|| options().acquire(&path).map(drop));
        assert_eq!(other.ask("drop"), "dropped");
        waiting.join().unwrap().unwrap();
    });
    assert_eq!(holder(&path).unwrap(), None);
    Outcome::Passed
}

fn one_takes_over_of_eight() -> Outcome {
    // Trap 20: one dead holder, and many who find it.
    eight("leaver");
    eight("taker");
    // Threads, each with a handle of its own, in two processes.
    let scene = Scene::quick();
    let path = scene.path("s");
    let mut other = Player::start("leaver", &path);
    std::thread::scope(|threads| {
        for thread in 0..7 {
            let path = &path;
            threads.spawn(move || {
                for round in 0..rounds() {
                    let guard = options().acquire(path).unwrap();
                    work_alone(path);
                    let mine = path.with_extension(format!("mine.{thread}"));
                    fs::write(&mine, format!("{DEAD}\n{thread}.{round}\n")).unwrap();
                    fs::rename(&mine, lock_file(path)).unwrap();
                    drop(guard);
                }
            });
        }
    });
    assert_eq!(other.hear(), "done");
    assert_eq!(count(&path), 8 * u64::from(rounds()));
    Outcome::Passed
}

fn one_takes_over_where_there_are_no_locks() -> Outcome {
    eight("leaver without locks");
    eight("taker without locks");
    Outcome::Passed
}

fn killed_holders_are_taken_over() -> Outcome {
    // Trap 20: one dead holder, and many who find it.
    let scene = Scene::new();
    let path = scene.path("s");
    for _ in 0..10 {
        let mut first = Player::start("holder", &path);
        assert_eq!(first.ask("take"), "taken");
        std::thread::scope(|threads| {
            let waiting = threads.spawn(|| options().acquire(&path).map(drop));
            first.kill();
            waiting.join().unwrap().unwrap();
        });
        let mut second = Player::start("holder", &path);
        assert_eq!(second.ask("take"), "taken");
        second.kill();
        drop(once().acquire(&path).expect("at once: its holder is dead"));
    }
    Outcome::Passed
}

fn a_living_holder_is_not_robbed() -> Outcome {
    // Trap 21: a holder that does not move is alive.
    let scene = Scene::new();
    // Refreshed, for much longer than the limit.
    let kept = scene.path("kept");
    let mut keeper = Player::start("holder", &kept);
    assert_eq!(keeper.ask("take"), "taken");
    // Stopped, so that it is not refreshed.
    let stopped = scene.path("stopped");
    let mut sleeper = Player::start("holder", &stopped);
    assert_eq!(sleeper.ask("take"), "taken");
    let pid = i32::try_from(sleeper.pid()).unwrap();
    // SAFETY: stops our own child.
    unsafe { libc::kill(pid, libc::SIGSTOP) };
    let begun = Instant::now();
    std::thread::scope(|threads| {
        let kept = &kept;
        let waiting = threads.spawn(move || {
            let patient = options().stale(LEAST).timeout(Some(3 * LEAST));
            patient.acquire(kept).map(drop).unwrap_err().kind()
        });
        let guard = options().stale(LEAST).acquire(&stopped).unwrap();
        assert!(begun.elapsed() > LEAST, "not before its time");
        // It wakes up, and releases a lock that is another's by now.
        // SAFETY: our own child.
        unsafe { libc::kill(pid, libc::SIGCONT) };
        assert_eq!(sleeper.ask("drop"), "dropped");
        assert!(lock_file(&stopped).exists());
        assert_eq!(sleeper.ask("try"), "busy");
        drop(guard);
        assert_eq!(sleeper.ask("try"), "taken");
        assert_eq!(waiting.join().unwrap(), ErrorKind::LockTimeout);
    });
    assert_eq!(keeper.ask("drop"), "dropped");
    Outcome::Passed
}

/// A program of another kind that creates the file and never touches it again,
/// and a clock that was set forward since.
fn a_foreign_holder_that_runs_is_not_robbed() -> Outcome {
    let scene = Scene::new();
    let path = scene.path("foreign");
    let mut other = std::process::Command::new("sleep")
        .arg("600")
        .spawn()
        .unwrap();
    fs::write(lock_file(&path), format!("{}\n", other.id())).unwrap();
    make_old(&lock_file(&path));
    let patient = options().stale(LEAST).timeout(Some(2 * LEAST));
    let error = patient.acquire(&path).unwrap_err();
    other.kill().unwrap();
    other.wait().unwrap();
    assert_eq!(error.kind(), ErrorKind::LockTimeout);
    drop(once().acquire(&path).expect("at once: its holder is dead"));
    Outcome::Passed
}

/// Another program has the guard, and keeps it.
fn the_guard_is_not_waited_for_without_end() -> Outcome {
    let scene = Scene::new();
    let path = scene.path("guarded");
    drop(once().acquire(&path).unwrap());
    let guard = fs::File::open(scene.path("guarded.lock.guard")).unwrap();
    guard.lock().unwrap();
    assert_eq!(once().acquire(&path).unwrap_err().kind(), ErrorKind::Locked);
    guard.unlock().unwrap();
    let held = once().acquire(&path).unwrap();
    guard.lock().unwrap();
    drop(held);
    guard.unlock().unwrap();
    // It could not be removed, so it says that its holder is dead.
    assert!(lock_file(&path).exists());
    drop(once().acquire(&path).unwrap());
    Outcome::Passed
}

/// Makes the file as old as an hour.
fn make_old(path: &Path) {
    let old = SystemTime::now() - Duration::from_secs(3600);
    let file = fs::File::options().write(true).open(path).unwrap();
    file.set_modified(old).unwrap();
}

fn files_that_are_nobodys() -> Outcome {
    let half = DEAD / 10;
    let contents = [
        "".to_owned(),
        "{\"pid\":1}\n".to_owned(),
        // The first part of a pid that is being written.
        half.to_string(),
    ];
    std::thread::scope(|threads| {
        for content in &contents {
            threads.spawn(move || {
                let scene = Scene::new();
                let path = scene.path("s");
                let lock = scene.with("s.lock", content);
                let options = options().stale(LEAST);
                for _ in 0..3 {
                    let error = once().acquire(&path).unwrap_err();
                    assert_eq!(error.kind(), ErrorKind::Locked, "{content:?}: {error}");
                }
                assert_eq!(scene::bytes(&lock), content.as_bytes());
                let begun = Instant::now();
                drop(options.acquire(&path).unwrap());
                assert!(begun.elapsed() > LEAST / 2, "{content:?}: by its age");
                // One that is old already is still looked at for a while, as
                // the clock may have jumped, and not by one look.
                fs::write(&lock, content).unwrap();
                make_old(&lock);
                let error = once().acquire(&path).unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Locked, "{content:?}: {error}");
                drop(options.acquire(&path).unwrap());
            });
        }
        threads.spawn(|| {
            // From the future: the clock was set back since.
            let scene = Scene::new();
            let path = scene.path("s");
            let lock = scene.with("s.lock", "");
            let file = fs::File::options().write(true).open(&lock).unwrap();
            let later = SystemTime::now() + Duration::from_secs(3600);
            file.set_modified(later).unwrap();
            let begun = Instant::now();
            let patient = options().stale(LEAST).timeout(Some(10 * LEAST));
            drop(patient.acquire(&path).unwrap());
            assert!(begun.elapsed() > LEAST, "by our own clock");
        });
        threads.spawn(|| {
            let scene = Scene::new();
            let path = scene.path("s");
            // proper-lockfile's.
            fs::create_dir(scene.path("s.lock")).unwrap();
            let briefly = options().timeout(Some(Duration::from_millis(50)));
            let error = briefly.acquire(&path).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::LockTimeout, "{error}");
            assert!(scene.path("s.lock").is_dir());
        });
        threads.spawn(|| {
            // A daemon's, which also locks it: old as it is, and with a pid of
            // another time, it is alive.
            let scene = Scene::new();
            let path = scene.path("s");
            let lock = scene.with("s.lock", format!("{DEAD}\nx\n"));
            let daemon = fs::File::open(&lock).unwrap();
            // SAFETY: our own descriptor.
            assert_eq!(unsafe { libc::flock(daemon.as_raw_fd(), libc::LOCK_EX) }, 0);
            let error = once().acquire(&path).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Locked, "{error}");
            drop(daemon);
            drop(once().acquire(&path).unwrap());
        });
    });
    Outcome::Passed
}

fn a_file_that_is_not_ours_is_left() -> Outcome {
    let scene = Scene::new();
    let path = scene.path("s");
    let theirs = format!("{}\ntheirs\n", std::process::id());
    // In place, and by another file.
    for renamed in [false, true] {
        let guard = options().acquire(&path).unwrap();
        if renamed {
            fs::write(scene.path("new"), &theirs).unwrap();
            fs::rename(scene.path("new"), lock_file(&path)).unwrap();
        } else {
            fs::write(lock_file(&path), &theirs).unwrap();
        }
        drop(guard);
        assert_eq!(scene::bytes(&lock_file(&path)), theirs.as_bytes());
        fs::remove_file(lock_file(&path)).unwrap();
    }
    Outcome::Passed
}

fn a_program_without_the_guard_that_is_faster() -> Outcome {
    // Between our look at a dead holder's file and its removal, another program
    // has taken over already.
    let scene = Scene::new();
    let path = scene.path("s");
    let lock = scene.with("s.lock", format!("{DEAD}\nx\n"));
    let theirs = format!("{}\ntheirs\n", std::process::id());
    let new = scene.with("new", &theirs);
    let plan = Plan::new().before(move |call| {
        if call.op == Op::Rename && new.exists() {
            fs::rename(&new, &lock).unwrap();
        }
    });
    let (taken, _) = plan.run(|| once().acquire(&path).map(drop));
    assert_eq!(taken.unwrap_err().kind(), ErrorKind::Locked);
    let files = scene.files();
    assert_eq!(files.keys().collect::<Vec<_>>(), ["s.lock", "s.lock.guard"]);
    assert_eq!(files["s.lock"], theirs.as_bytes(), "it was put back");
    Outcome::Passed
}

/// Fails each call of `work` with each of these, and cuts each write short.
fn each_fault(set_up: impl Fn(&Scene), work: impl Fn(&Path), check: impl Fn(&Scene, &str)) {
    let run = |plan: Plan| {
        let scene = Scene::quick();
        set_up(&scene);
        let (_, calls) = plan.run(|| work(&scene.path("s")));
        (scene, calls)
    };
    let (_, calls) = run(Plan::new());
    assert!(calls.len() > 8, "{calls:?}");
    for (n, op) in every(2, calls.iter().enumerate()) {
        let errors = [
            libc::EIO,
            libc::EMFILE,
            libc::ENOSPC,
            libc::EACCES,
            libc::EINTR,
        ];
        for errno in every(2, errors) {
            let (scene, _) = run(Plan::new().fail(n, errno));
            check(&scene, &format!("call {n}, {op:?}, fails with {errno}"));
        }
        if *op == Op::Write {
            for bytes in [1, 5, 20] {
                let plan = Plan::new().short(n, bytes).fail(n + 1, libc::ENOSPC);
                let (scene, _) = run(plan);
                check(&scene, &format!("call {n} writes only {bytes} bytes"));
            }
        }
    }
}

fn every_call_fails_once() -> Outcome {
    // Taken or not, it is released afterwards, whichever call failed: the next one gets
    // it at once.
    each_fault(
        |_| (),
        |path| drop(once().acquire(path)),
        |scene, what| {
            let taken = once().acquire(scene.path("s"));
            assert!(taken.is_ok(), "{what}: {taken:?}");
        },
    );
    // Another process is not kept out either, where the file could be removed.
    each_fault(
        |scene| drop(scene.with("s.lock", format!("{DEAD}\nx\n"))),
        |path| {
            drop(once().acquire(path));
        },
        |scene, what| {
            let taken = once().acquire(scene.path("s"));
            assert!(taken.is_ok(), "{what}: {taken:?}");
        },
    );
    // Another program's file stays, whatever fails.
    let theirs = format!("{}\ntheirs\n", std::process::id());
    each_fault(
        |scene| drop(scene.with("s.lock", &theirs)),
        |path| {
            let briefly = options().timeout(Some(Duration::from_millis(2)));
            drop(briefly.acquire(path));
            for _ in 0..2 {
                drop(once().acquire(path));
            }
        },
        |scene, what| {
            let bytes = scene::bytes(&scene.path("s.lock"));
            assert_eq!(bytes, theirs.as_bytes(), "{what}");
        },
    );
    Outcome::Passed
}

fn a_take_over_that_dies_leaves_nothing() -> Outcome {
    let stage = || {
        let scene = Scene::new();
        scene.with("s.lock", format!("{DEAD}\nx\n"));
        scene
    };
    let scene = stage();
    let take = |scene: &Scene| once().acquire(scene.path("s")).map(std::mem::forget);
    let (_, calls) = Plan::new().run(|| take(&scene));
    let mut orphans = 0;
    for n in 0..calls.len() {
        let scene = stage();
        let (_, _) = Plan::new().die(n).run(|| take(&scene));
        let left = scene
            .files()
            .into_keys()
            .filter(|name| name.starts_with('.'));
        orphans += left.count();
        // The process that died had our pid, so the file is as dead as another's here.
        scene.with("s.lock", format!("{DEAD}\ny\n"));
        let mut next = Player::start("holder", &scene.path("s"));
        assert_eq!(next.ask("try"), "taken", "call {n}");
        assert_eq!(next.ask("drop"), "dropped");
        let names: Vec<_> = scene.files().into_keys().collect();
        assert_eq!(names, ["s.lock.guard"], "call {n}");
    }
    assert!(orphans > 0, "there was something to sweep");
    Outcome::Passed
}

/// A lock file has its whole stamp from the moment it is there: a process that dies
/// while it makes one keeps nobody out, not even those that try once.
fn a_taker_that_dies_keeps_nobody_out() -> Outcome {
    // It ends as by a kill: no code of it runs afterwards.
    let die_at = |n: usize, bytes: Option<usize>| {
        let scene = Scene::new();
        let path = scene.path("s");
        // SAFETY: this process has one thread, and the child only takes the lock.
        let child = unsafe { libc::fork() };
        if child == 0 {
            let plan = Plan::new().before(move |call| {
                if call.number == n {
                    // SAFETY: ends the child.
                    unsafe { libc::_exit(9) }
                }
            });
            let plan = match bytes {
                Some(bytes) => plan.short(n - 1, bytes),
                None => plan,
            };
            let (_taken, _) = plan.run(|| once().acquire(&path));
            // SAFETY: ends the child, with the lock.
            unsafe { libc::_exit(0) }
        }
        let mut status = 0;
        // SAFETY: our own child.
        assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
        let what = format!("dead before call {n}, {bytes:?}");
        let mut next = Player::start("holder", &path);
        assert_eq!(next.ask("try"), "taken", "{what}");
        assert_eq!(next.ask("drop"), "dropped", "{what}");
        libc::WEXITSTATUS(status) == 9
    };
    let scene = Scene::new();
    let (_, calls) = Plan::new().run(|| once().acquire(scene.path("s")).map(std::mem::forget));
    let mut deaths = 0;
    for (n, op) in calls.iter().enumerate() {
        deaths += usize::from(die_at(n, None));
        if *op == Op::Write {
            for bytes in [1, 5, 20] {
                deaths += usize::from(die_at(n + 1, Some(bytes)));
            }
        }
    }
    assert!(deaths > calls.len(), "{deaths} of {calls:?}");
    Outcome::Passed
}

/// A file system without second names, and a program that creates the file just then.
fn without_second_names() -> Outcome {
    let scene = Scene::new();
    let path = scene.path("s");
    let plan = Plan::new().fail_every(Op::Link, libc::EPERM);
    let (taken, _) = plan.run(|| once().acquire(&path));
    let guard = taken.unwrap();
    let mut other = Player::start("holder", &path);
    assert_eq!(other.ask("try"), "busy");
    drop(guard);
    let theirs = format!("{}\ntheirs\n", std::process::id());
    for errno in [0, libc::EPERM] {
        let (lock, text) = (lock_file(&path), theirs.clone());
        let plan = Plan::new().before(move |call| {
            if call.op == Op::Link {
                fs::write(&lock, &text).unwrap();
            }
        });
        let plan = match errno {
            0 => plan,
            errno => plan.fail_every(Op::Link, errno),
        };
        let (taken, _) = plan.run(|| once().acquire(&path).map(drop));
        assert_eq!(taken.unwrap_err().kind(), ErrorKind::Locked);
        assert_eq!(scene::bytes(&lock_file(&path)), theirs.as_bytes());
        fs::remove_file(lock_file(&path)).unwrap();
    }
    let names: Vec<_> = scene.files().into_keys().collect();
    assert_eq!(names, ["s.lock.guard"]);
    Outcome::Passed
}

fn with_programs_that_create_exclusively() -> Outcome {
    const PEER: &str = r#"
import os, sys, time
path, rounds = sys.argv[1], int(sys.argv[2])
for _ in range(rounds):
    while True:
        try:
            fd = os.open(path + ".lock", os.O_CREAT | os.O_EXCL | os.O_WRONLY)
            break
        except FileExistsError:
            time.sleep(0.0005)
    os.write(fd, b"%d\n%s\n" % (os.getpid(), os.urandom(8).hex().encode()))
    os.close(fd)
    os.close(os.open(path + ".inside", os.O_CREAT | os.O_EXCL))
    count = path + ".count"
    n = int(open(count).read()) if os.path.exists(count) else 0
    with open(count, "w") as out:
        out.write(str(n + 1))
    os.unlink(path + ".inside")
    os.unlink(path + ".lock")
print("done")
"#;
    let scene = Scene::new();
    let path = scene.path("s");
    let mut players: Vec<_> = (0..3).map(|_| Player::start("taker", &path)).collect();
    for _ in 0..2 {
        let mut peer = Command::new("python3");
        peer.args(["-c", PEER]).arg(&path).arg(rounds().to_string());
        players.push(Player::of(peer));
    }
    for player in &mut players {
        assert_eq!(player.hear(), "done");
    }
    assert_eq!(count(&path), 5 * u64::from(rounds()));
    Outcome::Passed
}

fn journals_and_documents() -> Outcome {
    let scene = Scene::new();
    let path = scene.path("j");
    let journal = Journal::options()
        .scheme(Scheme::PidFile)
        .durability(Durability::Process)
        .open(&path)
        .unwrap();
    // Killed in the middle of an append of many, which is undone.
    for round in 0..10 {
        let mut writer = Player::start("appender", &path);
        assert_eq!(writer.hear(), "ready");
        while scene::bytes(&path).len() < 1_000_000 * (round + 1) {
            std::thread::yield_now();
        }
        writer.kill();
        journal.append(b"[\"after\"]").unwrap();
    }
    let mut batch = 0;
    for record in scene::records(&path) {
        if record[0] == "after" {
            assert_eq!(batch % 8, 0, "no part of an append is there");
        } else {
            assert_eq!(record[1], batch % 8);
            batch += 1;
        }
    }
    assert!(batch >= 40, "{batch} records");
    let open = || {
        Document::options()
            .scheme(Scheme::PidFile)
            .durability(Durability::Process)
            .open(scene.path("d"))
            .unwrap()
    };
    std::thread::scope(|threads| {
        for _ in 0..4 {
            threads.spawn(|| {
                let document = open();
                for _ in 0..50 {
                    document
                        .update(|old| {
                            let old = old.unwrap_or(b"0");
                            let n: u32 = std::str::from_utf8(old).unwrap().parse().unwrap();
                            Ok((n + 1).to_string().into_bytes())
                        })
                        .unwrap();
                }
            });
        }
    });
    assert_eq!(open().load().unwrap().0, b"200");
    // Under a lock that is held, which must be of the same scheme.
    let guard = options().acquire(&path).unwrap();
    let call = untorn::CallOptions::new().lock(&guard);
    journal.append_with(b"[\"under\"]", &call).unwrap();
    drop(guard);
    let other = FileLock::acquire(&path).unwrap();
    let call = untorn::CallOptions::new().lock(&other);
    let error = journal.append_with(b"[]", &call).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
    Outcome::Passed
}

fn it_moves_to_another_process() -> Outcome {
    let scene = Scene::new();
    let path = scene.path("s");
    let mut heir = Player::start("holder", &path);
    let guard = options().acquire(&path).unwrap();
    guard.transfer(&Process::of(heir.pid())).unwrap();
    assert!(!lock_file(&path).exists());
    assert_eq!(once().acquire(&path).unwrap_err().kind(), ErrorKind::Locked);
    assert_eq!(holder(&path).unwrap().unwrap().pid, heir.pid());
    assert_eq!(heir.ask("try"), "taken");
    assert_eq!(heir.ask("drop"), "dropped");
    drop(once().acquire(&path).unwrap());
    Outcome::Passed
}

fn a_forked_child_has_nothing() -> Outcome {
    let scene = Scene::new();
    let path = scene.path("s");
    let guard = options().acquire(&path).unwrap();
    // SAFETY: the child runs plain code and ends without exit handlers.
    match unsafe { libc::fork() } {
        0 => {
            let fine = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                assert!(!guard.is_held());
                guard.release().unwrap();
                assert_eq!(once().acquire(&path).unwrap_err().kind(), ErrorKind::Locked);
            }));
            // SAFETY: as above.
            unsafe { libc::_exit(i32::from(fine.is_err())) };
        }
        pid => {
            let mut status = -1;
            // SAFETY: `status` is ours.
            assert_eq!(unsafe { libc::waitpid(pid, &raw mut status, 0) }, pid);
            assert_eq!(status, 0);
        }
    }
    assert!(guard.is_held() && lock_file(&path).exists());
    drop(guard);
    assert!(!lock_file(&path).exists());
    Outcome::Passed
}

fn where_there_are_no_locks() -> Outcome {
    // Trap 10: no `flock` here.
    for errno in [libc::ENOSYS, libc::EOPNOTSUPP, libc::EINVAL] {
        let scene = Scene::new();
        let path = scene.path("s");
        let plan = || Plan::new().fail_every(Op::Lock, errno);
        let (error, _) = plan().run(|| FileLock::acquire(&path).unwrap_err());
        assert_eq!(error.kind(), ErrorKind::LockUnsupported, "{error}");
        assert!(
            error.to_string().contains("pid-file"),
            "what to do: {error}"
        );
        let scene = Scene::new();
        let path = scene.path("s");
        let fall_back = FileLock::options().on_unsupported(OnUnsupported::PidFile);
        plan().run(|| {
            let guard = fall_back.acquire(&path).unwrap();
            assert!(lock_file(&path).exists());
            assert_eq!(
                fall_back
                    .clone()
                    .timeout(Some(Duration::ZERO))
                    .acquire(&path)
                    .unwrap_err()
                    .kind(),
                ErrorKind::Locked
            );
            drop(guard);
            assert!(!lock_file(&path).exists());
            let journal = Journal::options()
                .on_unsupported(OnUnsupported::PidFile)
                .open(&path)
                .unwrap();
            journal.append(b"[1]").unwrap();
            // One that died in the guard itself.
            scene.with("s.lock.taking", format!("{DEAD}\nx\n"));
            journal.append(b"[2]").unwrap();
        });
        assert_eq!(scene::records(&path).len(), 2);
        let names: Vec<_> = scene.files().into_keys().collect();
        assert_eq!(names, ["s", "s.lock.guard"]);
    }
    // It may pass: not all who share the file would come to the same answer.
    let scene = Scene::new();
    let fall_back = FileLock::options().on_unsupported(OnUnsupported::PidFile);
    let plan = Plan::new().fail_every(Op::Lock, libc::ENOLCK);
    let (error, _) = plan.run(|| fall_back.acquire(scene.path("s")).unwrap_err());
    assert_eq!(error.kind(), ErrorKind::LockUnsupported, "{error}");
    // Where there are locks, they are used.
    let scene = Scene::new();
    let guard = fall_back.acquire(scene.path("s")).unwrap();
    assert!(scene::bytes(guard.lock_path()).is_empty());
    drop(guard);
    assert_eq!(scene.files().into_keys().collect::<Vec<_>>(), ["s.lock"]);
    Outcome::Passed
}

fn the_wrong_options() -> Outcome {
    let scene = Scene::new();
    let path = scene.path("s");
    let short = options().stale(LEAST - Duration::from_millis(1));
    let error = short.acquire(&path).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
    assert!(scene.files().is_empty());
    Outcome::Passed
}
