//! Children that are made in ways that no handler sees, or before there is one.

use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use crate::scene::program::{Outcome, Test};
use crate::scene::{Scene, records};
use untorn::tasks::{EventLoop, Order, Placement, TaskQueue};
use untorn::{CallOptions, ErrorKind, FileLock, Journal};

pub const TESTS: &[Test] = &[
    #[cfg(target_os = "linux")]
    ("a_child_of_a_bare_clone_frees_no_lock", || {
        a_child_of_a_bare_clone_frees_no_lock();
        Outcome::Passed
    }),
    ("a_child_has_threads_of_its_own", || {
        a_child_has_threads_of_its_own();
        Outcome::Passed
    }),
];

/// Runs this in a child, and returns its exit code.
fn in_child(fork: fn() -> libc::pid_t, child: impl FnOnce()) -> i32 {
    match fork() {
        0 => {
            let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(child));
            // SAFETY: ends this process, without what the parent has to do at its end.
            unsafe { libc::_exit(i32::from(done.is_err())) }
        }
        pid => {
            assert!(pid > 0);
            let mut status = 0;
            // SAFETY: our own child.
            assert_eq!(unsafe { libc::waitpid(pid, &raw mut status, 0) }, pid);
            status
        }
    }
}

/// As `_Fork` does, which runs no `pthread_atfork` handler.
#[cfg(target_os = "linux")]
fn a_child_of_a_bare_clone_frees_no_lock() {
    // SAFETY: a fork; this program has one thread only.
    let clone = || unsafe {
        let pid = libc::syscall(libc::SYS_clone, libc::SIGCHLD, 0, 0, 0, 0);
        libc::pid_t::try_from(pid).expect("a pid")
    };
    let scene = Scene::new();
    let path = scene.path("j");
    let once = FileLock::options().timeout(Some(Duration::ZERO));
    let journal = Journal::open(&path).unwrap();
    journal.append(b"[0]").unwrap();
    // Taken out in the child, which must not take it from the parent.
    let kept = std::cell::Cell::new(Some(once.acquire(&path).unwrap()));
    let lock_files = || {
        let all = std::fs::read_dir("/proc/self/fd").unwrap();
        all.filter_map(|fd| std::fs::read_link(fd.ok()?.path()).ok())
            .filter(|file| file.ends_with("j.lock"))
            .count()
    };
    assert_ne!(lock_files(), 0);
    let status = in_child(clone, || {
        let guard = kept.take().unwrap();
        assert!(!guard.is_held());
        assert_eq!(lock_files(), 0);
        guard.release().unwrap();
        drop(guard);
        assert_eq!(once.acquire(&path).unwrap_err().kind(), ErrorKind::Locked);
        // And once more, from a child that knows that it is one.
        assert_eq!(in_child(clone, || assert!(journal.end().is_ok())), 0);
    });
    assert_eq!(status, 0);
    let status = in_child(clone, || {
        assert_eq!(once.acquire(&path).unwrap_err().kind(), ErrorKind::Locked);
    });
    assert_eq!(status, 0, "the parent has it still");
    drop(kept.take());
    let status = in_child(clone, || assert!(journal.append(b"[1]").is_ok()));
    assert_eq!(status, 0);
    assert_eq!(records(&path).len(), 2);
}

/// An event loop that takes no results.
struct NoLoop;

impl EventLoop for NoLoop {
    type Value = ();
    type Failure = ();
    type Promise = ();

    fn wake(&self) -> bool {
        false
    }

    fn failure(_: untorn::Error) {}
}

/// The parent had threads, and no lock yet.
fn a_child_has_threads_of_its_own() {
    let runs = || {
        let (done, is_done) = mpsc::channel();
        let task = TaskQueue::<NoLoop>::new().begin("run", &Path::new("a").into(), None);
        let work = move |_: &CallOptions<'_>| {
            done.send(()).unwrap();
            Ok(())
        };
        task.run(Placement::new(Order::Unordered), work, |()| ());
        is_done.recv_timeout(Duration::from_secs(20)).unwrap();
    };
    runs();
    // SAFETY: the child goes on as a program of its own.
    let fork = || unsafe { libc::fork() };
    assert_eq!(in_child(fork, runs), 0);
}
