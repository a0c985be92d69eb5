//! The scheme in-place: the lock is on the file itself.
//!
//! On Unix: the other program is flock, and elsewhere who has no lock can't look.

use std::fs::File;
use std::io::{Read, Seek, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::scene;
use crate::scene::death::each_death;
use crate::scene::lane::{every, is_deep, rounds};
use crate::scene::{Scene, bytes};
use untorn::fault::{Op, Plan};
use untorn::{
    CallOptions, Document, Durability, ErrorKind, FileLock, FollowItem, Journal, OnUnsupported,
    Result, Scheme,
};

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

impl Foreign {
    fn lock(&self, how: i32) {
        // SAFETY: the descriptor is open.
        assert_eq!(unsafe { libc::flock(self.0.as_raw_fd(), how) }, 0);
    }

    fn read(&mut self) -> String {
        self.0.rewind().expect("seek");
        let mut text = String::new();
        self.0.read_to_string(&mut text).expect("read");
        text
    }

    /// As `json.dump` into a file that was truncated: in pieces.
    fn save(&mut self, text: &str) {
        self.0.rewind().expect("seek");
        self.0.set_len(0).expect("truncate");
        for piece in text.as_bytes().chunks(5) {
            self.0.write_all(piece).expect("write");
        }
    }
}

fn document(path: &Path) -> Document {
    Document::options()
        .scheme(Scheme::InPlace)
        .open(path)
        .expect("open")
}

fn value(path: &Path) -> Option<Vec<u8>> {
    match document(path).load() {
        Ok((bytes, _)) => Some(bytes),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => panic!("{error}"),
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

/// Trap 1 again: for a handle that has the file open, and for one who waits for
/// its lock.
#[test]
fn trap_1_a_file_that_others_replace_meanwhile() {
    let scene = Scene::new();
    let path = scene.path("d");
    let one = document(&path);
    one.save(b"[1]").unwrap();
    std::fs::rename(scene.with("new", "[2]"), &path).unwrap();
    one.update(|old| {
        assert_eq!(old, Some(&b"[2]"[..]));
        Ok(b"[3]".to_vec())
    })
    .unwrap();
    assert_eq!(bytes(&path), b"[3]");

    let foreign = Foreign::open(&path);
    assert!(foreign.try_lock());
    let inode = std::fs::metadata(&path).unwrap().ino();
    std::thread::scope(|scope| {
        let waiter = scope.spawn(|| FileLock::options().scheme(Scheme::InPlace).acquire(&path));
        wait_until_waited_for(inode);
        std::fs::rename(scene.with("new", "[4]"), &path).unwrap();
        foreign.lock(libc::LOCK_UN);
        let guard = waiter.join().unwrap().unwrap();
        assert!(
            !Foreign::open(&path).try_lock(),
            "the lock is on the new file"
        );
        drop(guard);
    });
}

/// Until another thread blocks in flock on this file.
fn wait_until_waited_for(inode: u64) {
    let inode = format!(":{inode} ");
    loop {
        let table = std::fs::read_to_string("/proc/locks").expect("/proc/locks");
        if table
            .lines()
            .any(|line| line.contains("->") && line.contains(&inode))
        {
            return;
        }
        std::thread::yield_now();
    }
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
        let call = CallOptions::new().lock(guard);
        for journal in [&sidecar, &in_place] {
            let error = journal.append_with(b"[1]", &call).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
        }
    }
    drop(exactly);
    let guard = lock().acquire(&path).unwrap();
    let call = CallOptions::new().lock(&guard);
    in_place.append_with(b"[1]", &call).unwrap();
    assert_eq!(bytes(&path), b"[0]\n[1]\n");
}

#[test]
fn a_document_keeps_its_inode() {
    let scene = Scene::new();
    let path = scene.path("d");
    let one = document(&path);
    assert_eq!(one.load().unwrap_err().kind(), ErrorKind::NotFound);
    assert!(!one.remove().unwrap());
    assert!(scene.files().is_empty(), "nothing is made to be removed");
    let version = one.create(b"{\"n\":1}").unwrap();
    let inode = std::fs::metadata(&path).unwrap().ino();
    assert_eq!(
        one.create(b"[]").unwrap_err().kind(),
        ErrorKind::AlreadyExists
    );
    let two = document(&path);
    let longer = format!("{{\"n\":2,\"text\":\"{}\"}}", "x".repeat(200_000));
    two.save_if(Some(version), longer.as_bytes()).unwrap();
    let error = one.save_if(Some(version), b"{}").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert_eq!(one.load().unwrap().0, longer.as_bytes());
    one.update(|old| {
        assert_eq!(old, Some(longer.as_bytes()));
        Ok(b"{\"n\":3}".to_vec())
    })
    .unwrap();
    assert_eq!(bytes(&path), b"{\"n\":3}");
    assert_eq!(
        one.save(b"").unwrap_err().kind(),
        ErrorKind::InvalidArgument
    );
    assert!(two.remove().unwrap());
    assert_eq!(one.load().unwrap_err().kind(), ErrorKind::NotFound);
    assert!(!one.remove().unwrap());
    one.update(|old| {
        assert_eq!(old, None);
        Ok(b"[4]".to_vec())
    })
    .unwrap();
    assert_eq!(bytes(&path), b"[4]");
    assert_eq!(std::fs::metadata(&path).unwrap().ino(), inode);
    let names: Vec<String> = scene.files().into_keys().collect();
    assert_eq!(names, ["d", "d.redo"]);
    assert_eq!(scene.files()["d.redo"].len(), 64, "nothing is pending");
}

#[test]
fn under_a_guard() {
    let scene = Scene::new();
    let path = scene.path("d");
    let one = document(&path);
    let guard = lock().acquire(&path).unwrap();
    let call = CallOptions::new().lock(&guard);
    one.save_with(b"[1]", untorn::Expect::Absent, &call)
        .unwrap();
    assert!(!Foreign::open(&path).try_lock());
    one.save_with(b"[2]", untorn::Expect::Anything, &call)
        .unwrap();
    assert!(one.remove_with(untorn::Expect::Anything, &call).unwrap());
    // Trap 2: to unlink a lock file that is held would let another in.
    assert!(!Foreign::open(&path).try_lock());
    one.save_with(b"[3]", untorn::Expect::Absent, &call)
        .unwrap();
    assert_eq!(one.load().unwrap().0, b"[3]");
    let error = one.save(b"[4]").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Deadlock, "{error}");
}

const OLD: &str = "{\"a\":1,\"b\":1,\"text\":\"old\"}";
const NEWS: [&str; 4] = [
    "{\"a\":2,\"b\":2,\"text\":\"new\"}",
    "{\"a\":2,\"b\":2,\"text\":\"longer than it was\"}",
    "{\"a\":2}",
    "",
];

fn set(path: &Path, new: &str) -> Result<()> {
    let document = Document::options().scheme(Scheme::InPlace).open(path)?;
    if new.is_empty() {
        document.remove().map(drop)
    } else {
        document.save(new.as_bytes()).map(drop)
    }
}

fn some(text: &str) -> Option<Vec<u8>> {
    Some(text.as_bytes().to_vec()).filter(|bytes| !bytes.is_empty())
}

#[test]
fn its_old_value_or_its_new_one_whenever_the_writer_dies() {
    for (old, new) in NEWS
        .map(|new| (OLD, new))
        .into_iter()
        .chain([("", NEWS[0])])
    {
        each_death(
            |scene| {
                if !old.is_empty() {
                    scene.with("d", old);
                }
            },
            |scene| set(&scene.path("d"), new),
            |scene, what| {
                let path = scene.path("d");
                let read = value(&path);
                assert!(
                    read == some(old) || read == some(new),
                    "{what}: {read:?} without the lock"
                );
                // The next locker settles it, also for programs that know nothing of
                // P.redo.
                drop(lock().acquire(&path).unwrap());
                let now = Some(bytes(&path)).filter(|bytes| !bytes.is_empty());
                assert!(now == some(old) || now == some(new), "{what}: {now:?}");
                assert_eq!(value(&path), now, "{what}");
                assert!(read != some(new) || now == some(new), "{what}: no way back");
                let redo = scene.files().get("d.redo").map_or(0, Vec::len);
                assert!(redo <= 64, "{what}: something is pending still");
                document(&path).save(b"[0]").unwrap();
                assert_eq!(value(&path), some("[0]"), "{what}");
            },
        );
    }
}

/// As docs/protocol.md has it.
#[test]
fn the_bytes_of_p_redo() {
    let new = NEWS[1];
    let scene = Scene::new();
    let path = scene.with("d", OLD);
    let (_, calls) = Plan::new().run(|| set(&path, new));
    let last_sync = calls.iter().rposition(|op| *op == Op::SyncData).unwrap();
    let scene = Scene::new();
    let path = scene.with("d", OLD);
    let (result, _) = Plan::new().die(last_sync).run(|| set(&path, new));
    assert_eq!(result.unwrap_err().kind(), ErrorKind::NotDurable);
    assert_eq!(bytes(&path), new.as_bytes());

    let redo = &scene.files()["d.redo"];
    let number = |at: usize| u64::from_le_bytes(redo[at..at + 8].try_into().unwrap());
    let sealed = |block: &[u8]| crc32c::crc32c(&block[..60]).to_le_bytes() == block[60..64];
    assert!(redo.starts_with(b"untorn1\n") && sealed(&redo[..64]));
    assert_eq!(number(24), std::fs::metadata(&path).unwrap().ino());
    assert!(redo[64..].starts_with(b"pending\n\x06\0\0\0") && sealed(&redo[64..128]));
    assert_eq!(redo[76..80], crc32c::crc32c(&redo[128..]).to_le_bytes());
    let lengths = (OLD.len() as u64, new.len() as u64);
    assert_eq!(
        (number(80), number(88), number(96)),
        (0, lengths.0, lengths.1)
    );
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    assert_eq!(
        number(104),
        xxhash_rust::xxh3::xxh3_64(boot.trim().as_bytes())
    );
    assert!(number(112) < number(8), "the generation is raised");
    assert_eq!(redo[120..124], [0; 4]);
    assert_eq!(redo[128..], [OLD, new].concat().into_bytes());
}

#[test]
fn what_others_save_after_a_crash_stays() {
    // Some of these are made of bytes of the old and the new value.
    let theirs = [
        "{\"a\":2,\"b\":1,\"text\":\"old\"}",
        "{\"a\":1,\"b\":2,\"text\":\"new\"}",
        "{\"a\":2,\"b\":2,\"text\":\"old\"}",
        "{\"a\":3}",
        OLD,
        NEWS[1],
        " ",
    ];
    let aside = std::cell::Cell::new(0);
    for their in theirs {
        for new in NEWS {
            each_death(
                |scene| drop(scene.with("d", OLD)),
                |scene| set(&scene.path("d"), new),
                |scene, what| {
                    let path = scene.path("d");
                    let mut foreign = Foreign::open(&path);
                    assert!(foreign.try_lock());
                    foreign.save(their);
                    drop(foreign);
                    assert_eq!(value(&path), some(their), "{what}: {new:?}");
                    // A lock that is shared settles it too (trap 5: not by an
                    // upgrade).
                    drop(lock().shared(true).acquire(&path).unwrap());
                    assert_eq!(bytes(&path), their.as_bytes(), "{what}: {new:?}");
                    assert_eq!(value(&path), some(their), "{what}: {new:?}");
                    if let Some(kept) = scene.files().get("d.redo.1") {
                        let has = |part: &str| {
                            kept.windows(part.len().max(1))
                                .any(|window| window == part.as_bytes())
                        };
                        assert!(has(OLD) && (new.is_empty() || has(new)), "{what}");
                        aside.set(aside.get() + 1);
                    }
                },
            );
        }
    }
    let least = if is_deep() { 20 } else { 5 };
    assert!(aside.get() > least, "{} were set aside", aside.get());
}

#[test]
fn a_save_that_fails_changes_nothing() {
    for new in NEWS {
        for errno in [libc::ENOSPC, libc::EIO] {
            let scene = Scene::quick();
            let path = scene.with("d", OLD);
            let (result, calls) = Plan::new().run(|| set(&path, new));
            result.unwrap();
            for (n, op) in calls.iter().enumerate() {
                let what = format!("{new:?}, call {n}, {op:?}, errno {errno}");
                let scene = Scene::quick();
                let path = scene.with("d", OLD);
                let (result, _) = Plan::new().fail(n, errno).run(|| set(&path, new));
                let told = match result {
                    Ok(()) => new,
                    Err(error) if error.kind() == ErrorKind::NotDurable => new,
                    Err(_) => OLD,
                };
                assert_eq!(value(&path), some(told), "{what}");
                drop(lock().acquire(&path).unwrap());
                assert_eq!(bytes(&path), told.as_bytes(), "{what}");
                assert_eq!(value(&path), some(told), "{what}");
            }
        }
    }
}

/// Its error said that the new value is in place. So the next locker does not take it
/// back, also if its own calls fail.
#[test]
fn what_is_in_place_and_was_not_synced_stays_though_the_disk_is_full() {
    for new in NEWS {
        let (result, calls) = {
            let scene = Scene::quick();
            let path = scene.with("d", OLD);
            Plan::new().run(|| set(&path, new))
        };
        result.unwrap();
        let last = calls.iter().rposition(|op| *op == Op::SyncData);
        let unsynced = || {
            let scene = Scene::quick();
            let path = scene.with("d", OLD);
            let plan = Plan::new().fail(last.expect("it is synced"), libc::EIO);
            let error = plan.run(|| set(&path, new)).0.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::NotDurable, "{error}");
            scene
        };
        let locks = |scene: &Scene| lock().acquire(scene.path("d")).map(drop);
        let scene = unsynced();
        let (result, calls) = Plan::new().run(|| locks(&scene));
        result.unwrap();
        assert!(calls.contains(&Op::SyncData), "{new:?}: it settles");
        for (n, op) in calls.iter().enumerate() {
            let what = format!("{new:?}, call {n}, {op:?}");
            let scene = unsynced();
            let _ = Plan::new().fail(n, libc::ENOSPC).run(|| locks(&scene));
            let path = scene.path("d");
            assert_eq!(bytes(&path), new.as_bytes(), "{what}");
            assert_eq!(value(&path), some(new), "{what}");
            locks(&scene).unwrap();
            assert_eq!(bytes(&path), new.as_bytes(), "{what}");
        }
    }
}

/// A second failure, on the way back: the next who locks goes the rest.
#[test]
fn a_save_that_can_not_be_taken_back_is_taken_back_by_the_next() {
    let new = NEWS[1];
    let scene = Scene::new();
    let path = scene.with("d", OLD);
    let (_, calls) = Plan::new().run(|| set(&path, new));
    let mut between = 0;
    for first in (0..calls.len()).filter(|n| calls[*n] == Op::Write) {
        for second in first + 1..first + 8 {
            let scene = Scene::new();
            let path = scene.with("d", OLD);
            let plan = Plan::new()
                .fail(first, libc::ENOSPC)
                .fail(second, libc::EIO);
            let (result, _) = plan.run(|| set(&path, new));
            let what = format!("calls {first} and {second}");
            assert_eq!(result.unwrap_err().kind(), ErrorKind::StorageFull, "{what}");
            between += usize::from(bytes(&path) != OLD.as_bytes());
            assert_eq!(value(&path), some(OLD), "{what}");
            drop(lock().acquire(&path).unwrap());
            assert_eq!(bytes(&path), OLD.as_bytes(), "{what}");
        }
    }
    assert!(between > 3, "{between}");
}

/// One read sees a part of each state, as the system copies page by page.
#[test]
fn a_mixture_that_only_reading_made() {
    let new = NEWS[0];
    let scene = Scene::new();
    let path = scene.with("d", OLD);
    let (_, calls) = Plan::new().run(|| set(&path, new));
    // The mark is there, and nothing else.
    let writes = (0..calls.len()).filter(|n| calls[*n] == Op::Write);
    let third_last = writes.rev().nth(1).expect("three writes to the document");
    let scene = Scene::new();
    let path = scene.with("d", OLD);
    let (result, _) = Plan::new().die(third_last).run(|| set(&path, new));
    result.unwrap_err();
    let between = bytes(&path);
    assert_eq!(between[0], 0);
    let torn = [&OLD.as_bytes()[..8], &new.as_bytes()[8..]].concat();
    assert!(torn != new.as_bytes() && torn != OLD.as_bytes());
    let (hook_path, mut reads) = (path.clone(), 0);
    let plan = Plan::new().before(move |call| {
        if call.op == Op::Read && call.path == Some(&hook_path) {
            reads += 1;
            std::fs::write(&hook_path, if reads == 1 { &torn } else { &between }).unwrap();
        }
    });
    let (read, _) = plan.run(|| value(&path));
    assert_eq!(read, some(OLD));
}

/// Trap 49, and the counter of the interplay: no update is lost, of users of this
/// library or of flock.
#[test]
fn no_update_is_lost_among_us_and_others() {
    const EACH: u64 = 300;
    let scene = Scene::new();
    let path = scene.with("d", "{\"n\":0}");
    let n_of = |text: &str| -> u64 {
        let value: serde_json::Value = serde_json::from_str(text)
            .unwrap_or_else(|error| panic!("torn under the lock: {error}: {text:?}"));
        value["n"].as_u64().expect("n")
    };
    let text = |n: u64| {
        let pad = usize::try_from(n * 37 % 500).unwrap();
        format!("{{\"n\":{n},\"pad\":\"{}\"}}", "x".repeat(pad))
    };
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let ours = || {
            let document = Document::options()
                .scheme(Scheme::InPlace)
                .durability(Durability::Process)
                .open(&path)
                .unwrap();
            for _ in 0..EACH {
                document
                    .update(|old| {
                        let old = std::str::from_utf8(old.expect("there")).expect("UTF-8");
                        Ok(text(n_of(old) + 1).into_bytes())
                    })
                    .unwrap();
            }
        };
        let theirs = || {
            let mut foreign = Foreign::open(&path);
            for _ in 0..EACH {
                foreign.lock(libc::LOCK_EX);
                let n = n_of(&foreign.read());
                foreign.save(&text(n + 1));
                foreign.lock(libc::LOCK_UN);
            }
        };
        // A reader that takes the lock never sees a torn document.
        scope.spawn(|| {
            let mut foreign = Foreign::open(&path);
            while !done.load(Ordering::Relaxed) {
                foreign.lock(libc::LOCK_SH);
                n_of(&foreign.read());
                foreign.lock(libc::LOCK_UN);
            }
        });
        let writers = [
            scope.spawn(ours),
            scope.spawn(ours),
            scope.spawn(theirs),
            scope.spawn(theirs),
        ];
        let results = writers.map(std::thread::ScopedJoinHandle::join);
        done.store(true, Ordering::Relaxed);
        for result in results {
            result.unwrap();
        }
    });
    assert_eq!(n_of(&String::from_utf8(bytes(&path)).unwrap()), 4 * EACH);
}

/// Readers take no lock, and race with savers.
#[test]
fn a_reader_without_the_lock_never_sees_a_mixture() {
    let saves = u64::from(rounds(100, 400));
    for size in [300, 100_000] {
        let scene = Scene::new();
        let path = scene.with("d", "0:");
        let text = |n: u64| {
            let length = size + usize::try_from(n * 7919 % 977).unwrap();
            format!("{n}:{}", format!("{n},").repeat(length / 4))
        };
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    let document = document(&path);
                    let mut last = 0;
                    while !done.load(Ordering::Relaxed) {
                        let (now, _) = document.load().unwrap();
                        let now = String::from_utf8(now).expect("UTF-8");
                        let n: u64 = now.split_once(':').expect("a number").0.parse().unwrap();
                        assert!(n == 0 || now == text(n), "a mixture");
                        assert!(n >= last, "{n} after {last}");
                        last = n;
                    }
                });
            }
            let document = Document::options()
                .scheme(Scheme::InPlace)
                .durability(Durability::Process)
                .open(&path)
                .unwrap();
            let saver = scope.spawn(move || {
                for n in 1..=saves {
                    document.save(text(n).as_bytes()).unwrap();
                }
            });
            let result = saver.join();
            done.store(true, Ordering::Relaxed);
            result.unwrap();
        });
    }
}

fn journal(path: &Path) -> Journal {
    try_journal(path).expect("open")
}

fn try_journal(path: &Path) -> Result<Journal> {
    Journal::options()
        .scheme(Scheme::InPlace)
        .durability(Durability::Process)
        .open(path)
}

/// What this library reads without the lock, damage and all.
fn lines(path: &Path) -> Vec<String> {
    let journal = journal(path);
    let report = journal.verify().unwrap();
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    let mut read: Vec<String> = journal
        .records()
        .unwrap()
        .map(|record| text(record.unwrap().bytes))
        .collect();
    if report.damage_count > 0 {
        read.push(format!("{:?}", report.damage));
    }
    read
}

const RECORDS: &str = "{\"n\":0}\n{\"n\":1}\n{\"n\":2}\n";

#[test]
fn a_journal_keeps_its_inode() {
    let scene = Scene::new();
    let path = scene.path("j");
    let one = journal(&path);
    let error = Journal::options()
        .scheme(Scheme::InPlace)
        .create(false)
        .open(&path)
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(one.records().unwrap().next().is_none());
    one.repair().unwrap();
    assert!(scene.files().is_empty(), "nothing is made to be repaired");
    let first = one
        .append_at("0:0".parse().unwrap(), ["{\"n\":0}"])
        .unwrap();
    let inode = std::fs::metadata(&path).unwrap().ino();
    one.append_all(["{\"n\":1}", "{\"n\":2}"]).unwrap();
    assert_eq!(bytes(&path), RECORDS.as_bytes());
    let two = journal(&path);
    two.append(b"[3]").unwrap();
    let end = one.append(b"[4]").unwrap();
    assert_eq!(end.generation, first.generation);

    // A rewrite raises the generation, so no position from before matches.
    let kept = two.rewind(first).unwrap().expect("a rotated file");
    assert_eq!(bytes(&path), b"{\"n\":0}\n");
    assert!(bytes(&kept).ends_with(b"[3]\n[4]\n"));
    assert_ne!(std::fs::metadata(&kept).unwrap().ino(), inode);
    for position in [first, end] {
        let error = one.records_from(position).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
        let error = one.append_at(position, ["[5]"]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
    }
    let end = one.append(b"[6]").unwrap();
    assert!(end.generation > first.generation);
    assert_eq!(two.end().unwrap(), end);
    assert_eq!(two.records_from(end).unwrap().count(), 0);
    two.replace(["[7]", "[8]"]).unwrap();
    assert_eq!(
        one.records_from(end).err().unwrap().kind(),
        ErrorKind::Conflict
    );
    one.compact(|rewrite| {
        let last = rewrite.records()?.last().expect("a record")?;
        rewrite.push(&last.bytes)
    })
    .unwrap();
    one.append(b"[9]").unwrap();
    assert_eq!(lines(&path), ["[8]", "[9]"]);
    let rotated = two.rotate().unwrap().expect("a rotated file");
    assert_eq!(bytes(&rotated), b"[8]\n[9]\n");
    assert_eq!(bytes(&path), b"");
    assert_eq!(std::fs::metadata(&path).unwrap().ino(), inode);
    two.append(b"[10]").unwrap();
    assert_eq!(lines(&path), ["[10]"]);
    assert_eq!(scene.files()["j.redo"].len(), 64, "nothing is pending");

    // Deleted by others: made again.
    std::fs::remove_file(&path).unwrap();
    one.append(b"[11]").unwrap();
    assert_eq!(bytes(&path), b"[11]\n");
    assert!(scene.files().keys().all(|name| !name.ends_with(".untorn")));
}

type Change = fn(&Journal) -> Result<()>;

const CHANGES: [(&str, Change); 5] = [
    (
        "{\"n\":0}\n{\"n\":1}\n{\"n\":2}\n[3]\n[4]\n[5]\n",
        |journal| journal.append_all(["[3]", "[4]", "[5]"]).map(drop),
    ),
    ("[3]\n[4]\n", |journal| {
        journal.replace(["[3]", "[4]"]).map(drop)
    }),
    ("{\"longer\":\"than before it was\"}\n", |journal| {
        journal
            .replace(["{\"longer\":\"than before it was\"}"])
            .map(drop)
    }),
    ("{\"n\":0}\n", |journal| {
        let end = journal.records()?.next().expect("a record")?.end;
        journal.rewind(end).map(drop)
    }),
    ("", |journal| journal.rotate().map(drop)),
];

fn split(text: &str) -> Vec<String> {
    text.lines().map(str::to_owned).collect()
}

#[test]
fn a_journal_is_old_or_new_whenever_the_writer_dies() {
    for (new, change) in CHANGES {
        each_death(
            |scene| drop(scene.with("j", RECORDS)),
            |scene| change(&try_journal(&scene.path("j"))?),
            |scene, what| {
                let path = scene.path("j");
                let what = format!("to {new:?}, {what}");
                let read = lines(&path);
                // An append of many in flight may show its first records.
                let part = new.starts_with(RECORDS)
                    && read.len() <= 7
                    && read.starts_with(&split(RECORDS));
                assert!(
                    read == split(RECORDS) || read == split(new) || part,
                    "{what}: {read:?} without the lock"
                );
                drop(lock().acquire(&path).unwrap());
                let now = String::from_utf8(bytes(&path)).unwrap();
                assert!(now == RECORDS || now == new, "{what}: {now:?}");
                let redo = scene.files().get("j.redo").map_or(0, Vec::len);
                assert!(redo <= 64, "{what}: something is pending still");
                journal(&path).append_all(["[\"next\"]", "[1]"]).unwrap();
                let next = [&now, "[\"next\"]\n[1]\n"].concat();
                assert_eq!(bytes(&path), next.as_bytes(), "{what}");
                // Nothing is lost that was in it.
                if now.len() < RECORDS.len() && !now.contains("[3]") && !now.contains("longer") {
                    let kept = scene.files();
                    let rotated = kept.keys().find(|name| name.starts_with("j_"));
                    assert_eq!(kept[rotated.expect("a rotated file")], RECORDS.as_bytes());
                }
            },
        );
    }
}

#[test]
fn what_others_append_or_rewrite_after_a_crash_stays() {
    // As long as the whole append would be, or shorter; or a part of it, of which
    // the torn line was cut.
    let theirs = [
        "{\"n\":0}\n{\"n\":1}\n{\"n\":2}\n[30]\n[4]\n",
        "{\"n\":0}\n{\"n\":1}\n{\"n\":2}\n[\"theirs\"]\n",
        "{\"all\":\"new, and about as long as before\"}\n",
        "[]\n",
    ];
    for their in every(2, theirs) {
        for (new, change) in CHANGES {
            each_death(
                |scene| drop(scene.with("j", RECORDS)),
                |scene| change(&try_journal(&scene.path("j"))?),
                |scene, what| {
                    let path = scene.path("j");
                    let what = format!("{their:?} over {new:?}, {what}");
                    Foreign::open(&path).save(their);
                    assert_eq!(lines(&path), split(their), "{what}");
                    journal(&path).append(b"[\"next\"]").unwrap();
                    let next = [their, "[\"next\"]\n"].concat();
                    assert_eq!(String::from_utf8(bytes(&path)).unwrap(), next, "{what}");
                },
            );
        }
    }
}

#[test]
fn a_change_of_a_journal_that_fails_changes_nothing() {
    for (new, change) in CHANGES {
        let scene = Scene::quick();
        let path = scene.with("j", RECORDS);
        let (result, calls) = Plan::new().run(|| change(&journal(&path)));
        result.unwrap();
        for (n, op) in calls.iter().enumerate() {
            let what = format!("to {new:?}, call {n}, {op:?}");
            let scene = Scene::quick();
            let path = scene.with("j", RECORDS);
            let plan = Plan::new().fail(n, libc::ENOSPC);
            let (result, _) = plan.run(|| change(&try_journal(&path)?));
            let told = match result {
                Ok(()) => new,
                Err(error) if error.kind() == ErrorKind::NotDurable => new,
                Err(_) => RECORDS,
            };
            assert_eq!(lines(&path), split(told), "{what}");
            drop(lock().acquire(&path).unwrap());
            assert_eq!(String::from_utf8(bytes(&path)).unwrap(), told, "{what}");
        }
    }
}

/// The append fails, and so does taking it back. The next locker does that, and does
/// not finish an append whose caller got an error.
#[test]
fn an_append_that_can_not_be_taken_back_is_taken_back_by_the_next() {
    let (new, change) = CHANGES[0];
    let scene = Scene::new();
    let path = scene.with("j", RECORDS);
    let (_, calls) = Plan::new().run(|| change(&journal(&path)));
    let write = calls.iter().rposition(|op| *op == Op::Write).unwrap();
    let mut between = 0;
    for back in write + 1..write + 6 {
        let scene = Scene::new();
        let path = scene.with("j", RECORDS);
        let plan = Plan::new()
            .short(write, 6)
            .fail(write + 2, libc::ENOSPC)
            .fail(back, libc::EIO);
        let (result, calls) = plan.run(|| change(&journal(&path)));
        result.unwrap_err();
        between += usize::from(bytes(&path) != RECORDS.as_bytes());
        drop(lock().acquire(&path).unwrap());
        let now = String::from_utf8(bytes(&path)).unwrap();
        assert_eq!(
            now, RECORDS,
            "call {back}, {:?}; to be {new:?}",
            calls[back]
        );
    }
    assert!(between > 0);
}

/// All records are there once, whichever process appends. Each holder of the lock sees
/// whole lines.
#[test]
fn appends_of_ours_and_of_others() {
    const EACH: usize = 500;
    let scene = Scene::new();
    let path = scene.with("j", "");
    let done = AtomicBool::new(false);
    let pad = |n: usize| "x".repeat(n * 37 % 400);
    std::thread::scope(|scope| {
        let ours = |who: usize| {
            let (path, pad) = (&path, &pad);
            move || {
                let journal = journal(path);
                for n in 0..EACH {
                    let record = |part| format!("[{who},{},\"{}\"]", n * 2 + part, pad(n));
                    if n % 3 == 0 {
                        journal.append_all([record(0), record(1)]).unwrap();
                    } else {
                        journal.append(record(0).as_bytes()).unwrap();
                        journal.append(record(1).as_bytes()).unwrap();
                    }
                }
            }
        };
        let theirs = |who: usize| {
            let (path, pad) = (&path, &pad);
            move || {
                let mut foreign = Foreign::open(path);
                for n in 0..2 * EACH {
                    foreign.lock(libc::LOCK_EX);
                    foreign.0.seek(std::io::SeekFrom::End(0)).unwrap();
                    for piece in [
                        format!("[{who},{n},"),
                        format!("\"{}\"", pad(n)),
                        "]\n".into(),
                    ] {
                        foreign.0.write_all(piece.as_bytes()).unwrap();
                    }
                    foreign.lock(libc::LOCK_UN);
                }
            }
        };
        scope.spawn(|| {
            let mut foreign = Foreign::open(&path);
            while !done.load(Ordering::Relaxed) {
                foreign.lock(libc::LOCK_SH);
                let text = foreign.read();
                foreign.lock(libc::LOCK_UN);
                assert!(
                    text.is_empty() || text.ends_with("]\n"),
                    "torn under the lock"
                );
            }
        });
        let writers = [scope.spawn(ours(0)), scope.spawn(ours(1))];
        let others = [scope.spawn(theirs(2)), scope.spawn(theirs(3))];
        let results: Vec<_> = writers
            .into_iter()
            .map(std::thread::ScopedJoinHandle::join)
            .chain(others.into_iter().map(std::thread::ScopedJoinHandle::join))
            .collect();
        done.store(true, Ordering::Relaxed);
        for result in results {
            result.unwrap();
        }
    });
    let mut next = [0; 4];
    for record in scene::records(&path) {
        let who = usize::try_from(record[0].as_u64().expect("who")).expect("small");
        assert_eq!(record[1], next[who], "in order, of {who}");
        next[who] += 1;
    }
    assert_eq!(next, [2 * EACH; 4]);
}

/// Readers race with rewrites: they read one journal, or get an error.
#[test]
fn a_reader_never_sees_two_journals_in_one() {
    let rewrites = rounds(60, 150) as usize;
    let scene = Scene::new();
    let path = scene.with("j", "");
    let record = |n: usize, i: usize| format!("[{n},{i},\"{}\"]", "x".repeat(n * 31 % 300));
    let count = |n: usize| 20 + n * 17 % 800;
    let done = AtomicBool::new(false);
    let whole = std::sync::atomic::AtomicUsize::new(0);
    std::thread::scope(|scope| {
        let reader = || {
            let journal = journal(&path);
            while !done.load(Ordering::Relaxed) {
                let mut read = Vec::new();
                let complete: Result<()> = journal.records().unwrap().try_for_each(|record| {
                    read.push(String::from_utf8(record?.bytes).expect("UTF-8"));
                    Ok(())
                });
                if let Err(error) = &complete {
                    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
                }
                let Some(first) = read.first() else { continue };
                let n: usize = first[1..].split(',').next().unwrap().parse().unwrap();
                for (i, found) in read.iter().enumerate() {
                    assert_eq!(*found, record(n, i));
                }
                if complete.is_ok() {
                    assert_eq!(read.len(), count(n));
                    whole.fetch_add(1, Ordering::Relaxed);
                }
                for last in journal.tail(1).unwrap() {
                    let last = String::from_utf8(last.bytes).unwrap();
                    let n: usize = last[1..].split(',').next().unwrap().parse().unwrap();
                    assert_eq!(last, record(n, count(n) - 1));
                }
            }
        };
        scope.spawn(reader);
        scope.spawn(reader);
        let writer = scope.spawn(|| {
            let journal = journal(&path);
            for n in 0..rewrites {
                let records: Vec<String> = (0..count(n)).map(|i| record(n, i)).collect();
                journal.replace(records).unwrap();
            }
        });
        let result = writer.join();
        done.store(true, Ordering::Relaxed);
        result.unwrap();
    });
    assert!(whole.into_inner() > if is_deep() { 10 } else { 4 });
}

/// What the end is read with is of the same journal as what is read.
#[test]
fn the_end_of_a_journal_that_is_rewritten_meanwhile() {
    let reads: [fn(&Journal) -> Result<untorn::Position>; 2] = [
        |journal| Ok(journal.tail(1)?.pop().expect("a record").end),
        |journal| journal.end(),
    ];
    for read in reads {
        for at in 0..12 {
            let scene = Scene::new();
            let path = scene.with("j", RECORDS);
            let reader = journal(&path);
            let before = reader.end().unwrap();
            let (other, mut calls) = (path.clone(), 0);
            let plan = Plan::new().before(move |_| {
                if calls == at {
                    journal(&other)
                        .replace(["{\"n\":0}", "[1,2,3,4,5,6]"])
                        .unwrap();
                }
                calls += 1;
            });
            let (end, _) = plan.run(|| read(&reader));
            let end = end.unwrap();
            assert!(
                end == before
                    || reader
                        .records_from(end)
                        .is_ok_and(|mut on| on.next().is_none()),
                "at call {at}: {end:?}, and before it was {before:?}"
            );
        }
    }
}

/// A header is part of what is old or new, with what was appended with it.
#[test]
fn a_header_is_set_in_place() {
    let open = |path: &Path| {
        Journal::options()
            .scheme(Scheme::InPlace)
            .durability(Durability::Process)
            .header_prefix("{\"head\"")
            .header_reserve(40)
            .open(path)
    };
    let whole = |path: &Path| {
        let journal = open(path).unwrap();
        let header = journal.header().unwrap().expect("a header");
        let count = journal.records().unwrap().count();
        (String::from_utf8(header).unwrap(), count)
    };
    for new in [
        "{\"head\":2}",
        "{\"head\":2,\"and\":\"too long for its place\"}",
    ] {
        each_death(
            |scene| {
                let journal = open(&scene.path("j")).unwrap();
                journal
                    .append_with_header(b"{\"head\":1}", ["[0]", "[1]"])
                    .unwrap();
            },
            |scene| {
                let journal = open(&scene.path("j"))?;
                journal
                    .append_with_header(new.as_bytes(), ["[2]"])
                    .map(drop)
            },
            |scene, what| {
                let path = scene.path("j");
                let (old, new) = (("{\"head\":1}".to_owned(), 2), (new.to_owned(), 3));
                let read = whole(&path);
                assert!(read == old || read == new, "{what}: {read:?}");
                drop(lock().acquire(&path).unwrap());
                let now = whole(&path);
                assert!(now == old || now == new, "{what}: {now:?}");
                assert!(!bytes(&path).contains(&0), "{what}");
            },
        );
    }
}

/// A follower reports a rewrite, and misses nothing that comes after it.
#[test]
fn a_follower_through_a_rewrite_in_place() {
    let scene = Scene::new();
    let path = scene.with("j", RECORDS);
    let one = journal(&path);
    let mut follow = one.follow(Some("0:0".parse().unwrap())).unwrap();
    let mut next = || match follow.next(&CallOptions::new()).unwrap().expect("open") {
        FollowItem::Record(record) => Some(String::from_utf8(record.bytes).unwrap()),
        FollowItem::Rewound { from, to } => {
            assert!(to.offset == 0 && to.generation > from.generation);
            None
        }
        other => panic!("{other:?}"),
    };
    for record in split(RECORDS) {
        assert_eq!(next(), Some(record));
    }
    let two = journal(&path);
    two.replace(["[\"new\"]"]).unwrap();
    two.append(b"[\"newer\"]").unwrap();
    assert_eq!(next(), None, "it was rewritten");
    assert_eq!(next().unwrap(), "[\"new\"]");
    assert_eq!(next().unwrap(), "[\"newer\"]");
}
