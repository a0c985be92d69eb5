//! Every system call of every operation fails once, with each error that it
//! can give, and every write is cut short; each time the guarantees hold.

use std::cell::RefCell;
use std::path::Path;
use std::time::Duration;

use crate::scene;
use crate::scene::faults::each_fault;
use crate::scene::{Scene, bytes, records};
use untorn::fault::{Call, Op, Plan, Verdict, os_code};
use untorn::{
    CallOptions, Document, Durability, Error, ErrorKind, FileLock, FollowItem, Journal, Position,
};

const OLD: &[u8] = b"{\"n\":0}\n{\"n\":1}\n";

/// G1 and G2 for an append of `new` (records): it is there, or it is not, and
/// the next append finds a whole journal.
fn check_append(path: &Path, before: &[u8], new: &[&str], result: Result<(), Error>, what: &str) {
    let after = bytes(path);
    let expected: Vec<u8> = new
        .iter()
        .flat_map(|record| [record, "\n"])
        .collect::<String>()
        .into();
    let whole = [before, &expected].concat();
    match &result {
        Ok(()) => assert_eq!(after, whole, "{what}"),
        Err(error) => {
            assert!(!error.to_string().is_empty());
            match error.kind() {
                ErrorKind::NotDurable => assert_eq!(after, whole, "{what}: {error}"),
                ErrorKind::LockUnsupported => assert_eq!(after, before, "{what}: {error}"),
                _ if error.to_string().contains("could not be taken back") => {
                    assert!(after.len() > before.len(), "{what}: {error}");
                }
                _ => assert_eq!(after, before, "{what}: {error}"),
            }
        }
    }
    // Whatever happened, the next append finds a whole journal, and of many
    // records all or none.
    let next = Journal::open(path).expect("open again");
    next.append(b"{\"n\":\"next\"}")
        .unwrap_or_else(|error| panic!("{what}: {error}"));
    let read = records(path);
    let old = records_of(before).len();
    let added = read.len() - old - 1;
    assert!(
        added == 0 || added == new.len(),
        "{what}: {added} of {}",
        new.len()
    );
    assert_eq!(read[read.len() - 1]["n"], "next", "{what}");
    match &result {
        Ok(()) => assert_eq!(added, new.len(), "{what}"),
        Err(error) if error.kind() == ErrorKind::NotDurable => {
            assert_eq!(added, new.len(), "{what}");
        }
        // A record that lost only its newline is a whole one (G2 allows it).
        Err(error) if error.to_string().contains("could not be taken back") => {}
        Err(error) => assert_eq!(added, 0, "{what}: {error}"),
    }
}

fn records_of(bytes: &[u8]) -> Vec<&[u8]> {
    bytes
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .collect()
}

#[test]
fn append_of_one() {
    for durability in [Durability::Process, Durability::Power] {
        each_fault(
            |scene| drop(scene.with("j", OLD)),
            |scene| {
                let journal = Journal::options()
                    .durability(durability)
                    .open(scene.path("j"))?;
                journal.append(b"{\"n\":2,\"text\":\"a record\"}").map(drop)
            },
            |scene, result, what| {
                let new = ["{\"n\":2,\"text\":\"a record\"}"];
                check_append(&scene.path("j"), OLD, &new, result, what);
            },
        );
    }
}

#[test]
fn append_to_a_new_file() {
    each_fault(
        |_| {},
        |scene| {
            let journal = Journal::open(scene.path("j"))?;
            journal.append(b"{\"n\":2}").map(drop)
        },
        |scene, result, what| check_append(&scene.path("j"), b"", &["{\"n\":2}"], result, what),
    );
}

#[test]
fn append_of_many() {
    let new: Vec<String> = (0..40)
        .map(|n| format!("{{\"n\":{n},\"many\":true}}"))
        .collect();
    let new: Vec<&str> = new.iter().map(String::as_str).collect();
    each_fault(
        |scene| drop(scene.with("j", OLD)),
        |scene| {
            let journal = Journal::options()
                .durability(Durability::Process)
                .open(scene.path("j"))?;
            journal.append_all(&new).map(drop)
        },
        |scene, result, what| check_append(&scene.path("j"), OLD, &new, result, what),
    );
}

#[test]
fn a_second_append_on_one_handle() {
    // What a handle remembers after a failure must not mislead it.
    let work = |scene: &Scene| {
        Journal::options()
            .durability(Durability::Process)
            .open(scene.path("j"))
    };
    let count = {
        let scene = Scene::new();
        let journal = work(&scene).unwrap();
        Plan::new().run(|| journal.append(b"[1]").unwrap()).1.len()
    };
    for n in 0..count {
        for errno in [libc::ENOSPC, libc::EIO] {
            let scene = Scene::new();
            let journal = work(&scene).unwrap();
            journal.append(b"[0]").unwrap();
            let (first, _) = Plan::new().fail(n, errno).run(|| journal.append(b"[1]"));
            journal.append(b"[2]").unwrap();
            let expected: &[u8] = if first.is_ok() {
                b"[0]\n[1]\n[2]\n"
            } else {
                b"[0]\n[2]\n"
            };
            assert_eq!(
                bytes(&scene.path("j")),
                expected,
                "call {n} fails with {errno}"
            );
        }
    }
}

/// `NOT_DURABLE` says that the record is in the file, and no other error does:
/// also where the append has to rotate first, through a handle with a past.
#[test]
fn an_append_that_has_to_rotate() {
    for durability in [Durability::Process, Durability::Power] {
        let handle = RefCell::new(None);
        each_fault(
            |scene| {
                let path = scene.with("j", OLD);
                let options = Journal::options().durability(durability);
                let journal = options.max_bytes(Some(20)).open(path).unwrap();
                journal.append(b"{\"n\":2}").unwrap();
                *handle.borrow_mut() = Some(journal);
            },
            |_| {
                let journal = handle.borrow();
                let journal = journal.as_ref().expect("it was set up");
                journal.append(b"{\"n\":3}").map(drop)
            },
            |scene, result, what| {
                handle.take();
                let (kept, now) = (bytes(&scene.path("j_1")), bytes(&scene.path("j")));
                let old = [OLD, b"{\"n\":2}\n"].concat();
                let there = match &result {
                    Ok(()) => true,
                    Err(error) if error.to_string().contains("taken back") => return,
                    Err(error) => error.kind() == ErrorKind::NotDurable,
                };
                let good = if there {
                    kept == old && now == b"{\"n\":3}\n"
                } else {
                    now == old || kept == old && now.is_empty()
                };
                assert!(
                    good,
                    "{what}: {result:?}: {:?}",
                    String::from_utf8_lossy(&now)
                );
            },
        );
    }
}

/// Records that threads bring to one handle at once go into the file by one write. If
/// that fails, and can't be taken back either, each thread gets the error, and no
/// record is there twice.
#[cfg(unix)]
#[test]
fn what_queues_up_is_there_once_or_not() {
    let scene = Scene::quick();
    let path = scene.path("j");
    let journal = scene::journal(&path);
    journal.append(b"{\"n\":0}").unwrap();
    // Another program has the lock: the first call waits for it, and the others
    // queue up behind it.
    let lock = std::fs::File::open(scene.path("j.lock")).unwrap();
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive).unwrap();
    let (leads, led) = std::sync::mpsc::channel();
    let (told, results) = std::sync::mpsc::channel();
    let answers = std::thread::scope(|scope| {
        let (journal, leader, this) = (&journal, told.clone(), path.clone());
        scope.spawn(move || {
            let (mut locks, mut writes, mut cuts) = (0, 0, 0);
            // A short write, no room for the rest, and the roll-back fails.
            let judge = move |call: &Call<'_>| match call.op {
                Op::Lock => {
                    locks += 1;
                    // The first try is before it leads.
                    if locks == 2 {
                        leads.send(()).unwrap();
                    }
                    Verdict::Go
                }
                Op::Write if call.path == Some(&this) => {
                    writes += 1;
                    match writes {
                        1 => Verdict::Short(18),
                        2 => Verdict::Fail(libc::ENOSPC),
                        _ => Verdict::Go,
                    }
                }
                Op::Truncate if call.path == Some(&this) => {
                    cuts += 1;
                    match cuts {
                        1 => Verdict::Fail(libc::EIO),
                        _ => Verdict::Go,
                    }
                }
                _ => Verdict::Go,
            };
            let (result, _) = Plan::new()
                .judge(judge)
                .run(|| journal.append(b"{\"n\":1}"));
            leader.send((1, result)).unwrap();
        });
        led.recv().unwrap();
        for n in 2..6_u64 {
            let mut batch = journal.batch();
            batch.push(format!("{{\"n\":{n}}}").as_bytes()).unwrap();
            let told = told.clone();
            journal.append_queued(batch, None, None, None, move |result| {
                told.send((n, result)).unwrap();
            });
        }
        drop(lock);
        (0..5)
            .map(|_| results.recv().unwrap())
            .collect::<Vec<(u64, _)>>()
    });
    scene::journal(&path).append(b"{\"n\":9}").unwrap();
    let read = records(&path);
    for (n, result) in &answers {
        let times = read.iter().filter(|value| value["n"] == *n).count();
        let error = result.as_ref().expect_err("it was written with the others");
        assert!(times < 2, "{n} of {read:?}: {error}");
        assert!(error.to_string().contains("taken back"), "{error}");
    }
}

/// What can't be cut is kept once, not once more at each try.
#[test]
fn a_tail_that_can_not_be_cut() {
    let scene = Scene::new();
    let path = scene.with("j", [OLD, b"{\"torn\":\"", &[b'x'; 5_000]].concat());
    let journal = Journal::open(&path).unwrap();
    let before = bytes(&path);
    for _ in 0..5 {
        let this = path.clone();
        let refuse = move |call: &Call<'_>| match (call.op, call.path) {
            (Op::Truncate, Some(path)) if path.ends_with("j") && *path == this => {
                Verdict::Fail(libc::EPERM)
            }
            _ => Verdict::Go,
        };
        let (result, _) = Plan::new().judge(refuse).run(|| journal.append(b"[1]"));
        let error = result.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
        assert!(error.to_string().contains("cut"), "{error}");
        assert_eq!(bytes(&path), before);
    }
    assert!(scene::torn(&path).len() < 2);
    journal.append(b"[1]").unwrap();
    assert_eq!(scene::torn(&path).len(), 1);
    assert_eq!(bytes(&path), [OLD, b"[1]\n"].concat());
}

#[test]
fn repair_of_a_torn_tail() {
    let torn = [OLD, b"{\"n\":2,\"te\0\0\0\0"].concat();
    each_fault(
        |scene| drop(scene.with("j", &torn)),
        |scene| {
            Journal::open(scene.path("j"))?
                .append(b"{\"n\":3}")
                .map(drop)
        },
        |scene, result, what| {
            let path = scene.path("j");
            let after = bytes(&path);
            // Nothing is thrown away: what is not in the file is in `.torn`.
            let kept = scene.files().contains_key("j.torn");
            let cut = !after.starts_with(&torn);
            if cut {
                assert!(kept, "{what}");
                assert_eq!(
                    scene::torn(&path).last().unwrap().1,
                    &torn[OLD.len()..],
                    "{what}"
                );
            }
            if let Err(error) = &result
                && error.kind() != ErrorKind::NotDurable
                && !error.to_string().contains("taken back")
            {
                assert!(after == torn || after == OLD, "{what}: {error}");
            }
            Journal::open(&path).unwrap().append(b"{\"n\":4}").unwrap();
            let read = records(&path);
            assert_eq!(read[..2].len(), 2, "{what}");
            assert_eq!(read[read.len() - 1]["n"], 4, "{what}");
            assert_eq!(
                read.len(),
                if bytes(&path).windows(7).any(|w| w == b"{\"n\":3}") {
                    4
                } else {
                    3
                }
            );
        },
    );
}

#[test]
fn save_of_a_document() {
    for durability in [Durability::Process, Durability::Power] {
        for old in [None, Some(&b"{\"old\":true}"[..])] {
            each_fault(
                |scene| {
                    if let Some(old) = old {
                        scene.with("d", old);
                    }
                },
                |scene| {
                    let document = Document::options()
                        .durability(durability)
                        .open(scene.path("d"))?;
                    document.save(b"{\"new\":true}").map(drop)
                },
                |scene, result, what| check_save(scene, old, result, what),
            );
        }
    }
}

#[test]
fn creation_and_update_of_a_document() {
    each_fault(
        |_| {},
        |scene| {
            Document::open(scene.path("d"))?
                .create(b"{\"new\":true}")
                .map(drop)
        },
        |scene, result, what| check_save(scene, None, result, what),
    );
    let old = &b"{\"old\":true}"[..];
    each_fault(
        |scene| drop(scene.with("d", old)),
        |scene| {
            let document = Document::open(scene.path("d"))?;
            document
                .update(|_| Ok(b"{\"new\":true}".to_vec()))
                .map(drop)
        },
        |scene, result, what| check_save(scene, Some(old), result, what),
    );
}

/// G6: the old value or the new one, and no other file stays.
fn check_save(scene: &Scene, old: Option<&[u8]>, result: Result<(), Error>, what: &str) {
    let files = scene.files();
    let now = files.get("d").map(Vec::as_slice);
    let new = Some(&b"{\"new\":true}"[..]);
    match &result {
        Ok(()) => assert_eq!(now, new, "{what}"),
        Err(error) if error.kind() == ErrorKind::NotDurable => {
            assert_eq!(now, new, "{what}: {error}")
        }
        Err(error) => assert_eq!(now, old, "{what}: {error}"),
    }
    // A temporary stays only where its own removal was what failed.
    let left = files
        .keys()
        .filter(|name| name.ends_with(".untorn"))
        .count();
    assert!(
        left == 0
            || what.contains(", then EIO")
            || what.contains("Unlink")
            || what.contains("Stat"),
        "{what}: {files:?}"
    );
    Document::open(scene.path("d"))
        .unwrap()
        .save(b"[]")
        .unwrap();
    assert_eq!(bytes(&scene.path("d")), b"[]", "{what}");
}

#[test]
fn no_lock_no_change() {
    // Trap 8: "no locks" has many numbers.
    // Trap 10: no `flock` here.
    // G11: a file system that does not lock is an error, never silence.
    for errno in [libc::ENOSYS, libc::EOPNOTSUPP, libc::ENOLCK, libc::EINVAL] {
        let scene = Scene::new();
        let path = scene.with("j", OLD);
        // The lock file is there from now on.
        Journal::open(&path).unwrap().append(b"[]").unwrap();
        let (_, calls) = Plan::new().run(|| Journal::open(&path).unwrap().append(b"[]").unwrap());
        let lock = calls.iter().position(|op| *op == Op::Lock).unwrap();
        let before = bytes(&path);
        let (result, _) = Plan::new()
            .fail(lock, errno)
            .run(|| Journal::open(&path).unwrap().append(b"[]"));
        let error = result.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::LockUnsupported, "{errno}: {error}");
        assert_eq!(error.raw_os_error(), Some(os_code(errno)));
        let named = file_system(&path);
        assert!(error.to_string().contains(&named), "{named}: {error}");
        assert_eq!(bytes(&path), before);
    }
}

/// What Windows, and Wine, call the usual one.
#[cfg(windows)]
fn file_system(_: &Path) -> String {
    "NTFS".to_owned()
}

/// The kernel's name of the file system.
#[cfg(unix)]
fn file_system(path: &Path) -> String {
    let path = path.canonicalize().expect("a directory");
    let mounts = std::fs::read_to_string("/proc/self/mounts").expect("a list of mounts");
    let found = mounts.lines().filter_map(|line| {
        let mut words = line.split(' ').skip(1);
        let (place, kind) = (words.next()?, words.next()?);
        path.starts_with(place).then_some((place.len(), kind))
    });
    // Of two at one place the later one counts.
    found
        .max_by_key(|(length, _)| *length)
        .expect("/")
        .1
        .to_owned()
}

/// Runs `work` with the first call of this kind failing so.
#[cfg(unix)]
fn with_first<T>(op: Op, errno: i32, work: impl Fn() -> T) -> T {
    let (_, calls) = Plan::new().run(&work);
    let at = calls.iter().position(|other| *other == op).expect("a call");
    Plan::new().fail(at, errno).run(&work).0
}

// NFS as Unix has it.
#[cfg(unix)]
#[test]
fn contention_that_is_called_a_denial() {
    // Trap 8: byte-range locks, which NFS and SMB make of an flock, may say
    // EACCES where another has the lock.
    let scene = Scene::new();
    let path = scene.path("j");
    let once = FileLock::options().timeout(Some(Duration::ZERO));
    drop(once.acquire(&path).unwrap());
    let taken = with_first(Op::Lock, libc::EACCES, || once.acquire(&path).map(drop));
    assert_eq!(taken.unwrap_err().kind(), ErrorKind::Locked);
}

// NFS as Unix has it.
#[cfg(unix)]
#[test]
fn a_lock_file_that_the_server_has_no_more() {
    // Trap 2: others unlink lock files.
    // Trap 6: NFS says ESTALE for a descriptor whose file another host removed.
    let scene = Scene::new();
    let path = scene.path("j");
    let journal = Journal::open(&path).unwrap();
    let works: [&dyn Fn(); 2] = [
        &|| assert!(FileLock::acquire(&path).unwrap().is_held()),
        &|| assert!(journal.append(b"[]").is_ok()),
    ];
    for work in works {
        work();
        let (_, calls) = Plan::new().run(work);
        let lock = calls.iter().position(|op| *op == Op::Lock).unwrap();
        // The lock itself, and the look at its file that follows.
        for call in [lock, lock + 1] {
            Plan::new().fail(call, libc::ESTALE).run(work);
        }
    }
    assert_eq!(records(&path).len(), 4);
}

// NFS as Unix has it.
#[cfg(unix)]
#[test]
fn an_exclusive_lock_that_needs_a_writable_file() {
    // Trap 6: on NFS flock is a byte-range lock, and an exclusive one wants a
    // descriptor that can write; ours can't where the lock file is read-only.
    let scene = Scene::new();
    let path = scene.path("j");
    drop(FileLock::acquire(&path).unwrap());
    let read_only = |work: &dyn Fn() -> Result<(), Error>| {
        let (_, calls) = Plan::new().run(work);
        let open = calls.iter().position(|op| *op == Op::Open).unwrap();
        let (_, calls) = Plan::new().fail(open, libc::EROFS).run(work);
        let lock = calls.iter().position(|op| *op == Op::Lock).unwrap();
        let plan = Plan::new().fail(open, libc::EROFS).fail(lock, libc::EBADF);
        plan.run(work).0
    };
    let error = read_only(&|| FileLock::acquire(&path).map(drop)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
    assert!(error.to_string().contains("can be written"), "{error}");
}

#[test]
fn a_failed_sync_poisons_the_handle() {
    // G12, and G2's other half: the record stays, and the error says so.
    let scene = Scene::new();
    let journal = Journal::open(scene.path("j")).unwrap();
    journal.append(b"[0]").unwrap();
    let (_, calls) = Plan::new().run(|| journal.append(b"[1]").unwrap());
    let sync = calls.iter().position(|op| *op == Op::SyncData).unwrap();
    let (result, _) = Plan::new()
        .fail(sync, libc::EIO)
        .run(|| journal.append(b"[2]"));
    assert_eq!(result.unwrap_err().kind(), ErrorKind::NotDurable);
    assert_eq!(bytes(&scene.path("j")), b"[0]\n[1]\n[2]\n");
    for result in [
        journal.append(b"[3]").map(drop),
        journal.sync(),
        journal.repair().map(drop),
    ] {
        assert_eq!(result.unwrap_err().kind(), ErrorKind::Poisoned);
    }
    assert_eq!(bytes(&scene.path("j")), b"[0]\n[1]\n[2]\n");
    // It reads as before, in each way.
    assert_eq!(journal.tail(9).unwrap().len(), 3);
    let start = Position {
        generation: 0,
        offset: 0,
    };
    let mut follow = journal.follow(Some(start)).unwrap();
    let mut followed = Vec::new();
    let at_once = CallOptions::new().timeout(Some(Duration::ZERO));
    while let Some(FollowItem::Record(record)) = follow.next(&at_once).unwrap() {
        followed.push(record.bytes);
    }
    assert_eq!(followed, [b"[0]", b"[1]", b"[2]"]);
    Journal::open(scene.path("j"))
        .unwrap()
        .append(b"[3]")
        .unwrap();
    assert_eq!(records(&scene.path("j")).len(), 4);
}

#[test]
fn removal_of_a_document() {
    let old = &b"{\"old\":true}"[..];
    each_fault(
        |scene| drop(scene.with("d", old)),
        |scene| Document::open(scene.path("d"))?.remove().map(drop),
        |scene, result, what| {
            let there = scene.path("d").exists();
            match result {
                Ok(()) => assert!(!there, "{what}"),
                Err(error) if error.kind() == ErrorKind::NotDurable => assert!(!there, "{what}"),
                Err(error) => assert_eq!(bytes(&scene.path("d")), old, "{what}: {error}"),
            }
        },
    );
}

#[test]
fn a_lock_by_itself() {
    each_fault(
        |_| {},
        |scene| FileLock::acquire(scene.path("j")).map(drop),
        |scene, result, what| {
            if let Err(error) = &result {
                assert!(!error.to_string().is_empty(), "{what}");
            }
            // Whichever call failed, no process has it now.
            let once = FileLock::options().timeout(Some(Duration::ZERO));
            drop(
                once.acquire(scene.path("j"))
                    .unwrap_or_else(|error| panic!("{what}: {error}")),
            );
        },
    );
}

#[test]
fn reading_fails_or_is_right() {
    let text = "{\"n\":0}\n\0\0\n{\"n\":1}\n{\"torn";
    let set_up = |scene: &Scene| drop(scene.with("j", text));
    each_fault(
        set_up,
        |scene| {
            let report = Journal::open(scene.path("j"))?.verify()?;
            assert_eq!((report.records, report.damage_count), (2, 2));
            Ok(())
        },
        |scene, _, what| assert_eq!(bytes(&scene.path("j")), text.as_bytes(), "{what}"),
    );
    each_fault(
        set_up,
        |scene| {
            let tail = Journal::open(scene.path("j"))?.tail(5)?;
            assert_eq!(tail.len(), 2);
            Ok(())
        },
        |scene, _, what| assert_eq!(bytes(&scene.path("j")), text.as_bytes(), "{what}"),
    );
    each_fault(
        |scene| drop(scene.with("d", text)),
        |scene| {
            assert_eq!(Document::open(scene.path("d"))?.load()?.0, text.as_bytes());
            Ok(())
        },
        |scene, _, what| assert_eq!(bytes(&scene.path("d")), text.as_bytes(), "{what}"),
    );
}

#[test]
fn compare_and_swap_and_sync() {
    each_fault(
        |scene| drop(scene.with("j", OLD)),
        |scene| {
            let at = Journal::open(scene.path("j"))?.end()?;
            let journal = Journal::options()
                .durability(Durability::Process)
                .open(scene.path("j"))?;
            journal.append_at(at, ["{\"n\":2}"])?;
            journal.sync()
        },
        |scene, result, what| {
            let after = bytes(&scene.path("j"));
            let whole = [OLD, b"{\"n\":2}\n"].concat();
            match result {
                Ok(()) => assert_eq!(after, whole, "{what}"),
                Err(error) if error.to_string().contains("could not be taken back") => {
                    assert!(whole.starts_with(&after), "{what}: {error}");
                }
                Err(error) => assert!(after == OLD || after == whole, "{what}: {error}"),
            }
        },
    );
}

#[test]
fn a_note_that_was_cut_short_keeps_nobody_from_the_next() {
    let process = Journal::options().durability(Durability::Process);
    for part in [1, 5, 8, 60, 64, 100, 127] {
        let scene = Scene::quick();
        let journal = process.clone().open(scene.with("j", OLD)).unwrap();
        let (result, calls) = Plan::new().run(|| journal.append_all(["2", "3"]));
        result.unwrap();
        let note = calls.iter().position(|op| *op == Op::Write).unwrap();
        std::fs::remove_file(scene.path("j.lock")).unwrap();
        let full = Plan::new().short(note, part).fail(note + 1, libc::ENOSPC);
        let journal = process.clone().open(scene.path("j")).unwrap();
        let (result, _) = full.run(|| journal.append_all(["4", "5"]));
        assert_eq!(result.unwrap_err().kind(), ErrorKind::StorageFull, "{part}");
        process
            .clone()
            .open(scene.path("j"))
            .unwrap()
            .append_all(["6", "7"])
            .unwrap();
        let mut transaction = untorn::Transaction::begin(scene.dir()).unwrap();
        transaction.append("j", ["8"]).unwrap();
        transaction.commit().unwrap();
        assert_eq!(records(&scene.path("j")).len(), 7, "{part}");
    }
}

#[test]
fn what_is_acknowledged_is_told_though_its_note_could_not_be_cleared() {
    // By itself such an append cuts the lock file. In a run of them it writes zeros there.
    for (singles, op) in [(1, Op::Truncate), (0, Op::Write)] {
        let scene = Scene::quick();
        let journal = Journal::open(scene.path("j")).unwrap();
        let many = || {
            (0..singles).try_for_each(|_| journal.append(b"0").map(drop))?;
            journal.append_all(["1", "2"])
        };
        // The second one finds another lock file than those after it.
        many().and_then(|_| many()).unwrap();
        let (result, calls) = Plan::new().run(many);
        result.unwrap();
        let clear = calls.iter().rposition(|other| *other == op).unwrap();
        let (result, _) = Plan::new().fail(clear, libc::EIO).run(many);
        result.unwrap();
        let mut news = journal
            .follow(Some(untorn::Position {
                generation: 0,
                offset: 0,
            }))
            .unwrap();
        let at_once = untorn::CallOptions::new().timeout(Some(Duration::ZERO));
        let seen = std::iter::from_fn(|| news.next(&at_once).unwrap()).count();
        assert_eq!(seen, 4 * (singles + 2));
    }
}

#[test]
fn a_journal_that_others_make_or_replace_just_now() {
    // At each call of the append; it may come too late, and is then in the way of nothing.
    let foreign = "{\"foreign\":\"a longer line than what was there\"}\n";
    for there in [None, Some(OLD)] {
        for n in 0.. {
            let scene = Scene::quick();
            let path = scene.path("j");
            if let Some(old) = there {
                scene.with("j", old);
            }
            let made = path.clone();
            let plan = Plan::new().before(move |call| {
                if call.number == n {
                    let beside = made.with_file_name("beside");
                    std::fs::write(&beside, foreign).unwrap();
                    std::fs::rename(&beside, &made).unwrap();
                }
            });
            let journal = Journal::options()
                .durability(Durability::Process)
                .open(&path)
                .unwrap();
            let (end, calls) = plan.run(|| journal.append(b"{\"n\":2}"));
            let end = end.unwrap_or_else(|error| panic!("{there:?}, at call {n}: {error}"));
            if n >= calls.len() {
                break;
            }
            let now = bytes(&path);
            let own = now.ends_with(b"{\"n\":2}\n") && end.offset == now.len() as u64;
            assert!(own || now == foreign.as_bytes(), "{there:?}, at call {n}");
            journal.append(b"{\"n\":3}").unwrap();
            assert_eq!(records(&path).last().unwrap()["n"], 3);
        }
    }
}

/// A file system that may copy what is opened, as an overlay does, makes it two.
#[test]
fn the_first_append_of_a_handle_opens_the_journal_once() {
    let scene = Scene::new();
    let path = scene.path("j");
    Journal::open(&path).unwrap().append(b"[1]").unwrap();
    let on = untorn::selftest(scene.dir()).unwrap().file_system;
    let known = [
        "ext4", "xfs", "btrfs", "f2fs", "zfs", "tmpfs", "nfs", "nfs4",
    ];
    let may_copy = cfg!(target_os = "linux") && !known.contains(&&*on);
    let journal = Journal::options()
        .durability(Durability::Process)
        .open(&path)
        .unwrap();
    let (result, calls) = Plan::new().run(|| journal.append(b"[2]"));
    result.unwrap();
    let opened = calls.iter().filter(|op| **op == Op::Open).count();
    // The lock file, and the journal.
    assert!(opened <= if may_copy { 3 } else { 2 }, "{calls:?}");
}
