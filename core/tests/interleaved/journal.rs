//! Group commit: which call leads, and which answer each call gets.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use shuttle::sync::Mutex;
use shuttle::thread::yield_now;
use untorn::{CallOptions, CancelToken, Durability, ErrorKind, FileLock, Journal};

use crate::world::{World, in_many, numbers, short, start};

fn open(world: &World) -> Arc<Journal> {
    let options = Journal::options().durability(Durability::Process);
    Arc::new(options.open(world.path()).unwrap())
}

/// What was acknowledged is in the file, once, and what failed is not.
fn check(world: &World, mut done: Vec<u64>) {
    let mut found = numbers(&world.path());
    found.sort_unstable();
    done.sort_unstable();
    assert_eq!(found, done);
}

#[test]
fn every_append_has_an_answer() {
    in_many(|world| {
        let journal = open(world);
        let threads: Vec<_> = (0..3_u64)
            .map(|n| {
                let journal = Arc::clone(&journal);
                start(move || {
                    for n in [n * 10, n * 10 + 1] {
                        journal.append(n.to_string().as_bytes()).unwrap();
                    }
                })
            })
            .collect();
        for thread in threads {
            thread.join().unwrap();
        }
        check(world, (0..3).flat_map(|n| [n * 10, n * 10 + 1]).collect());
    });
}

/// Threads, and calls that leave a callback; some give up.
#[test]
fn who_gives_up_is_not_in_the_file() {
    in_many(|world| {
        let journal = open(world);
        let guard = FileLock::acquire(world.path()).unwrap();
        let done = Arc::new(Mutex::new(Vec::new()));
        let answers = Arc::new(Mutex::new(0));
        let token = CancelToken::new();
        for (n, cancel) in [(1, Some(token.clone())), (2, None)] {
            let mut batch = journal.batch();
            batch.push(n.to_string().as_bytes()).unwrap();
            let (done, answers) = (Arc::clone(&done), Arc::clone(&answers));
            journal.append_queued(batch, None, None, cancel, move |result| {
                match result {
                    Ok(_) => done.lock().unwrap().push(n),
                    Err(error) => assert_eq!((n, error.kind()), (1, ErrorKind::Cancelled)),
                }
                *answers.lock().unwrap() += 1;
            });
        }
        let own = token.clone();
        let mut threads = Vec::new();
        for n in 3..6_u64 {
            let (journal, done, token) = (Arc::clone(&journal), Arc::clone(&done), own.clone());
            threads.push(start(move || {
                let call = match n {
                    3 => CallOptions::new(),
                    4 => short(),
                    _ => CallOptions::new().cancel(&token),
                };
                match journal.append_with(n.to_string().as_bytes(), &call) {
                    Ok(_) => done.lock().unwrap().push(n),
                    Err(error) if n == 4 => assert_eq!(error.kind(), ErrorKind::LockTimeout),
                    Err(error) => assert_eq!((n, error.kind()), (5, ErrorKind::Cancelled)),
                }
            }));
        }
        let cancels = start(move || token.cancel());
        yield_now();
        drop(guard);
        for thread in threads {
            thread.join().unwrap();
        }
        cancels.join().unwrap();
        while *answers.lock().unwrap() < 2 {
            yield_now();
        }
        let done = std::mem::take(&mut *done.lock().unwrap());
        assert!(done.contains(&2) && done.contains(&3));
        check(world, done);
    });
}

/// The one that leads, or one behind it.
#[test]
fn a_thread_that_panics_hands_over() {
    in_many(|world| {
        let journal = open(world);
        let guard = FileLock::acquire(world.path()).unwrap();
        let own = Arc::clone(&journal);
        let panics = start(move || {
            let interrupt = || std::panic::resume_unwind(Box::new(()));
            let call = CallOptions::new().interrupt(&interrupt);
            let append = AssertUnwindSafe(|| own.append_with(b"1", &call));
            catch_unwind(append).ok()
        });
        let threads: Vec<_> = [2_u64, 3]
            .map(|n| {
                let journal = Arc::clone(&journal);
                start(move || assert!(journal.append(n.to_string().as_bytes()).is_ok()))
            })
            .into();
        yield_now();
        drop(guard);
        for thread in threads {
            thread.join().unwrap();
        }
        let done = panics.join().unwrap();
        let found = numbers(&world.path());
        assert!(found.contains(&2) && found.contains(&3));
        if let Some(done) = done {
            assert!(done.is_ok() && found.contains(&1));
        }
    });
}
