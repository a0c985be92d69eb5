//! Traps of locks that no other test is about; `docs/traps.md` lists all.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use crate::scene::{Scene, bytes};
use untorn::fault::{Op, Plan};
use untorn::{
    CallOptions, Document, Durability, ErrorKind, Expect, FileLock, Journal, LockOptions,
};

fn once() -> LockOptions {
    FileLock::options().timeout(Some(Duration::ZERO))
}

/// Whether another program gets the lock, by a call of its own.
fn is_free(lock: &Path) -> bool {
    let mut flock = Command::new("flock");
    flock.arg("--nonblock").arg(lock).arg("true");
    flock.status().expect("util-linux flock").success()
}

/// Another program that has the lock until its input ends.
fn foreign(lock: &Path) -> Child {
    let mut child = Command::new("flock")
        .arg("--no-fork")
        .arg(lock)
        .args(["sh", "-c", "echo; exec cat"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("util-linux flock");
    let mut line = String::new();
    let out = child.stdout.as_mut().expect("its output");
    BufReader::new(out).read_line(&mut line).expect("it has it");
    child
}

/// Trap 3: a record lock of POSIX goes when the process closes any descriptor of the
/// file, whichever code opened it. Ours is none.
#[test]
fn closing_another_descriptor_lets_nothing_go() {
    let scene = Scene::new();
    let path = scene.with("j", "[1]\n");
    let lock = scene.path("j.lock");
    let guard = FileLock::acquire(&path).unwrap();
    for file in [&path, &lock] {
        drop(File::open(file).unwrap());
        drop(File::options().append(true).open(file).unwrap());
    }
    let journal = Journal::open(&path).unwrap();
    journal
        .append_with(b"[2]", &CallOptions::new().lock(&guard))
        .unwrap();
    drop(journal);
    assert!(once().acquire_at(&lock).is_err());
    assert!(!is_free(&lock));
    drop(guard);
    assert!(is_free(&lock));
}

/// Trap 4: what a program that we start inherits, it keeps locked for as long as
/// it lives. It gets nothing.
#[test]
#[cfg(target_os = "linux")]
fn a_program_that_is_started_inherits_no_descriptor() {
    let scene = Scene::new();
    let path = scene.path("j");
    let journal = Journal::open(&path).unwrap();
    journal.append(b"[1]").unwrap();
    let document = Document::open(scene.path("d")).unwrap();
    document.save(b"{}").unwrap();
    let mut records = journal.records().unwrap();
    assert!(records.next_record().unwrap().is_some());
    let follow = journal.follow(None).unwrap();
    let _guards = [&path, &scene.path("d")].map(|path| FileLock::acquire(path).unwrap());
    let own = |pid: &str| {
        let entries = fs::read_dir(format!("/proc/{pid}/fd")).unwrap();
        let files = entries.filter_map(|entry| fs::read_link(entry.unwrap().path()).ok());
        files.filter(|file| file.starts_with(scene.dir())).count()
    };
    assert!(own("self") >= 4, "what there is to inherit");
    let mut child = Command::new("cat")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    assert_eq!(own(&child.id().to_string()), 0);
    drop((child.stdin.take(), follow));
    assert!(child.wait().unwrap().success());
}

/// Trap 5: to make a shared lock an exclusive one is to release it in between. It is
/// refused.
#[test]
fn a_shared_lock_is_never_made_exclusive() {
    let scene = Scene::new();
    let path = scene.with("j", "[1]\n");
    let document = scene.with("d", "{}");
    let shared = |path: &Path| FileLock::options().shared(true).acquire(path).unwrap();
    let (guard, other) = (shared(&path), shared(&document));
    let journal = Journal::open(&path).unwrap();
    let under = CallOptions::new().lock(&guard);
    let tried = [
        journal.append_with(b"[2]", &under).map(drop),
        journal.rotate_with(&under).map(drop),
        Document::open(&document)
            .unwrap()
            .save_with(
                b"{\"n\":1}",
                Expect::Anything,
                &CallOptions::new().lock(&other),
            )
            .map(drop),
    ];
    for refused in tried {
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::InvalidArgument);
    }
    assert_eq!(bytes(&path), b"[1]\n");
    assert_eq!(bytes(&document), b"{}");
    assert!(!is_free(&scene.path("j.lock")), "it was not let go");
}

/// Trap 12: a lock file may be another program's. What is in it stays; and where
/// it is there it is opened without O_CREAT, which a sticky directory refuses on
/// another user's file.
#[test]
fn a_lock_file_of_others_is_opened_as_it_is() {
    let scene = Scene::new();
    let path = scene.with("j", "");
    let lock = scene.with("j.lock", "4711\nanother program's\n");
    let journal = Journal::options()
        .durability(Durability::Process)
        .open(&path)
        .unwrap();
    let (its_calls, theirs) = (Arc::new(Mutex::new(Vec::new())), lock.clone());
    let noted = Arc::clone(&its_calls);
    let plan = Plan::new().before(move |call| {
        if call.path == Some(&theirs) {
            noted.lock().unwrap().push(call.op);
        }
    });
    plan.run(|| {
        drop(FileLock::acquire(&path).unwrap());
        journal.append(b"[1]").unwrap();
        drop(once().acquire_at(&lock).unwrap());
    });
    let calls = its_calls.lock().unwrap();
    assert!(calls.contains(&Op::Open), "{calls:?}");
    for never in [Op::Create, Op::Truncate, Op::Write, Op::Unlink, Op::Rename] {
        assert!(!calls.contains(&never), "{calls:?}");
    }
    assert_eq!(bytes(&lock), b"4711\nanother program's\n");
    assert_eq!(bytes(&path), b"[1]\n");
}

/// Trap 21: a holder that does not move (a stopped process, a laptop asleep, a long
/// computation) is alive. No process takes its lock, however old its file is.
#[test]
fn a_stopped_holder_keeps_its_lock() {
    let scene = Scene::new();
    let path = scene.path("j");
    let lock = scene.path("j.lock");
    let mut holder = foreign(&lock);
    let pid = libc::pid_t::try_from(holder.id()).unwrap();
    // SAFETY: stops our own child.
    assert_eq!(unsafe { libc::kill(pid, libc::SIGSTOP) }, 0);
    let old = SystemTime::now() - Duration::from_secs(24 * 3_600);
    File::open(&lock).unwrap().set_modified(old).unwrap();
    assert_eq!(once().acquire(&path).unwrap_err().kind(), ErrorKind::Locked);
    let briefly = FileLock::options().timeout(Some(Duration::from_millis(50)));
    let error = briefly.acquire(&path).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LockTimeout, "{error}");
    // Trap 57: it is killed, and has no time to tidy up. The kernel does.
    holder.kill().unwrap();
    drop(FileLock::acquire(&path).unwrap());
    holder.wait().unwrap();
}
