//! Folds: a state kept from the records, which is what the file says whatever
//! threads and processes do at once (G10).

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::scene;
use crate::scene::{Scene, records};
use untorn::fault::{Op, Plan};
use untorn::{
    CallOptions, CancelToken, Durability, Error, ErrorKind, FileLock, Fold, Folded, Journal,
};

type List = Vec<String>;

/// A state that is the list of the records.
fn list(journal: &Journal) -> Fold<List> {
    let fold = journal.fold(Vec::new, |list: &mut List, record| {
        list.push(std::str::from_utf8(record.bytes)?.to_owned());
        Ok::<(), std::str::Utf8Error>(())
    });
    fold.unwrap()
}

fn seen(fold: &Fold<List>) -> List {
    fold.read(List::clone).unwrap()
}

fn refreshed(fold: &Fold<List>) -> List {
    fold.refresh(&CallOptions::new()).unwrap();
    seen(fold)
}

#[test]
fn takes_in_ones_own_and_others_records_in_file_order() {
    let scene = Scene::new();
    let path = scene.path("j");
    let journal = scene::journal(&path);
    let fold = list(&journal);
    assert_eq!(seen(&fold), List::new());
    let other = scene::journal(&path);
    other.append(b"[1]").unwrap();
    assert_eq!(seen(&fold), List::new(), "as of the last refresh");
    let end = fold.append(b"[2]").unwrap();
    assert_eq!(seen(&fold), ["[1]", "[2]"]);
    assert_eq!(fold.position(), Some(end));
    other.append_all(["[3]", "[4]"]).unwrap();
    assert_eq!(refreshed(&fold), ["[1]", "[2]", "[3]", "[4]"]);
    let mut batch = fold.batch();
    batch.push(b"[5]").unwrap();
    batch.push(b"[6]").unwrap();
    fold.append_batch(&batch, &CallOptions::new()).unwrap();
    assert_eq!(seen(&fold).len(), 6);
    assert_eq!(seen(&list(&other)), seen(&fold));
    let error = fold.append_batch(&Journal::open(&path).unwrap().batch(), &CallOptions::new());
    assert_eq!(error.unwrap_err().kind(), ErrorKind::InvalidArgument);
}

/// Many threads on one fold, others beside it, and at no instant anything else
/// in it than the first records of the file.
#[test]
fn memory_and_file_do_not_part() {
    let scene = Scene::new();
    let path = scene.path("j");
    let journal = scene::journal(&path);
    let applied = std::sync::Arc::new(AtomicUsize::new(0));
    let count = std::sync::Arc::clone(&applied);
    let fold = journal
        .fold(Vec::new, move |list: &mut List, record| {
            count.fetch_add(1, Ordering::Relaxed);
            list.push(std::str::from_utf8(record.bytes)?.to_owned());
            Ok::<(), std::str::Utf8Error>(())
        })
        .unwrap();
    std::thread::scope(|threads| {
        for name in 0..4 {
            let (fold, path) = (&fold, &path);
            threads.spawn(move || {
                let other = scene::journal(path);
                for n in 0..100 {
                    let record = format!("[{name},{n}]");
                    match n % 4 {
                        0 => drop(other.append(record.as_bytes()).unwrap()),
                        1 => {
                            // It sees all that is before its own record.
                            let length = fold
                                .update(|list| {
                                    assert_eq!(list.len(), records(path).len());
                                    Ok::<_, Error>([record])
                                })
                                .unwrap();
                            assert!(length.offset > 0);
                        }
                        2 => drop(fold.refresh(&CallOptions::new()).unwrap()),
                        _ => drop(fold.append(record.as_bytes()).unwrap()),
                    }
                    let list = seen(fold);
                    let file: List = records(path).iter().map(ToString::to_string).collect();
                    assert_eq!(list, file[..list.len()]);
                }
            });
        }
    });
    let all = refreshed(&fold);
    assert_eq!(all.len(), 300);
    assert_eq!(applied.load(Ordering::Relaxed), 300, "each once");
}

#[test]
fn begins_anew_where_the_file_did() {
    let scene = Scene::new();
    let path = scene.path("j");
    let journal = scene::journal(&path);
    let fold = list(&journal);
    let first = fold.append(b"[1]").unwrap();
    fold.append(b"[2]").unwrap();
    journal.rewind(first).unwrap();
    assert_eq!(refreshed(&fold), ["[1]"]);
    // A rewind that took nothing of it, and more behind it.
    let second = journal.append(b"[22]").unwrap();
    assert_eq!(refreshed(&fold), ["[1]", "[22]"]);
    journal.append(b"[3]").unwrap();
    journal.rewind(second).unwrap();
    assert_eq!(refreshed(&fold), ["[1]", "[22]"]);
    fold.append(b"[4]").unwrap();
    assert_eq!(seen(&fold), ["[1]", "[22]", "[4]"]);
    journal.rotate().unwrap().unwrap();
    assert_eq!(refreshed(&fold), List::new());
    fold.append(b"[5]").unwrap();
    assert_eq!(seen(&fold), ["[5]"]);
    for n in 0..3 {
        journal.append(b"[6]").unwrap();
        journal.rotate().unwrap().unwrap();
        journal.append(format!("[{n}]").as_bytes()).unwrap();
    }
    assert_eq!(refreshed(&fold), ["[2]"]);
    journal.replace(["[7]", "[8]"]).unwrap();
    fold.append(b"[9]").unwrap();
    assert_eq!(seen(&fold), ["[7]", "[8]", "[9]"]);
    // By programs that do not know the protocol.
    std::fs::write(&path, b"[10]\n").unwrap();
    assert_eq!(refreshed(&fold), ["[10]"]);
    std::fs::remove_file(&path).unwrap();
    fold.append(b"[11]").unwrap();
    assert_eq!(seen(&fold), ["[11]"]);
}

/// A fold that is closed keeps no file open, and keeps its state. When it is used
/// again, it begins again.
#[cfg(target_os = "linux")]
#[test]
fn a_close_lets_the_file_go() {
    let scene = Scene::new();
    let path = scene.path("only-this-test-has-it");
    let journal = scene::journal(&path);
    let open = || {
        let all = std::fs::read_dir("/proc/self/fd").unwrap();
        all.filter_map(|fd| std::fs::read_link(fd.ok()?.path()).ok())
            .filter(|target| target == &path)
            .count()
    };
    journal.append(b"[1]").unwrap();
    let others = open();
    let fold = list(&journal);
    assert_eq!(open(), others + 1);
    fold.close();
    assert_eq!(open(), others);
    assert_eq!(seen(&fold), ["[1]"]);
    fold.append(b"[2]").unwrap();
    assert_eq!(seen(&fold), ["[1]", "[2]"]);
    drop(fold);
    assert_eq!(open(), others);
}

/// Nothing is in a journal that was deleted, and no state is kept of it.
#[test]
fn a_journal_that_is_deleted() {
    let scene = Scene::new();
    let path = scene.path("j");
    let journal = scene::journal(&path);
    let fold = list(&journal);
    for n in 0..3 {
        fold.append(format!("[{n}]").as_bytes()).unwrap();
        journal.append(b"[\"another\"]").unwrap();
        if n > 0 {
            fold.refresh(&CallOptions::new()).unwrap();
        }
        std::fs::remove_file(&path).unwrap();
        if n < 2 {
            let end = fold.refresh(&CallOptions::new()).unwrap();
            assert_eq!(seen(&fold), List::new());
            assert_eq!(end, journal.end().unwrap());
            assert_eq!(fold.position(), Some(end));
        }
        let decided = fold.update(|list| {
            assert_eq!(*list, List::new());
            Ok::<_, Error>(["[\"first\"]"])
        });
        decided.unwrap();
        assert_eq!(seen(&fold), ["[\"first\"]"]);
        std::fs::remove_file(&path).unwrap();
        assert_eq!(refreshed(&fold), List::new());
    }
}

#[test]
fn an_update_decides_on_the_state() {
    let scene = Scene::new();
    let path = scene.path("j");
    let journal = scene::journal(&path);
    // At most ten records, whichever process appends.
    std::thread::scope(|threads| {
        for _ in 0..4 {
            threads.spawn(|| {
                let fold = list(&scene::journal(&path));
                loop {
                    let mut full = false;
                    fold.update(|list| {
                        full = list.len() == 10;
                        Ok::<_, Error>((!full).then_some("[]"))
                    })
                    .unwrap();
                    if full {
                        break;
                    }
                }
            });
        }
    });
    assert_eq!(records(&path).len(), 10);
    // One that fails, and one that brings what is no record, change nothing.
    let fold = list(&journal);
    let error = fold.update(|_| Err::<[&str; 1], _>(Error::invalid_argument("x", &path, "no")));
    assert_eq!(error.unwrap_err().kind(), ErrorKind::InvalidArgument);
    let error = fold.update(|_| Ok::<_, Error>(["[1]", "[1"]));
    assert_eq!(error.unwrap_err().kind(), ErrorKind::InvalidRecord);
    assert_eq!((records(&path).len(), seen(&fold).len()), (10, 10));
    assert!(fold.position().is_some(), "the state is trusted still");
}

#[test]
fn a_record_that_apply_does_not_take() {
    for bad in ["\"x\"", "99"] {
        let scene = Scene::new();
        let path = scene.path("j");
        let journal = scene::journal(&path);
        let made = std::sync::Arc::new(AtomicUsize::new(0));
        let count = std::sync::Arc::clone(&made);
        let fold = journal
            .fold(
                move || count.fetch_add(1, Ordering::Relaxed) as u64 * 1000,
                |sum: &mut u64, record| {
                    // Half a change before it fails.
                    *sum += 500;
                    let n: u64 = serde_json::from_slice(record.bytes)?;
                    assert!(n != 99, "the one that panics");
                    *sum = *sum - 500 + n;
                    Ok::<(), serde_json::Error>(())
                },
            )
            .unwrap();
        let start = fold.append(b"1").unwrap();
        let mut failures = 0;
        let mut fails = |call: &dyn Fn() -> Error| {
            failures += 1;
            let failed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(call));
            if let Ok(error) = failed {
                assert_eq!(error.kind(), ErrorKind::InvalidRecord);
                assert_eq!(error.position(), Some(start));
                assert!(error.to_string().contains("the record is in the journal"));
            } else {
                assert_eq!(bad, "99");
            }
            assert!(fold.position().is_none());
        };
        fails(&|| fold.append(bad.as_bytes()).unwrap_err());
        assert_eq!(records(&path).len(), 2);
        // Each time, as long as it is there; what is half changed never shows.
        fails(&|| fold.read(|sum| *sum).unwrap_err());
        fails(&|| fold.refresh(&CallOptions::new()).unwrap_err());
        assert_eq!(
            made.load(Ordering::Relaxed),
            failures,
            "made anew each time"
        );
        journal.rewind(start).unwrap();
        assert_eq!(fold.read(|sum| *sum % 1000).unwrap(), 1);
        fold.append(b"2").unwrap();
        assert_eq!(fold.read(|sum| *sum % 1000).unwrap(), 3);
    }
}

#[test]
fn from_within_itself() {
    let scene = Scene::new();
    let path = scene.path("j");
    let journal = scene::journal(&path);
    let fold = list(&journal);
    fold.append(b"[1]").unwrap();
    let inner = fold.read(|_| fold.append(b"[2]").unwrap_err()).unwrap();
    assert_eq!(inner.kind(), ErrorKind::Deadlock, "{inner}");
    let inner = fold.read(|_| fold.read(|_| ()).unwrap_err()).unwrap();
    assert_eq!(inner.kind(), ErrorKind::Deadlock, "{inner}");
    let other = scene::journal(&path);
    let result = fold.update(|_| {
        let inner = other.append(b"[3]").unwrap_err();
        assert_eq!(inner.kind(), ErrorKind::Deadlock, "{inner}");
        Ok::<_, Error>(["[4]"])
    });
    result.unwrap();
    // A record that was appended, and could not be taken in, is taken in later.
    assert_eq!(refreshed(&fold), ["[1]", "[2]", "[4]"]);
}

#[test]
fn waits_as_the_call_says_and_works_under_a_lock() {
    let scene = Scene::new();
    let path = scene.path("j");
    let journal = scene::journal(&path);
    let fold = list(&journal);
    let guard = FileLock::acquire(&path).unwrap();
    let mut batch = fold.batch();
    batch.push(b"[1]").unwrap();
    std::thread::scope(|threads| {
        threads.spawn(|| {
            let short = CallOptions::new().timeout(Some(Duration::from_millis(20)));
            let error = fold.append_batch(&batch, &short).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::LockTimeout);
            let token = CancelToken::new();
            token.cancel();
            let error = fold.append_batch(&batch, &CallOptions::new().cancel(&token));
            assert_eq!(error.unwrap_err().kind(), ErrorKind::Cancelled);
        });
    });
    let under = CallOptions::new().lock(&guard);
    fold.append_batch(&batch, &under).unwrap();
    journal.append_with(b"[2]", &under).unwrap();
    assert_eq!(fold.refresh(&under).unwrap(), journal.end().unwrap());
    assert_eq!(seen(&fold), ["[1]", "[2]"]);
    // Two turns under one lock.
    let cursor = journal.fold_cursor();
    let turn = cursor.begin(&under).unwrap();
    let error = cursor.begin(&under).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Deadlock, "{error}");
    drop(turn);
    cursor.begin(&under).unwrap();
}

#[test]
fn turns_of_a_cursor() {
    let scene = Scene::new();
    let path = scene.path("j");
    let journal = scene::journal(&path);
    journal.append(b"[1]").unwrap();
    let cursor = journal.fold_cursor();
    assert!(!cursor.is_current().unwrap());
    let record = |folded: Option<Folded>| match folded {
        Some(Folded::Record(record)) => record.bytes,
        other => panic!("{other:?}"),
    };
    let mut turn = cursor.begin(&CallOptions::new()).unwrap();
    assert_eq!(turn.next().unwrap(), Some(Folded::Restart));
    assert_eq!(record(turn.next().unwrap()), b"[1]");
    assert_eq!(turn.next().unwrap(), None);
    let mut batch = journal.batch();
    batch.push(b"[2]").unwrap();
    let end = turn.append(&batch).unwrap();
    assert_eq!(record(turn.next().unwrap()), b"[2]");
    assert_eq!(turn.next().unwrap(), None);
    assert_eq!(turn.finish().unwrap(), end);
    assert!(cursor.is_current().unwrap());
    // One that ends in the middle goes on there. One that is dropped begins again.
    journal.append_all(["[3]", "[4]"]).unwrap();
    let mut turn = cursor.begin(&CallOptions::new()).unwrap();
    assert_eq!(record(turn.next().unwrap()), b"[3]");
    turn.finish().unwrap();
    let mut turn = cursor.begin(&CallOptions::new()).unwrap();
    assert_eq!(record(turn.next().unwrap()), b"[4]");
    drop(turn);
    assert_eq!(cursor.position(), None);
    let turn = cursor.begin(&CallOptions::new()).unwrap();
    turn.finish().unwrap();
    let mut turn = cursor.begin(&CallOptions::new()).unwrap();
    assert_eq!(
        turn.next().unwrap(),
        Some(Folded::Restart),
        "nothing was taken in"
    );
    assert_eq!(record(turn.next().unwrap()), b"[1]");
    // It may be finished on another thread, and its lock is free then.
    std::thread::spawn(move || turn.finish().unwrap())
        .join()
        .unwrap();
    let once = FileLock::options().timeout(Some(Duration::ZERO));
    drop(once.acquire(&path).unwrap());
}

/// An append whose writer died half-way is no record, and neither is a torn
/// tail.
#[test]
fn takes_in_only_what_is_decided() {
    let scene = Scene::new();
    let path = scene.path("j");
    let journal = scene::journal(&path);
    let fold = list(&journal);
    fold.append(b"[1]").unwrap();
    for at in 0..100 {
        let writer = scene::journal(&path);
        let plan = Plan::new().short(at, 5).die(at + 1);
        let (result, _) = plan.run(|| writer.append_all(["[2]", "[3]"]));
        let list = refreshed(&fold);
        assert!(list.len() == 1 || list.len() == 3, "{list:?}");
        assert_eq!(list.len(), records(&path).len());
        if result.is_ok() {
            return;
        }
        let first = journal.fold_cursor();
        let mut turn = first.begin(&CallOptions::new()).unwrap();
        while turn.next().unwrap().is_some() {}
        drop(turn);
        if list.len() == 3 {
            journal.replace(["[1]"]).unwrap();
            assert_eq!(refreshed(&fold), ["[1]"]);
        }
    }
    panic!("an append makes fewer calls");
}

/// Each call of an append through a fold fails: the state is what the file says.
#[test]
fn faults() {
    let errors = [libc::EIO, libc::ENOSPC];
    let count = {
        let scene = Scene::new();
        let fold = list(&scene::journal(&scene.path("j")));
        fold.append(b"[1]").unwrap();
        Plan::new().run(|| fold.append(b"[2]").unwrap()).1.len()
    };
    for at in 0..count {
        for errno in errors {
            let scene = Scene::new();
            let path = scene.path("j");
            let fold = list(&scene::journal(&path));
            fold.append(b"[1]").unwrap();
            let (result, calls) = Plan::new().fail(at, errno).run(|| fold.append(b"[2]"));
            let file: List = records(&path).iter().map(ToString::to_string).collect();
            let what = format!("call {at}, {:?}, fails with {errno}: {result:?}", calls[at]);
            assert_eq!(refreshed(&fold), file, "{what}");
            if result.is_ok() {
                assert_eq!(file, ["[1]", "[2]"], "{what}");
            }
        }
    }
}

#[test]
fn a_sync_that_fails_leaves_state_and_file_together() {
    let scene = Scene::new();
    let path = scene.path("j");
    let journal = Journal::options()
        .durability(Durability::Power)
        .open(&path)
        .unwrap();
    let fold = list(&journal);
    fold.append(b"[1]").unwrap();
    let (_, calls) = Plan::new().run(|| fold.append(b"[2]").unwrap());
    let at = calls.iter().position(|op| *op == Op::SyncData);
    let at = at.expect("an append is synced");
    let (result, _) = Plan::new().fail(at, libc::EIO).run(|| fold.append(b"[3]"));
    assert_eq!(result.unwrap_err().kind(), ErrorKind::NotDurable);
    assert_eq!(seen(&fold), ["[1]", "[2]", "[3]"]);
    assert_eq!(records(&path).len(), 3);
    assert_eq!(fold.append(b"[4]").unwrap_err().kind(), ErrorKind::Poisoned);
}

/// For each place of the lock, and for a file that is replaced or written in place.
#[test]
fn in_every_scheme() {
    use untorn::Scheme;
    for scheme in [Scheme::Sidecar, Scheme::InPlace, Scheme::PidFile] {
        let scene = Scene::new();
        let options = Journal::options()
            .durability(Durability::Process)
            .scheme(scheme);
        let journal = options.open(scene.path("j")).unwrap();
        let fold = list(&journal);
        let first = fold.append(b"[1]").unwrap();
        journal.append_all(["[2]", "[3]"]).unwrap();
        assert_eq!(refreshed(&fold), ["[1]", "[2]", "[3]"], "{scheme}");
        journal.rewind(first).unwrap();
        // As long as it was.
        journal.append_all(["[4]", "[5]"]).unwrap();
        assert_eq!(refreshed(&fold), ["[1]", "[4]", "[5]"], "{scheme}");
        journal.replace(["[6]", "[7]", "[8]"]).unwrap();
        assert_eq!(refreshed(&fold), ["[6]", "[7]", "[8]"], "{scheme}");
        journal.rotate().unwrap();
        fold.append(b"[9]").unwrap();
        assert_eq!(seen(&fold), ["[9]"], "{scheme}");
    }
}
