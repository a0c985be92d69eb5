//! The lock: waiting, timeouts, cancelling, who holds it, and what others do to
//! its file.

use std::fs;
#[cfg(unix)]
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Barrier, mpsc};
use std::time::{Duration, Instant};

use crate::scene;
use crate::scene::Scene;
use crate::scene::lane::rounds;
use untorn::fault::{Op, Plan};
use untorn::{
    Alive, CallOptions, Caller, CancelToken, Document, ErrorKind, FileLock, Journal, LockOptions,
};

fn once() -> LockOptions {
    FileLock::options().timeout(Some(Duration::ZERO))
}

#[test]
fn excludes_handles_threads_and_kinds_of_callers() {
    // Trap 3: record locks are shared by threads.
    let scene = Scene::new();
    let path = scene.path("j");
    let guard = FileLock::options()
        .label("the test")
        .acquire(&path)
        .unwrap();
    std::thread::scope(|threads| {
        threads.spawn(|| {
            let error = once().acquire(&path).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Locked);
            let holder = error.holder().expect("it can be known");
            assert_eq!(holder.pid, std::process::id());
            assert_eq!(holder.label.as_deref(), Some("the test"));
            assert_eq!(holder.alive(), Alive::Alive);
            assert!(error.to_string().contains("the test"), "{error}");
            let journal = Journal::options()
                .timeout(Some(Duration::ZERO))
                .open(&path)
                .unwrap();
            assert_eq!(journal.append(b"[]").unwrap_err().kind(), ErrorKind::Locked);
            let document = Document::options()
                .timeout(Some(Duration::ZERO))
                .open(&path)
                .unwrap();
            assert_eq!(document.save(b"[]").unwrap_err().kind(), ErrorKind::Locked);
        });
    });
    drop(guard);
    assert!(!path.exists());
    assert!(
        !scene.files().contains_key("j.holder"),
        "nobody holds it any more"
    );
    drop(once().acquire(&path).unwrap());
}

/// How many lines are in a holder file.
fn holders(scene: &Scene, name: &str) -> usize {
    let text = String::from_utf8(scene::bytes(&scene.path(name))).unwrap();
    text.lines().filter(|line| !line.trim().is_empty()).count()
}

#[test]
fn no_lock_on_the_holders_lines_is_waited_for() {
    let scene = Scene::new();
    let path = scene.path("j");
    let theirs = fs::File::open(scene.with("j.holder", "")).unwrap();
    theirs.lock().unwrap();
    for shared in [false, true] {
        let guard = once().shared(shared).acquire(&path).unwrap();
        // A lock on Windows stops who would write there, so nobody is named.
        let named = usize::from(cfg!(unix));
        assert_eq!(holders(&scene, "j.holder"), named);
        drop(guard);
        assert_eq!(holders(&scene, "j.holder"), 0);
    }
}

#[test]
fn a_users_own_holder_file_is_left_alone() {
    let scene = Scene::new();
    let own = b"who holds the release: Ann\n{\"pid\":1}\n";
    scene.with("release.holder", own);
    scene.with("notes.holder", own);
    for shared in [false, true] {
        let guard = once().shared(shared).acquire(scene.path("release"));
        let other = once().shared(shared).acquire_at(scene.path("notes.json"));
        assert_eq!(scene::bytes(&scene.path("release.holder")), own);
        drop((guard.unwrap(), other.unwrap()));
        // Written over ours, while we hold the lock.
        let guard = once().shared(shared).acquire(scene.path("x")).unwrap();
        scene.with("x.holder", own);
        drop(guard);
        assert_eq!(scene::bytes(&scene.path("x.holder")), own);
        fs::remove_file(scene.path("x.holder")).unwrap();
        // Put in its place.
        let guard = once().shared(shared).acquire(scene.path("x")).unwrap();
        fs::rename(scene.with("mine", own), scene.path("x.holder")).unwrap();
        drop(guard);
        assert_eq!(scene::bytes(&scene.path("x.holder")), own);
        fs::remove_file(scene.path("x.holder")).unwrap();
    }
    assert_eq!(scene::bytes(&scene.path("release.holder")), own);
    assert_eq!(scene::bytes(&scene.path("notes.holder")), own);
}

#[test]
fn each_lock_file_has_its_own_holder_file() {
    let scene = Scene::new();
    let read = FileLock::options()
        .label("reads")
        .acquire_at(scene.path("x.read"));
    let write = FileLock::options()
        .label("writes")
        .acquire_at(scene.path("x.write"));
    for (name, label) in [("x.read", "reads"), ("x.write", "writes")] {
        std::thread::scope(|threads| {
            threads.spawn(|| {
                let error = once().acquire_at(scene.path(name)).unwrap_err();
                assert_eq!(error.holder().unwrap().label.as_deref(), Some(label));
            });
        });
    }
    drop((read, write));
}

#[test]
fn lines_of_holders_that_were_killed_are_covered() {
    let scene = Scene::new();
    let path = scene.path("j");
    let dead = r#"{"pid":4000000,"start":1,"boot":null,"host":null,"label":"x","since":null}"#;
    scene.with("j.holder", format!("{dead}\n{dead}\n"));
    let shared = FileLock::options().shared(true);
    let (one, two) = (
        shared.acquire(&path).unwrap(),
        shared.acquire(&path).unwrap(),
    );
    assert_eq!(holders(&scene, "j.holder"), 2);
    drop((one, two));
    scene.with("j.holder", format!("{dead}\n{dead}\n").repeat(10));
    let guard = FileLock::acquire(&path).unwrap();
    assert_eq!(holders(&scene, "j.holder"), 1);
    drop(guard);
    assert_eq!(holders(&scene, "j.holder"), 0);
}

// On Windows a name's identity takes an open.
#[cfg(unix)]
#[test]
fn a_lock_that_is_free_takes_few_system_calls() {
    let scene = Scene::new();
    let path = scene.path("j");
    for shared in [false, true] {
        drop(once().shared(shared).acquire(&path).unwrap());
        let (guard, mut calls) = Plan::new().run(|| once().shared(shared).acquire(&path));
        let (released, more) = Plan::new().run(|| guard.unwrap().release());
        released.unwrap();
        calls.extend(more);
        // And two that are not announced: the closing of two files.
        assert!(calls.len() + 2 <= 15, "{calls:?}");
    }
}

// Only where the data is asked who holds its lock (`/proc/locks`).
#[cfg(target_os = "linux")]
#[test]
fn data_that_begins_with_a_number_is_no_pid_file() {
    let scene = Scene::new();
    let path = scene.with("numbers.jsonl", "1\n2\n");
    assert_eq!(untorn::holder(&path).unwrap(), None);
}

#[test]
fn one_deadline_for_the_whole_call_then_the_holder_is_named() {
    // Trap 11: a wait must neither poll nor block past its time.
    let scene = Scene::new();
    let path = scene.path("j");
    let _guard = FileLock::acquire(&path).unwrap();
    std::thread::scope(|threads| {
        threads.spawn(|| {
            let begun = Instant::now();
            let error = FileLock::options()
                .timeout(Some(Duration::from_millis(60)))
                .acquire(&path)
                .unwrap_err();
            assert_eq!(error.kind(), ErrorKind::LockTimeout);
            assert!(begun.elapsed() >= Duration::from_millis(60));
            assert_eq!(error.holder().unwrap().pid, std::process::id());
        });
    });
}

#[test]
fn shared_holders_share_and_wait_for_the_exclusive_one() {
    let scene = Scene::new();
    let path = scene.path("j");
    let shared = FileLock::options().shared(true);
    let first = shared.acquire(&path).unwrap();
    let second = shared.acquire(&path).unwrap();
    assert_eq!(holders(&scene, "j.holder"), 2);
    std::thread::scope(|threads| {
        threads.spawn(|| {
            assert_eq!(once().acquire(&path).unwrap_err().kind(), ErrorKind::Locked);
        });
    });
    drop(first);
    std::thread::scope(|threads| {
        threads.spawn(|| {
            assert_eq!(once().acquire(&path).unwrap_err().kind(), ErrorKind::Locked);
        });
    });
    drop(second);
    let exclusive = once().acquire(&path).unwrap();
    std::thread::scope(|threads| {
        let waiting = threads.spawn(|| drop(shared.acquire(&path).unwrap()));
        drop(exclusive);
        waiting.join().unwrap();
    });
}

#[test]
fn waiting_for_oneself_is_a_deadlock() {
    // Trap 4: forked children share what they inherit, and a second open waits for the first.
    let scene = Scene::new();
    let path = scene.path("j");
    let guard = FileLock::acquire(&path).unwrap();
    let journal = Journal::open(&path).unwrap();
    for timeout in [None, Some(Duration::from_secs(60))] {
        let error = FileLock::options()
            .timeout(timeout)
            .acquire(&path)
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Deadlock);
        let error = journal
            .append_with(b"[]", &CallOptions::new().timeout(timeout))
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Deadlock);
    }
    assert_eq!(once().acquire(&path).unwrap_err().kind(), ErrorKind::Locked);
    // Under the lock it goes.
    journal
        .append_with(b"[1]", &CallOptions::new().lock(&guard))
        .unwrap();
    let document = Document::open(scene.path("d")).unwrap();
    let error = document
        .save_with(
            b"{}",
            untorn::Expect::Anything,
            &CallOptions::new().lock(&guard),
        )
        .unwrap_err();
    assert_eq!(
        error.kind(),
        ErrorKind::InvalidArgument,
        "another file's lock: {error}"
    );
    guard.release().unwrap();
    let error = journal
        .append_with(b"[2]", &CallOptions::new().lock(&guard))
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument, "let go: {error}");
    journal.append(b"[2]").unwrap();
    assert_eq!(scene::records(&path).len(), 2);
}

#[test]
fn an_asynchronous_caller_queues_behind_its_own_thread() {
    // Trap 52: a blocked loop can't release it.
    let scene = Scene::new();
    let path = scene.path("j");
    let guard = FileLock::acquire(&path).unwrap();
    let me = Caller::current();
    let (done, result) = mpsc::channel();
    std::thread::spawn({
        let path = path.clone();
        move || {
            let lock = FileLock::options().acquire_with(&path, &CallOptions::new().caller(me));
            done.send(lock).unwrap();
        }
    });
    drop(guard);
    let guard = result.recv().unwrap().unwrap();
    // It counts as this thread's.
    assert_eq!(
        FileLock::acquire(&path).unwrap_err().kind(),
        ErrorKind::Deadlock
    );
    drop(guard);
}

#[test]
fn a_cancelled_waiter_never_has_the_lock() {
    // Trap 11: a wait must neither poll nor block past its time.
    let scene = Scene::new();
    let path = scene.path("j");
    let cancelled = CancelToken::new();
    cancelled.cancel();
    let early = FileLock::options().acquire_with(&path, &CallOptions::new().cancel(&cancelled));
    assert_eq!(
        early.unwrap_err().kind(),
        ErrorKind::Cancelled,
        "also where it is free"
    );
    let guard = FileLock::acquire(&path).unwrap();
    for _ in 0..50 {
        let token = CancelToken::new();
        std::thread::scope(|threads| {
            let waiter = threads.spawn(|| {
                FileLock::options()
                    .acquire_with(&path, &CallOptions::new().cancel(&token))
                    .map(drop)
            });
            token.cancel();
            assert_eq!(
                waiter.join().unwrap().unwrap_err().kind(),
                ErrorKind::Cancelled
            );
        });
    }
    drop(guard);
    // The helper that waited for them in the kernel releases it at once.
    drop(FileLock::acquire(&path).unwrap());
}

#[test]
fn cancelling_at_the_moment_of_the_hand_over_loses_nothing() {
    // Trap 54: a cancelled waiter may get the lock.
    let scene = Scene::new();
    let path = scene.path("j");
    for _ in 0..200 {
        let token = CancelToken::new();
        let guard = FileLock::acquire(&path).unwrap();
        std::thread::scope(|threads| {
            let waiter = threads.spawn(|| {
                FileLock::options()
                    .acquire_with(&path, &CallOptions::new().cancel(&token))
                    .map(|guard| assert!(guard.is_held()))
            });
            let go = Arc::new(Barrier::new(2));
            let (together, token) = (Arc::clone(&go), &token);
            threads.spawn(move || {
                together.wait();
                token.cancel();
            });
            go.wait();
            drop(guard);
            if let Err(error) = waiter.join().unwrap() {
                assert_eq!(error.kind(), ErrorKind::Cancelled);
            }
        });
        drop(FileLock::acquire(&path).unwrap());
    }
}

#[test]
fn an_interrupt_ends_a_wait() {
    let scene = Scene::new();
    let path = scene.path("j");
    let _guard = FileLock::acquire(&path).unwrap();
    std::thread::scope(|threads| {
        threads.spawn(|| {
            let asked = AtomicU32::new(0);
            let interrupt = || asked.fetch_add(1, Ordering::Relaxed) == 2;
            let error = FileLock::options()
                .acquire_with(&path, &CallOptions::new().interrupt(&interrupt))
                .unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Cancelled);
            assert_eq!(asked.into_inner(), 3);
        });
    });
}

#[test]
fn many_threads_take_turns() {
    let scene = Scene::new();
    let path = scene.path("j");
    let inside = AtomicBool::new(false);
    let count = AtomicU32::new(0);
    std::thread::scope(|threads| {
        for n in 0..8 {
            let (path, inside, count) = (&path, &inside, &count);
            threads.spawn(move || {
                for _ in 0..100 {
                    // Some wait in the kernel themselves, some by the helper.
                    let timeout = (n % 2 == 0).then_some(Duration::from_secs(600));
                    let guard = FileLock::options().timeout(timeout).acquire(path).unwrap();
                    assert!(!inside.swap(true, Ordering::SeqCst), "two at once");
                    count.fetch_add(1, Ordering::Relaxed);
                    inside.store(false, Ordering::SeqCst);
                    drop(guard);
                }
            });
        }
    });
    assert_eq!(count.into_inner(), 800);
}

#[test]
fn a_lock_file_that_others_unlink_is_made_anew() {
    // Trap 2: others unlink lock files.
    let scene = Scene::new();
    let path = scene.path("j");
    let journal = Journal::open(&path).unwrap();
    journal.append(b"[1]").unwrap();
    fs::remove_file(scene.path("j.lock")).unwrap();
    // Another program locks the new file of that name: we must wait for it.
    let theirs = fs::File::create(scene.path("j.lock")).unwrap();
    theirs.lock().unwrap();
    let tried = journal.append_with(b"[2]", &CallOptions::new().timeout(Some(Duration::ZERO)));
    assert_eq!(tried.unwrap_err().kind(), ErrorKind::Locked);
    theirs.unlock().unwrap();
    journal.append(b"[2]").unwrap();
    assert_eq!(scene::records(&path).len(), 2);
}

/// What others do to a lock file, or to the directory that it is in.
#[cfg(unix)]
type Loss = fn(&std::path::Path);

#[cfg(unix)]
const LOSSES: [(&str, Loss); 6] = [
    ("unlinked", |data| {
        fs::remove_file(data.join("j.lock")).unwrap();
    }),
    ("renamed", |data| {
        fs::rename(data.join("j.lock"), data.join("j.lock.bak")).unwrap();
    }),
    ("another renamed over it", |data| {
        fs::write(data.join("new"), "").unwrap();
        fs::rename(data.join("new"), data.join("j.lock")).unwrap();
    }),
    ("in a snapshot of hard links, and unlinked", |data| {
        fs::hard_link(data.join("j.lock"), data.join("snapshot")).unwrap();
        fs::remove_file(data.join("j.lock")).unwrap();
    }),
    (
        "moved away with its directory, and restored as a copy",
        |data| {
            let old = data.with_file_name("old");
            fs::rename(data, &old).unwrap();
            fs::create_dir(data).unwrap();
            for name in ["j", "j.lock"] {
                fs::copy(old.join(name), data.join(name)).unwrap();
            }
        },
    ),
    (
        "moved away with its directory, and only the data back",
        |data| {
            let old = data.with_file_name("old");
            fs::rename(data, &old).unwrap();
            fs::create_dir(data).unwrap();
            fs::rename(old.join("j"), data.join("j")).unwrap();
        },
    ),
];

// Windows does not free the name of an open file in all of these ways.
#[cfg(unix)]
#[test]
fn a_lock_file_that_is_not_the_names_any_more_counts_for_nothing() {
    // Trap 2: others unlink lock files.
    for (how, lose) in LOSSES {
        let scene = Scene::new();
        let data = scene.path("data");
        fs::create_dir(&data).unwrap();
        let path = data.join("j");
        let journal = scene::journal(&path);
        let document = Document::open(&path).unwrap();
        // Used handles: they have the lock file open.
        journal.append(b"[1]").unwrap();
        document.save(b"[2]\n").unwrap();
        let guard = FileLock::acquire(&path).unwrap();
        lose(&data);
        let under = CallOptions::new().lock(&guard);
        let error = journal.append_with(b"[3]", &under).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict, "{how}");
        drop(guard);
        // Another program locks the file that has the name now.
        let theirs = fs::File::create(data.join("j.lock")).unwrap();
        theirs.lock().unwrap();
        let at_once = CallOptions::new().timeout(Some(Duration::ZERO));
        let tried = journal.append_with(b"[3]", &at_once);
        assert_eq!(tried.unwrap_err().kind(), ErrorKind::Locked, "{how}");
        let tried = document.save_with(b"[3]", untorn::Expect::Anything, &at_once);
        assert_eq!(tried.unwrap_err().kind(), ErrorKind::Locked, "{how}");
        theirs.unlock().unwrap();
        journal.append(b"[3]").unwrap();
        assert_eq!(scene::bytes(&path), b"[2]\n[3]\n", "{how}");
    }
}

// As above.
#[cfg(unix)]
#[test]
fn an_update_whose_lock_file_is_lost_saves_nothing() {
    for (how, lose) in LOSSES {
        let scene = Scene::new();
        let data = scene.path("data");
        fs::create_dir(&data).unwrap();
        let path = data.join("j");
        let document = Document::open(&path).unwrap();
        document.save(b"1").unwrap();
        let mut update = document.begin_update(&CallOptions::new()).unwrap();
        lose(&data);
        let error = update.save(b"2").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict, "{how}");
        assert_eq!(scene::bytes(&path), b"1", "{how}");
        document.save(b"3").unwrap();
    }
}

// Only Linux shows that a process waits (`/proc/locks`).
#[cfg(unix)]
#[test]
fn a_lock_file_unlinked_while_we_wait() {
    // Trap 2: others unlink lock files.
    let scene = Scene::new();
    let path = scene.path("j");
    let theirs = fs::File::create(scene.path("j.lock")).unwrap();
    theirs.lock().unwrap();
    std::thread::scope(|threads| {
        let waiter = threads.spawn(|| FileLock::acquire(&path).unwrap());
        while !waits(&scene) {
            std::thread::yield_now();
        }
        fs::remove_file(scene.path("j.lock")).unwrap();
        drop(theirs);
        let guard = waiter.join().unwrap();
        // It holds the lock of the file that has the name now.
        let now = fs::File::open(scene.path("j.lock")).unwrap();
        assert!(matches!(now.try_lock(), Err(fs::TryLockError::WouldBlock)));
        drop(guard);
        now.try_lock().unwrap();
    });
}

/// Whether a process waits in the kernel for the lock file (`/proc/locks`).
#[cfg(unix)]
fn waits(scene: &Scene) -> bool {
    let inode = fs::metadata(scene.path("j.lock")).unwrap().ino();
    fs::read_to_string("/proc/locks")
        .unwrap()
        .lines()
        .any(|line| line.contains("-> FLOCK") && line.contains(&format!(":{inode} ")))
}

// As above.
#[cfg(unix)]
#[test]
fn at_most_one_thread_waits_in_the_kernel() {
    // Trap 11: a wait must neither poll nor block past its time.
    // Trap 55: a wait must not burn the processor.
    let scene = Scene::new();
    let path = scene.path("j");
    let theirs = fs::File::create(scene.path("j.lock")).unwrap();
    theirs.lock().unwrap();
    let inode = theirs.metadata().unwrap().ino();
    std::thread::scope(|threads| {
        let (begun, begins) = mpsc::channel();
        for n in 0..32 {
            let (path, begun) = (&path, begun.clone());
            threads.spawn(move || {
                let timeout = (n % 2 == 0).then_some(Duration::from_millis(50));
                begun.send(()).unwrap();
                let result = FileLock::options().timeout(timeout).acquire(path);
                assert!(timeout.is_some() || result.is_ok());
            });
        }
        begins.iter().take(32).for_each(drop);
        let place = format!(":{inode} ");
        let (table, waiters) = loop {
            let table = fs::read_to_string("/proc/locks").unwrap();
            let waits = |line: &&str| line.contains("->") && line.contains(&place);
            let waiters = table.lines().filter(waits).count();
            // The table comes in pieces: a line is missed if another one disappears between
            // two of them.
            if waiters > 0 {
                break (table, waiters);
            }
            std::thread::yield_now();
        };
        assert_eq!(waiters, 1, "{table}");
        drop(theirs);
    });
}

#[test]
fn who_gave_up_waiting_alone_can_share_with_others() {
    let scene = Scene::new();
    let path = scene.path("j");
    let theirs = fs::File::create(scene.path("j.lock")).unwrap();
    theirs.lock_shared().unwrap();
    let short = FileLock::options().timeout(Some(Duration::from_millis(1)));
    let error = short.acquire(&path).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LockTimeout);
    // The thread that waited for it in the kernel does so still.
    for timeout in [None, Some(Duration::from_secs(600)), Some(Duration::ZERO)] {
        let shared = FileLock::options().shared(true).timeout(timeout);
        drop(shared.acquire(&path).unwrap());
    }
    // And behind one of this process that waits as well, and gives up.
    let token = CancelToken::new();
    std::thread::scope(|threads| {
        let alone = threads.spawn(|| {
            FileLock::options()
                .acquire_with(&path, &CallOptions::new().cancel(&token))
                .map(drop)
        });
        let shares = threads.spawn(|| FileLock::options().shared(true).acquire(&path).map(drop));
        token.cancel();
        let error = alone.join().unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Cancelled);
        shares.join().unwrap().unwrap();
    });
    drop(theirs);
    drop(FileLock::acquire(&path).unwrap());
}

#[test]
fn without_threads_a_wait_is_a_wait() {
    let scene = Scene::new();
    let path = scene.path("j");
    for shared in [false, true] {
        let theirs = fs::File::create(scene.path("j.lock")).unwrap();
        theirs.lock().unwrap();
        let none = || Plan::new().fail_every(Op::StartThread, 11);
        let lock = |timeout| {
            FileLock::options()
                .shared(shared)
                .timeout(Some(Duration::from_millis(timeout)))
                .acquire(&path)
        };
        let (short, _) = none().run(|| lock(30));
        assert_eq!(short.unwrap_err().kind(), ErrorKind::LockTimeout);
        std::thread::scope(|threads| {
            let waiter = threads.spawn(|| none().run(|| lock(600_000).map(drop)).0);
            let second = threads.spawn(|| none().run(|| lock(600_000).map(drop)).0);
            drop(theirs);
            waiter.join().unwrap().unwrap();
            second.join().unwrap().unwrap();
        });
    }
}

#[test]
fn one_try_finds_a_free_lock_free_whoever_waited_before() {
    // A waiter gave up, and the thread that waited for it in the kernel does
    // so still: it must not be in the way of a try.
    let scene = Scene::new();
    let path = scene.path("j");
    for round in 0..rounds(40, 200) {
        let theirs = fs::File::create(scene.path("j.lock")).unwrap();
        theirs.lock().unwrap();
        let short = FileLock::options().timeout(Some(Duration::from_millis(1)));
        assert_eq!(
            short.acquire(&path).unwrap_err().kind(),
            ErrorKind::LockTimeout
        );
        assert_eq!(once().acquire(&path).unwrap_err().kind(), ErrorKind::Locked);
        drop(theirs);
        let shared = round % 2 == 0;
        let guard = once().shared(shared).acquire(&path).unwrap();
        std::thread::scope(|threads| {
            // Those who wait now get it in their turn.
            let waiter = threads.spawn(|| drop(FileLock::acquire(&path).unwrap()));
            drop(guard);
            waiter.join().unwrap();
        });
        drop(once().acquire(&path).unwrap());
    }
}

// Making links takes a privilege on Windows.
#[cfg(unix)]
#[test]
fn a_planted_symbolic_link_is_not_followed() {
    // Trap 12: a lock file's name may be a planted link.
    let scene = Scene::new();
    let victim = scene.with("victim", "precious");
    symlink(&victim, scene.path("j.lock")).unwrap();
    let error = FileLock::acquire(scene.path("j")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
    assert!(error.to_string().contains("symbolic link"), "{error}");
    let error = FileLock::options()
        .acquire_at(scene.path("j.lock"))
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
    assert_eq!(scene::bytes(&victim), b"precious");
}

// As above.
#[cfg(unix)]
#[test]
fn all_names_of_a_file_have_one_lock() {
    let scene = Scene::new();
    let path = scene.with("j", "");
    symlink("j", scene.path("link")).unwrap();
    symlink("not-yet", scene.path("dangling")).unwrap();
    let _guard = FileLock::acquire(&path).unwrap();
    assert_eq!(
        once().acquire(scene.path("link")).unwrap_err().kind(),
        ErrorKind::Locked
    );
    let _dangling = FileLock::acquire(scene.path("dangling")).unwrap();
    assert!(scene.path("not-yet.lock").exists());
    assert_eq!(
        once().acquire(scene.path("not-yet")).unwrap_err().kind(),
        ErrorKind::Locked
    );
}

// Windows has no modes.
#[cfg(unix)]
#[test]
fn the_lock_file_has_the_files_own_mode() {
    let scene = Scene::new();
    let path = scene.with("j", "");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o660)).unwrap();
    drop(FileLock::acquire(&path).unwrap());
    let mode = |name: &str| fs::metadata(scene.path(name)).unwrap().mode() & 0o777;
    assert_eq!(mode("j.lock"), 0o660);
    let plain = scene.with("plain", "");
    drop(FileLock::acquire(scene.path("new")).unwrap());
    assert_eq!(
        mode("new.lock"),
        fs::metadata(plain).unwrap().mode() & 0o777
    );
}

#[test]
fn odd_paths_are_refused_with_a_hint() {
    let scene = Scene::new();
    let error = FileLock::acquire(scene.path("j.lock")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    assert!(error.to_string().contains("at"), "{error}");
    let error = FileLock::acquire(scene.path("missing/j")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.to_string().contains("directory"), "{error}");
    let exact = FileLock::options()
        .acquire_at(scene.path("j.lock"))
        .unwrap();
    std::thread::scope(|threads| {
        threads.spawn(|| {
            let error = once().acquire(scene.path("j")).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Locked, "the same lock");
        });
    });
    drop(exact);
    assert_eq!(scene.files().keys().collect::<Vec<_>>(), ["j.lock"]);
}

#[test]
fn a_guard_may_be_let_go_on_another_thread() {
    let scene = Scene::new();
    let guard = Arc::new(FileLock::acquire(scene.path("j")).unwrap());
    let there = Arc::clone(&guard);
    std::thread::spawn(move || there.release().unwrap())
        .join()
        .unwrap();
    assert!(!guard.is_held());
    guard.release().unwrap();
    drop(once().acquire(scene.path("j")).unwrap());
}
