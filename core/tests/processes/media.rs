//! Media on which not everything goes: read-only ones, and lock files that
//! others have plans for.
//!
//! Each test has a file system of its own, in a mount namespace, so that
//! nothing of the machine changes.

use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::scene;
use crate::scene::program::{Outcome, Part, Test, player, said, say, unshare};
use untorn::{Document, ErrorKind, FileLock, Journal, holder};

pub const PARTS: &[Part] = &[
    ("without lock files", || {
        without_lock_files(&dir());
        say("done");
    }),
    ("with lock files", || {
        with_lock_files(&dir());
        say("done");
    }),
    ("hold", || hold(&dir())),
];

pub const TESTS: &[Test] = &[
    ("a_read_only_medium", a_read_only_medium),
    (
        "a_read_only_medium_with_lock_files",
        a_read_only_medium_with_lock_files,
    ),
    (
        "a_lease_on_the_lock_file_delays_nobody",
        a_lease_on_the_lock_file_delays_nobody,
    ),
];

fn dir() -> PathBuf {
    PathBuf::from(std::env::var_os("UNTORN_TEST_DIR").unwrap())
}

/// Plays the part on a small medium of its own that was made read-only after
/// `prepare`, a shell command.
fn on_read_only(prepare: &str, part: &str) -> Outcome {
    let mut command = match unshare(&["--mount"]) {
        Err(why) => return Outcome::Skipped(why),
        Ok(command) => command,
    };
    let scene = scene::Scene::new();
    let player = player(part);
    command
        .args(["sh", "-e", "-c"])
        .arg(format!(
            "mount -t tmpfs -o size=1m tmpfs \"$UNTORN_TEST_DIR\"; cd \"$UNTORN_TEST_DIR\"; \
             printf '[1]\\n[2]\\n' > j; printf '{{\"n\":1}}' > d; {prepare}; \
             mount -o remount,ro \"$UNTORN_TEST_DIR\"; exec \"$0\""
        ))
        .arg(player.get_program())
        .env("UNTORN_TEST_DIR", scene.dir());
    for (key, value) in player.get_envs() {
        command.env(key, value.unwrap());
    }
    assert_eq!(said(command), "done");
    Outcome::Passed
}

fn a_read_only_medium() -> Outcome {
    on_read_only("true", "without lock files")
}

fn a_read_only_medium_with_lock_files() -> Outcome {
    on_read_only("touch j.lock d.lock", "with lock files")
}

/// What needs no lock goes, here and there.
fn reading_goes(dir: &Path) {
    let journal = Journal::open(dir.join("j")).unwrap();
    assert_eq!(journal.tail(9).unwrap().len(), 2);
    assert_eq!(journal.verify().unwrap().records, 2);
    let (mut records, mut seen) = (journal.records().unwrap(), 0);
    for record in &mut records {
        record.unwrap();
        seen += 1;
    }
    assert_eq!(seen, 2);
    let document = Document::open(dir.join("d")).unwrap();
    assert_eq!(document.load().unwrap().0, b"{\"n\":1}");
}

/// What changes the files is refused, and says why.
fn writing_is_refused(dir: &Path) {
    let journal = Journal::open(dir.join("j")).unwrap();
    let document = Document::open(dir.join("d")).unwrap();
    for error in [
        journal.append(b"[3]").unwrap_err(),
        journal.append_all([b"[3]", b"[4]"]).unwrap_err(),
        document.save(b"{}").unwrap_err(),
        document.update(|_| Ok(b"{}".to_vec())).unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
        assert_eq!(error.raw_os_error(), Some(libc::EROFS), "{error}");
    }
    let missing = Journal::open(dir.join("new")).unwrap();
    let error = missing.append(b"[]").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
}

fn without_lock_files(dir: &Path) {
    reading_goes(dir);
    writing_is_refused(dir);
    for shared in [false, true] {
        let error = FileLock::options()
            .shared(shared)
            .acquire(dir.join("j"))
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
        assert!(error.to_string().contains("Read-only"), "{error}");
    }
    assert_eq!(holder(dir.join("j")).unwrap(), None);
}

fn with_lock_files(dir: &Path) {
    reading_goes(dir);
    writing_is_refused(dir);
    // The lock files are there and can be locked as they are.
    let path = dir.join("j");
    let once = FileLock::options().timeout(Some(Duration::ZERO));
    let exclusive = once.acquire(&path).unwrap();
    let other = |part: &str| {
        let mut command = player(part);
        command.env("UNTORN_TEST_DIR", dir);
        said(command)
    };
    let busy = other("hold");
    assert_eq!(busy, format!("LOCKED {} .", std::process::id()));
    drop(exclusive);
    let shared = once.clone().shared(true).acquire(&path).unwrap();
    assert!(other("hold").starts_with("LOCKED "));
    drop(shared);
    assert_eq!(other("hold"), "held");
}

/// Another process tries.
fn hold(dir: &Path) {
    let once = FileLock::options().timeout(Some(Duration::ZERO));
    match once.acquire(dir.join("j")) {
        Ok(_) => say("held"),
        Err(error) => say(&format!(
            "{} {} .",
            error.kind(),
            error.holder().expect("the system knows").pid
        )),
    }
}

fn a_lease_on_the_lock_file_delays_nobody() -> Outcome {
    // Trap 12: an open of a file that has a lease waits for the lease's holder (45 s),
    // unless its flags forbid that.
    let scene = scene::Scene::new();
    let path = scene.path("j");
    let lock = scene.with("j.lock", "");
    let leased = std::fs::File::open(&lock).unwrap();
    // SAFETY: sets flags on our own descriptor, and ignores the signal that asks for
    // the lease to be given up.
    let granted = unsafe {
        libc::signal(libc::SIGIO, libc::SIG_IGN);
        libc::fcntl(leased.as_raw_fd(), libc::F_SETLEASE, libc::F_RDLCK)
    };
    if granted != 0 {
        let why = std::io::Error::last_os_error();
        return Outcome::Skipped(format!("no leases on this file system: {why}"));
    }
    let once = FileLock::options().timeout(Some(Duration::ZERO));
    let error = once.acquire(&path).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Locked, "not left waiting: {error}");
    let briefly = FileLock::options().timeout(Some(Duration::from_millis(30)));
    let error = briefly.acquire(&path).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LockTimeout, "{error}");
    std::thread::scope(|threads| {
        let waiting = threads.spawn(|| FileLock::acquire(&path).map(drop));
        // SAFETY: gives our own lease back.
        unsafe { libc::fcntl(leased.as_raw_fd(), libc::F_SETLEASE, libc::F_UNLCK) };
        waiting.join().unwrap().unwrap();
    });
    Outcome::Passed
}
