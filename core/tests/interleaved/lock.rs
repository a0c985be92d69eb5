//! The queue for one lock file.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use shuttle::sync::Mutex;
use shuttle::sync::atomic::{AtomicUsize, Ordering};
use shuttle::thread::yield_now;
use untorn::interleaved::Foreign;
use untorn::{CallOptions, CancelToken, ErrorKind, FileLock, LockGuard, Result};

use crate::world::{in_many, long, short, start};

fn lock(path: &Path, call: &CallOptions<'_>) -> Result<LockGuard> {
    FileLock::options().acquire_with(path, call)
}

fn share(path: &Path, call: &CallOptions<'_>) -> Result<LockGuard> {
    FileLock::options().shared(true).acquire_with(path, call)
}

fn is_free(path: &Path) {
    let once = FileLock::options().timeout(Some(Duration::ZERO));
    drop(once.acquire(path).expect("nobody has it"));
}

/// Who has the lock alone, and who shares it.
#[derive(Default)]
struct Inside {
    alone: AtomicUsize,
    sharing: AtomicUsize,
}

impl Inside {
    fn alone(&self) {
        assert_eq!(self.alone.fetch_add(1, Ordering::SeqCst), 0);
        assert_eq!(self.sharing.load(Ordering::SeqCst), 0);
        yield_now();
        assert_eq!(self.alone.fetch_sub(1, Ordering::SeqCst), 1);
    }

    fn shared(&self) {
        self.sharing.fetch_add(1, Ordering::SeqCst);
        assert_eq!(self.alone.load(Ordering::SeqCst), 0);
        yield_now();
        self.sharing.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Every waiter gets its turn: those that wait in the kernel themselves, those that
/// have a helper do so, sharers, and other programs.
#[test]
fn all_have_their_turn() {
    in_many(|world| {
        let inside = Arc::new(Inside::default());
        is_free(&world.path());
        let mut threads = Vec::new();
        for n in 0..4 {
            let (path, inside) = (world.path(), Arc::clone(&inside));
            threads.push(start(move || match n {
                0 => {
                    let guard = lock(&path, &CallOptions::new()).unwrap();
                    inside.alone();
                    drop(guard);
                }
                1 => {
                    let guard = lock(&path, &long()).unwrap();
                    inside.alone();
                    drop(guard);
                }
                2 => {
                    let guard = share(&path, &CallOptions::new()).unwrap();
                    inside.shared();
                    drop(guard);
                }
                _ => {
                    let theirs = Foreign::lock(&path.with_extension("lock"), false).unwrap();
                    inside.alone();
                    drop(theirs);
                }
            }));
        }
        for thread in threads {
            thread.join().unwrap();
        }
        is_free(&world.path());
    });
}

/// One that gives up takes no turn from another, and leaves no lock behind.
#[test]
fn who_gives_up_keeps_nobody_out() {
    in_many(|world| {
        let path = world.path();
        let guard = lock(&path, &CallOptions::new()).unwrap();
        let token = CancelToken::new();
        let (own, place) = (token.clone(), path.clone());
        let cancelled = start(move || lock(&place, &CallOptions::new().cancel(&own)).map(drop));
        let place = path.clone();
        let overdue = start(move || lock(&place, &short()).map(drop));
        let place = path.clone();
        let patient = start(move || lock(&place, &CallOptions::new()).map(drop));
        let cancels = start(move || token.cancel());
        yield_now();
        drop(guard);
        for (result, kind) in [
            (cancelled.join().unwrap(), ErrorKind::Cancelled),
            (overdue.join().unwrap(), ErrorKind::LockTimeout),
        ] {
            assert!(result.is_ok() || result.is_err_and(|error| error.kind() == kind));
        }
        patient.join().unwrap().unwrap();
        cancels.join().unwrap();
        is_free(&path);
    });
}

/// Behind one that gives up, between two that share.
#[test]
fn sharers_wait_for_nobody_who_gave_up() {
    in_many(|world| {
        let path = world.path();
        let guard = share(&path, &CallOptions::new()).unwrap();
        let token = CancelToken::new();
        let (own, place) = (token.clone(), path.clone());
        let alone = start(move || lock(&place, &CallOptions::new().cancel(&own)).map(drop));
        let place = path.clone();
        let shares = start(move || share(&place, &CallOptions::new()).map(drop));
        token.cancel();
        assert_eq!(
            alone.join().unwrap().unwrap_err().kind(),
            ErrorKind::Cancelled
        );
        // The lock is shared still.
        shares.join().unwrap().unwrap();
        drop(guard);
        is_free(&path);
    });
}

/// In the order in which they came.
#[test]
fn waiters_are_served_in_order() {
    in_many(|world| {
        let path = world.path();
        let guard = lock(&path, &CallOptions::new()).unwrap();
        let (queued, served) = (
            Arc::new(AtomicUsize::new(0)),
            Arc::new(Mutex::new(Vec::new())),
        );
        let mut threads = Vec::new();
        for n in 0..3 {
            let (path, queued, served) = (path.clone(), Arc::clone(&queued), Arc::clone(&served));
            let own = Arc::clone(&queued);
            threads.push(start(move || {
                // Asked only of one that stands in the queue.
                let stands = move || {
                    own.fetch_max(n + 1, Ordering::SeqCst);
                    false
                };
                let guard = lock(&path, &CallOptions::new().interrupt(&stands)).unwrap();
                served.lock().unwrap().push(n);
                drop(guard);
            }));
            while queued.load(Ordering::SeqCst) <= n {
                yield_now();
            }
        }
        drop(guard);
        for thread in threads {
            thread.join().unwrap();
        }
        assert_eq!(*served.lock().unwrap(), [0, 1, 2]);
    });
}

#[test]
fn a_waiter_that_panics_leaves_its_place() {
    in_many(|world| {
        let path = world.path();
        let guard = lock(&path, &CallOptions::new()).unwrap();
        let place = path.clone();
        let panics = start(move || {
            let interrupt = || std::panic::resume_unwind(Box::new(()));
            let call = CallOptions::new().interrupt(&interrupt);
            let _ = catch_unwind(AssertUnwindSafe(|| lock(&place, &call).map(drop)));
        });
        let place = path.clone();
        let waits = start(move || lock(&place, &CallOptions::new()).map(drop));
        yield_now();
        drop(guard);
        panics.join().unwrap();
        waits.join().unwrap().unwrap();
        is_free(&path);
    });
}
