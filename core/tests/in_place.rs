//! The scheme in-place: the lock is on the file itself.

// The other programs here lock as Unix does; for Windows see `windows.rs`.
#![cfg(unix)]

mod scene;

use std::fs::File;
use std::os::fd::AsRawFd;
use std::path::Path;
use std::time::Duration;

use scene::{Scene, bytes};
use untorn::{Call, Document, ErrorKind, FileLock, Journal, OnUnsupported, Scheme};

fn lock() -> untorn::LockOptions {
    FileLock::options()
        .scheme(Scheme::InPlace)
        .timeout(Some(Duration::ZERO))
}

/// What a harness does that knows nothing of this library.
struct Foreign(File);

impl Foreign {
    fn open(path: &Path) -> Foreign {
        let file = File::options().read(true).write(true).open(path);
        Foreign(file.expect("open"))
    }

    fn try_lock(&self) -> bool {
        // SAFETY: the descriptor is open.
        unsafe { libc::flock(self.0.as_raw_fd(), libc::LOCK_EX | libc::LOCK_NB) == 0 }
    }
}

#[test]
fn the_lock_is_on_the_file_itself() {
    let scene = Scene::new();
    let path = scene.with("d", "{}");
    let foreign = Foreign::open(&path);
    let guard = lock().acquire(&path).unwrap();
    assert_eq!(guard.lock_path(), guard.path());
    assert!(!foreign.try_lock());
    drop(guard);
    assert!(foreign.try_lock());
    let error = lock().acquire(&path).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Locked, "{error}");
    // A foreign holder is known from the system.
    let holder = untorn::holder(&path).unwrap().expect("a holder");
    assert_eq!(holder.pid, std::process::id());
    drop(foreign);
    drop(lock().acquire(&path).unwrap());
    assert_eq!(bytes(&path), b"{}");
    assert_eq!(scene.files().len(), 1, "{:?}", scene.files());
}

/// Trap 1: a rename moves the name and not the lock.
#[test]
fn trap_1_a_file_that_others_replace() {
    let scene = Scene::new();
    let path = scene.with("d", "old");
    let guard = lock().acquire(&path).unwrap();
    std::fs::rename(scene.with("new", "new"), &path).unwrap();
    // The name means another file now, whose lock is free.
    let second = lock().acquire(&path).unwrap();
    assert!(!Foreign::open(&path).try_lock());
    drop((guard, second));
    assert_eq!(bytes(&path), b"new");
}

#[test]
fn schemes_and_stale_are_checked() {
    let scene = Scene::new();
    let path = scene.with("d", "{}");
    let short = Duration::from_millis(1999);
    for error in [
        lock().stale(short).acquire(&path).unwrap_err(),
        Journal::options().stale(short).open(&path).unwrap_err(),
        Document::options().stale(short).open(&path).unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
    }
    let options = lock().stale(Duration::from_secs(2));
    drop(
        options
            .on_unsupported(OnUnsupported::PidFile)
            .acquire(&path),
    );
    assert_eq!(scene.files().len(), 1, "{:?}", scene.files());
}

#[test]
fn a_guard_of_another_scheme_is_refused() {
    let scene = Scene::new();
    let path = scene.path("j");
    let sidecar = Journal::open(&path).unwrap();
    let in_place = Journal::options()
        .scheme(Scheme::InPlace)
        .open(&path)
        .unwrap();
    in_place.append(b"[0]").unwrap();
    // Locks exactly this file, but it was not opened to be written.
    let exactly = FileLock::options().acquire_at(&path).unwrap();
    let guard = lock().acquire(scene.with("other", "")).unwrap();
    for guard in [&exactly, &guard] {
        let call = Call::new().lock(guard);
        for journal in [&sidecar, &in_place] {
            let error = journal.append_with(b"[1]", &call).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
        }
    }
    drop(exactly);
    let guard = lock().acquire(&path).unwrap();
    let call = Call::new().lock(&guard);
    in_place.append_with(b"[1]", &call).unwrap();
    assert_eq!(bytes(&path), b"[0]\n[1]\n");
}
