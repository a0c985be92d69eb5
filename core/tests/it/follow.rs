//! Following a journal: every record once, in order, as it comes, whichever process
//! appends it and whatever happens to the file.

use std::io::Write;
use std::path::Path;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use crate::scene;
use crate::scene::{Scene, records};
#[cfg(unix)]
use untorn::fault::Op;
use untorn::fault::Plan;
use untorn::{
    CallOptions, CancelToken, ErrorKind, FileLock, Follow, FollowItem, Journal, Position,
};

/// Longer than anything takes here: a test that gets so far has failed.
const LONG: Duration = Duration::from_secs(20);

/// The next thing that is reported, which must come.
fn told(follow: &mut Follow) -> FollowItem {
    let call = CallOptions::new().timeout(Some(LONG));
    follow.next(&call).unwrap().expect("news within 20 s")
}

/// The next record's bytes.
fn next(follow: &mut Follow) -> Vec<u8> {
    match told(follow) {
        FollowItem::Record(record) => record.bytes,
        other => panic!("not a record: {other:?}"),
    }
}

/// Nothing is reported now.
fn nothing(follow: &mut Follow) {
    let now = CallOptions::new().timeout(Some(Duration::ZERO));
    assert_eq!(follow.next(&now).unwrap(), None);
}

fn raw(path: &Path, bytes: &[u8]) {
    let file = std::fs::OpenOptions::new().append(true).open(path);
    file.unwrap().write_all(bytes).unwrap();
}

#[test]
fn records_come_as_others_append_them() {
    let scene = Scene::new();
    let path = scene.path("j");
    let writer = scene::journal(&path);
    writer.append(b"[0]").unwrap();
    let reader = scene::journal(&path);
    let mut follow = reader.follow(None).unwrap();
    nothing(&mut follow);
    std::thread::scope(|threads| {
        // In here, so that a failure lets the writer end.
        let (wake, awake) = mpsc::channel::<()>();
        threads.spawn(move || {
            for n in 1..200 {
                // Half of them one by one, with the follower asleep in between.
                if n < 100 {
                    awake.recv().unwrap();
                }
                let end = writer.append(format!("[{n}]").as_bytes()).unwrap();
                assert!(end.offset > 0);
            }
        });
        for n in 1..200 {
            if n < 100 {
                wake.send(()).unwrap();
            }
            let position = follow.position();
            let FollowItem::Record(record) = told(&mut follow) else {
                panic!("not a record");
            };
            assert_eq!(record.bytes, format!("[{n}]").as_bytes());
            assert_eq!(record.start, position);
            assert_eq!(record.end, follow.position());
        }
    });
    nothing(&mut follow);
}

#[test]
fn a_journal_that_is_not_there_yet() {
    let scene = Scene::new();
    let path = scene.path("j");
    let reader = scene::journal(&path);
    for from in [None, Some(reader.end().unwrap())] {
        let mut follow = reader.follow(from).unwrap();
        std::thread::scope(|threads| {
            let waits = threads.spawn(|| next(&mut follow));
            scene::journal(&path).append(b"[1]").unwrap();
            assert_eq!(waits.join().unwrap(), b"[1]");
        });
        std::fs::remove_file(&path).unwrap();
    }
}

#[test]
fn a_line_in_flight_is_waited_for_and_damage_is_skipped() {
    let scene = Scene::new();
    let path = scene.with("j", b"[0]\n[1");
    let journal = scene::journal(&path);
    let mut follow = journal.follow(Some(Position {
        offset: 0,
        ..journal.end().unwrap()
    }));
    let follow = follow.as_mut().unwrap();
    assert_eq!(next(follow), b"[0]");
    nothing(follow);
    assert_eq!(follow.take_damage(), [], "not torn: in flight");
    raw(&path, b"]\n\0\0\n[2]\n");
    assert_eq!(next(follow), b"[1]");
    assert_eq!(next(follow), b"[2]");
    let damage = follow.take_damage();
    assert_eq!(damage.len(), 1);
    assert_eq!((damage[0].offset, damage[0].length), (8, 3));
    // A torn tail that the next append repairs.
    raw(&path, b"{\"half");
    nothing(follow);
    journal.append(b"[3]").unwrap();
    assert_eq!(next(follow), b"[3]");
    nothing(follow);
}

/// An append of many that may yet be undone is not reported.
#[test]
fn an_append_that_is_not_decided_is_waited_for() {
    let scene = Scene::new();
    let path = scene.path("j");
    let journal = scene::journal(&path);
    let start = journal.append(b"[0]").unwrap();
    let mut follow = journal.follow(Some(start)).unwrap();
    let mut late = None;
    // The writer dies after each of its calls in turn, and its last write is cut
    // short.
    for at in 0..100 {
        let before = records(&path).len();
        let writer = scene::journal(&path);
        let (result, _) = Plan::new()
            .short(at, 5)
            .die(at + 1)
            .run(|| writer.append_all(["[1]", "[2]", "[3]"]));
        let whole = result.is_ok();
        if !whole {
            nothing(&mut follow);
            // A follower that begins now sees no more.
            let mut other = scene::journal(&path).follow(None).unwrap();
            nothing(&mut other);
            late = Some(other);
        }
        // The next locker decides.
        let end = journal.append(b"[4]").unwrap();
        let more = records(&path).len() - before;
        assert!(more == 1 || more == 4, "all or nothing");
        for n in if more == 4 { 1..=4 } else { 4..=4 } {
            assert_eq!(next(&mut follow), format!("[{n}]").as_bytes());
            if let Some(other) = &mut late {
                assert_eq!(next(other), format!("[{n}]").as_bytes());
            }
        }
        assert_eq!(follow.position(), end);
        if whole {
            return;
        }
    }
    panic!("an append makes fewer calls");
}

#[test]
fn a_position_is_gone_on_from() {
    let scene = Scene::new();
    let path = scene.path("j");
    let journal = scene::journal(&path);
    let mut follow = journal.follow(None).unwrap();
    let mut seen = Vec::new();
    for n in 0..50 {
        journal.append(format!("[{n}]").as_bytes()).unwrap();
        if n % 7 == 0 {
            // As a program that stores it and is started again.
            let stored = follow.position().to_string();
            let other = scene::journal(&path);
            follow = other.follow(Some(stored.parse().unwrap())).unwrap();
        }
        if n % 3 == 0 {
            seen.push(next(&mut follow));
        }
    }
    while seen.len() < 50 {
        seen.push(next(&mut follow));
    }
    nothing(&mut follow);
    let all: Vec<_> = (0..50).map(|n| format!("[{n}]").into_bytes()).collect();
    assert_eq!(seen, all);
}

#[test]
fn positions_that_are_none_are_refused() {
    let scene = Scene::new();
    let path = scene.path("j");
    let journal = scene::journal(&path);
    let end = journal.append(b"[0]").unwrap();
    for offset in [1, end.offset + 1] {
        let error = journal
            .follow(Some(Position { offset, ..end }))
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
    }
}

/// Replaced by rename, deleted and made again, emptied: the follower reports that the
/// records before are not in the journal any more. The present records follow whole.
#[test]
fn another_file_of_the_name_is_told() {
    let scene = Scene::new();
    let path = scene.path("j");
    let journal = scene::journal(&path);
    let changes: [&dyn Fn(); 4] = [
        &|| {
            std::fs::write(scene.path("new"), b"[5]\n[6]\n").unwrap();
            std::fs::rename(scene.path("new"), &path).unwrap();
        },
        &|| {
            std::fs::remove_file(&path).unwrap();
            std::fs::write(&path, b"[5]\n[6]\n").unwrap();
        },
        &|| std::fs::write(&path, b"[5]\n[6]\n").unwrap(),
        // Longer than it was.
        &|| std::fs::write(&path, [&b"[5]\n[6]\n"[..], &[b' '; 1000], b"\n"].concat()).unwrap(),
    ];
    for (change, in_place) in changes.into_iter().zip([false, false, true, true]) {
        std::fs::write(&path, b"[1]\n[2]\n[3]\n").unwrap();
        let mut follow = journal.follow(Some(journal.end().unwrap())).unwrap();
        let mut first = journal
            .follow(Some(Position {
                offset: 0,
                ..journal.end().unwrap()
            }))
            .unwrap();
        assert_eq!(next(&mut first), b"[1]");
        let (before, at_first) = (follow.position(), first.position());
        std::thread::scope(|threads| {
            let waits = threads.spawn(|| told(&mut follow));
            change();
            let FollowItem::Rewound { from, to } = waits.join().unwrap() else {
                panic!("a rewind is told");
            };
            assert_eq!(from, before);
            assert_eq!(to.offset, 0);
        });
        assert_eq!(next(&mut follow), b"[5]");
        assert_eq!(next(&mut follow), b"[6]");
        nothing(&mut follow);
        // One that was not read on meanwhile learns it, and so does who has
        // stored a position of another file. (What was done to a file in place
        // only those can know who have seen it before.)
        let mut others = vec![first];
        if !in_place {
            others.push(journal.follow(Some(at_first)).unwrap());
        }
        for mut other in others {
            loop {
                match told(&mut other) {
                    FollowItem::Record(record) => {
                        // What was in its buffer, or in the old file still.
                        assert!(record.bytes == b"[2]" || record.bytes == b"[3]");
                    }
                    FollowItem::Rewound { from, .. } => break assert!(from >= at_first),
                    other => panic!("{other:?}"),
                }
            }
            assert_eq!(next(&mut other), b"[5]");
        }
    }
}

#[test]
fn what_ends_a_wait() {
    let scene = Scene::new();
    let path = scene.path("j");
    let journal = scene::journal(&path);
    journal.append(b"[0]").unwrap();
    let mut follow = journal.follow(None).unwrap();
    // A time limit.
    let begun = Instant::now();
    let short = CallOptions::new().timeout(Some(Duration::from_millis(30)));
    assert_eq!(follow.next(&short).unwrap(), None);
    assert!(begun.elapsed() >= Duration::from_millis(30));
    assert!(!follow.is_closed());
    // A token: before, and while it waits.
    let token = CancelToken::new();
    std::thread::scope(|threads| {
        let waits = threads.spawn(|| follow.next(&CallOptions::new().cancel(&token)));
        token.cancel();
        let error = waits.join().unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Cancelled);
    });
    let error = follow.next(&CallOptions::new().cancel(&token)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    // A runtime's signal.
    let asked = std::sync::atomic::AtomicUsize::new(0);
    let interrupt = || asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == 1;
    let error = follow
        .next(&CallOptions::new().interrupt(&interrupt))
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    // None of them has lost anything.
    journal.append(b"[1]").unwrap();
    assert_eq!(next(&mut follow), b"[1]");
    // The handle is closed.
    std::thread::scope(|threads| {
        let waits = threads.spawn(|| follow.next(&CallOptions::new()));
        journal.close().unwrap();
        assert_eq!(waits.join().unwrap().unwrap(), None);
    });
    assert!(follow.is_closed());
    assert!(journal.follow(None).is_err());
    let other = scene::journal(&path);
    let guard = FileLock::acquire(&path).unwrap();
    let error = other
        .follow(None)
        .unwrap()
        .next(&CallOptions::new().lock(&guard))
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
}

/// Where the system gives no watch the file is looked at now and then.
#[cfg(unix)]
#[test]
fn without_a_watch() {
    let scene = Scene::new();
    let path = scene.path("j");
    let writer = scene::journal(&path);
    let journal = scene::journal(&path);
    writer.append(b"[0]").unwrap();
    let mut follow = journal.follow(None).unwrap();
    let (_, calls) = Plan::new()
        .run(|| follow.next(&CallOptions::new().timeout(Some(Duration::from_millis(5)))));
    let at = calls.iter().position(|op| *op == Op::Watch).unwrap();
    let mut follow = journal.follow(None).unwrap();
    let (asleep, is_asleep) = mpsc::channel();
    std::thread::scope(|threads| {
        let waits = threads.spawn(|| {
            let plan = Plan::new().fail(at, libc::EMFILE).before(move |call| {
                if call.number > 20 {
                    let _ = asleep.send(());
                }
            });
            plan.run(|| next(&mut follow))
        });
        is_asleep.recv().unwrap();
        writer.append(b"[1]").unwrap();
        let (record, _) = waits.join().unwrap();
        assert_eq!(record, b"[1]");
    });
}

/// Many followers, of many journals in two directories, share one watcher; the
/// last one that goes takes it along.
#[test]
fn many_followers() {
    let scene = Scene::new();
    let other = Scene::new();
    // Wine serves one call of all processes at a time.
    let many = if cfg!(windows) { 6 } else { 20 };
    let paths: Vec<_> = (0..many)
        .map(|n| if n % 2 == 0 { &scene } else { &other }.path(&format!("j{n}")))
        .collect();
    let journals: Vec<_> = paths.iter().map(|path| scene::journal(path)).collect();
    for round in 0..3 {
        std::thread::scope(|threads| {
            for journal in &journals {
                for _ in 0..2 {
                    let mut follow = journal.follow(None).unwrap();
                    threads.spawn(move || {
                        for n in 0..50 {
                            assert_eq!(next(&mut follow), format!("[{round},{n}]").as_bytes());
                        }
                    });
                }
            }
            for n in 0..50 {
                for journal in &journals {
                    journal.append(format!("[{round},{n}]").as_bytes()).unwrap();
                }
            }
        });
    }
}

/// The directory itself goes away, and comes again.
#[cfg(unix)]
#[test]
fn a_directory_made_anew() {
    let scene = Scene::new();
    std::fs::create_dir(scene.path("d")).unwrap();
    let path = scene.path("d").join("j");
    let journal = scene::journal(&path);
    journal.append(b"[0]").unwrap();
    let mut follow = journal.follow(None).unwrap();
    for n in 1..4 {
        let (looks, look) = mpsc::channel();
        std::thread::scope(|threads| {
            let look = look;
            let waits = threads.spawn(|| {
                // After the first call of each look there is nothing there yet, or
                // nothing any more.
                let plan = Plan::new().before(move |call| {
                    if call.op == Op::StatPath {
                        let _ = looks.send(());
                    }
                });
                plan.run(|| (told(&mut follow), next(&mut follow))).0
            });
            look.recv().unwrap();
            while look.try_recv().is_ok() {}
            std::fs::rename(scene.path("d"), scene.path(&format!("d{n}"))).unwrap();
            // It is woken by that, or looks now and then already.
            for _ in 0..2 {
                look.recv_timeout(LONG).unwrap();
            }
            std::fs::create_dir(scene.path("d")).unwrap();
            scene::journal(&path).append(b"[1]").unwrap();
            let (first, second) = waits.join().unwrap();
            assert!(matches!(first, FollowItem::Rewound { .. }));
            assert_eq!(second, b"[1]");
        });
    }
}

#[test]
fn every_record_of_many_writers_once() {
    let scene = Scene::new();
    let path = scene.path("j");
    let journal = scene::journal(&path);
    let mut follows: Vec<_> = (0..2).map(|_| journal.follow(None).unwrap()).collect();
    std::thread::scope(|threads| {
        for writer in 0..4 {
            let path = &path;
            threads.spawn(move || {
                let journal = Journal::options()
                    .durability(untorn::Durability::Process)
                    .open(path)
                    .unwrap();
                for n in 0..250 {
                    let record = |m| format!("[{writer},{n},{m}]");
                    if n % 2 == 0 {
                        journal.append_all([record(0), record(1)]).unwrap();
                    } else {
                        journal.append(record(0).as_bytes()).unwrap();
                    }
                }
            });
        }
        let seen: Vec<_> = follows
            .iter_mut()
            .map(|follow| threads.spawn(|| (0..1500).map(|_| next(follow)).collect::<Vec<_>>()))
            .collect();
        let seen: Vec<_> = seen.into_iter().map(|seen| seen.join().unwrap()).collect();
        let all: Vec<_> = journal
            .records()
            .unwrap()
            .map(|record| record.unwrap().bytes)
            .collect();
        for seen in seen {
            assert_eq!(seen, all);
        }
    });
}

/// All records of a follower that keeps each one since the last rewind that it
/// reported.
fn keep_up(follow: &mut Follow, kept: &mut Vec<(Position, Vec<u8>)>) -> usize {
    let now = CallOptions::new().timeout(Some(Duration::ZERO));
    let mut rewinds = 0;
    while let Some(news) = follow.next(&now).unwrap() {
        match news {
            FollowItem::Record(record) => kept.push((record.end, record.bytes)),
            FollowItem::Rewound { from, to } => {
                assert!(from.offset > 0);
                rewinds += 1;
                // Offsets of the file before are those of the one after, up to `to`.
                kept.retain(|(end, _)| {
                    end.generation == from.generation && end.offset <= to.offset
                });
                kept.iter_mut()
                    .for_each(|(end, _)| end.generation = to.generation);
            }
            other => panic!("{other:?}"),
        }
    }
    rewinds
}

fn bytes_of(kept: &[(Position, Vec<u8>)]) -> Vec<String> {
    kept.iter()
        .map(|(_, bytes)| String::from_utf8(bytes.clone()).unwrap())
        .collect()
}

fn all(journal: &Journal) -> Vec<String> {
    let text = |record: untorn::OwnedRecord| String::from_utf8(record.bytes).unwrap();
    let records = journal.records().unwrap();
    records.map(|record| text(record.unwrap())).collect()
}

#[test]
fn rewinds_are_told() {
    let scene = Scene::new();
    let path = scene.path("j");
    let journal = scene::journal(&path);
    let ends: Vec<_> = (0..6)
        .map(|n| journal.append(format!("[{n}]").as_bytes()).unwrap())
        .collect();
    let start = Position {
        offset: 0,
        ..ends[0]
    };
    let follow = |from| scene::journal(&path).follow(Some(from)).unwrap();
    // One that has read all, one that is behind, one that has stored its
    // position, and one that stored an earlier one.
    let (mut ahead, mut behind) = (follow(start), follow(start));
    let mut kept = Vec::new();
    assert_eq!(keep_up(&mut ahead, &mut kept), 0);
    assert_eq!(next(&mut behind), b"[0]");
    let stored = ahead.position();
    journal.rewind(ends[2]).unwrap().unwrap();
    let to = journal.end().unwrap();
    journal.append(b"[10]").unwrap();
    assert_eq!(keep_up(&mut ahead, &mut kept), 1);
    assert_eq!(bytes_of(&kept), all(&journal));
    assert_eq!(ahead.position(), journal.end().unwrap());
    for mut late in [follow(stored), follow(ends[4])] {
        let FollowItem::Rewound { from, to: place } = told(&mut late) else {
            panic!("told");
        };
        assert_eq!((from >= ends[4], place), (true, to));
        assert_eq!(next(&mut late), b"[10]");
    }
    // Who was not so far goes on without a word; it may have had the rest in its
    // buffer.
    let mut early = follow(ends[1]);
    assert_eq!(next(&mut early), b"[2]");
    assert_eq!(next(&mut early), b"[10]");
    let mut kept = vec![(ends[0], b"[0]".to_vec())];
    keep_up(&mut behind, &mut kept);
    assert_eq!(bytes_of(&kept), all(&journal));
}

#[test]
fn rewrites_are_told() {
    let scene = Scene::new();
    let path = scene.path("j");
    let journal = scene::journal(&path);
    let mut follow = journal.follow(None).unwrap();
    let mut kept = Vec::new();
    journal.append_all(["[1]", "[2]", "[3]"]).unwrap();
    assert_eq!(keep_up(&mut follow, &mut kept), 0);
    journal.replace(["[2]", "[3]"]).unwrap();
    assert_eq!(keep_up(&mut follow, &mut kept), 1);
    assert_eq!(bytes_of(&kept), all(&journal));
    // Several between two looks.
    for n in 0..3 {
        journal
            .compact(|rewrite| {
                rewrite.push(format!("[{n},0]").as_bytes())?;
                rewrite.push(b"[1]")
            })
            .unwrap();
        journal.append(b"[4]").unwrap();
    }
    keep_up(&mut follow, &mut kept);
    assert_eq!(bytes_of(&kept), all(&journal));
    assert_eq!(all(&journal), ["[2,0]", "[1]", "[4]"]);
}

/// Returns when the file system's clock has gone on: which of two files made within
/// some milliseconds is the younger is known only while all of them are there.
fn tick(scene: &Scene) {
    let now = || {
        let path = scene.with("clock", b"");
        let now = std::fs::metadata(&path).unwrap().modified().unwrap();
        std::fs::remove_file(path).unwrap();
        now
    };
    let before = now();
    while now() < before + Duration::from_millis(10) {
        std::thread::yield_now();
    }
}

#[test]
fn rotation_is_followed() {
    let scene = Scene::new();
    let path = scene.path("j.jsonl");
    let journal = scene::journal(&path);
    journal.append(b"[0]").unwrap();
    let mut follow = journal.follow(None).unwrap();
    let mut slow = journal.follow(None).unwrap();
    let first = follow.position();
    for n in 1..40 {
        journal.append(format!("[{n}]").as_bytes()).unwrap();
        if n % 5 == 0 {
            if n == 5 {
                tick(&scene);
            }
            journal.rotate().unwrap().unwrap();
        }
        if n % 3 == 0 {
            // Stored, and gone on from, in whichever file it is by now.
            follow = journal.follow(Some(follow.position())).unwrap();
        }
        assert_eq!(next(&mut follow), format!("[{n}]").as_bytes());
    }
    nothing(&mut follow);
    // Two that have slept through seven rotations get all the same every record
    // once.
    for follow in [&mut slow, &mut journal.follow(Some(first)).unwrap()] {
        let mut expected = 1;
        while expected < 40 {
            if let FollowItem::Record(record) = told(follow) {
                assert_eq!(record.bytes, format!("[{expected}]").as_bytes());
                expected += 1;
            }
        }
        nothing(follow);
    }
    // If the file that would have come next is gone, that is reported.
    std::fs::remove_file(scene.path("j_1.jsonl")).unwrap();
    let mut late = journal.follow(Some(first)).unwrap();
    let FollowItem::Rewound { from, to } = told(&mut late) else {
        panic!("told");
    };
    assert_eq!((from, to.offset), (first, 0));
    assert_eq!(next(&mut late), b"[6]");
}

#[test]
fn every_record_once_through_rotation_by_size() {
    let scene = Scene::new();
    let path = scene.path("j");
    let writer = Journal::options()
        .durability(untorn::Durability::Process)
        .max_bytes(Some(300));
    let mut follow = scene::journal(&path).follow(None).unwrap();
    writer
        .clone()
        .open(&path)
        .unwrap()
        .append(b"[\"first\"]")
        .unwrap();
    assert_eq!(next(&mut follow), b"[\"first\"]");
    std::thread::scope(|threads| {
        for name in 0..2 {
            let writer = writer.clone().open(&path).unwrap();
            threads.spawn(move || {
                for n in 0..300 {
                    writer.append(format!("[{name},{n}]").as_bytes()).unwrap();
                }
            });
        }
        let mut seen = [0, 0];
        while seen != [300, 300] {
            let FollowItem::Record(record) = told(&mut follow) else {
                continue;
            };
            let [name, n]: [usize; 2] = serde_json::from_slice(&record.bytes).unwrap();
            assert_eq!(seen[name], n);
            seen[name] += 1;
        }
    });
    assert!(scene.files().contains_key("j_5"), "it was rotated often");
    nothing(&mut follow);
}

#[test]
fn a_header_is_no_record_and_its_stamp_no_change() {
    let scene = Scene::new();
    let path = scene.path("j");
    let options = Journal::options()
        .durability(untorn::Durability::Process)
        .header_prefix(b"{\"head\"");
    let journal = options.open(&path).unwrap();
    journal.set_header(br#"{"head":1}"#).unwrap();
    let behind_header = journal.end().unwrap();
    journal.append(b"[1]").unwrap();
    let start = Position {
        offset: 0,
        ..behind_header
    };
    let mut follows: Vec<_> = [start, behind_header, start]
        .map(|from| journal.follow(Some(from)).unwrap())
        .into();
    assert_eq!(next(&mut follows[2]), b"[1]");
    follows.push(journal.follow(None).unwrap());
    journal.set_header(br#"{"head":2}"#).unwrap();
    for follow in &mut follows[..2] {
        assert_eq!(next(follow), b"[1]");
    }
    journal
        .append_with_header(br#"{"head":3}"#, ["[2]"])
        .unwrap();
    for follow in &mut follows {
        assert_eq!(next(follow), b"[2]");
        nothing(follow);
    }
}

/// A journal that is rewritten in place stays the same file.
#[test]
fn rewrites_in_place_are_told() {
    let scene = Scene::new();
    let path = scene.path("j");
    let options = Journal::options()
        .durability(untorn::Durability::Process)
        .scheme(untorn::Scheme::InPlace);
    let journal = options.open(&path).unwrap();
    let mut follow = journal.follow(None).unwrap();
    let mut kept = Vec::new();
    let ends: Vec<_> = (0..4)
        .map(|n| journal.append(format!("[{n}]").as_bytes()).unwrap())
        .collect();
    assert_eq!(keep_up(&mut follow, &mut kept), 0);
    let mut behind = journal.follow(Some(ends[0])).unwrap();
    journal.rewind(ends[1]).unwrap();
    journal.append_all(["[10]", "[11]", "[12]"]).unwrap();
    assert_eq!(keep_up(&mut follow, &mut kept), 1);
    assert_eq!(bytes_of(&kept), all(&journal));
    assert_eq!(follow.position(), journal.end().unwrap());
    for expected in ["[1]", "[10]", "[11]", "[12]"] {
        assert_eq!(next(&mut behind), expected.as_bytes());
    }
    journal.replace(["[20]", "[21]"]).unwrap();
    assert_eq!(keep_up(&mut follow, &mut kept), 1);
    assert_eq!(bytes_of(&kept), all(&journal));
    // A stored position of before.
    let mut late = journal.follow(Some(ends[3])).unwrap();
    assert!(matches!(told(&mut late), FollowItem::Rewound { .. }));
}

#[test]
fn sealed_journals() {
    let scene = Scene::new();
    let path = scene.path("j");
    let options = Journal::options()
        .durability(untorn::Durability::Process)
        .sealed(true);
    let journal = options.open(&path).unwrap();
    let mut follow = journal.follow(None).unwrap();
    for n in 0..20 {
        journal.append(format!("[{n}]").as_bytes()).unwrap();
        journal.append_all(["[100]", "[101]"]).unwrap();
        for expected in [format!("[{n}]"), "[100]".into(), "[101]".into()] {
            assert_eq!(next(&mut follow), expected.as_bytes());
        }
        follow = journal.follow(Some(follow.position())).unwrap();
    }
    nothing(&mut follow);
    assert_eq!(follow.take_damage(), []);
}

/// Among holders that come and go in `P.lock`, and refresh it.
#[test]
fn lock_files_that_come_and_go() {
    let scene = Scene::new();
    let path = scene.path("j");
    let options = Journal::options()
        .durability(untorn::Durability::Process)
        .scheme(untorn::Scheme::PidFile);
    let journal = options.clone().open(&path).unwrap();
    let mut follow = journal.follow(None).unwrap();
    std::thread::scope(|threads| {
        threads.spawn(|| {
            let writer = options.clone().open(&path).unwrap();
            for n in 0..50 {
                writer
                    .append_all([format!("[{n},0]"), format!("[{n},1]")])
                    .unwrap();
            }
            let end = writer.append(b"[50,0]").unwrap();
            writer.rewind(end).unwrap();
        });
        for n in 0..101 {
            assert_eq!(
                next(&mut follow),
                format!("[{},{}]", n / 2, n % 2).as_bytes()
            );
        }
    });
    nothing(&mut follow);
    let end = Position {
        offset: 0,
        ..journal.end().unwrap()
    };
    journal.rewind(end).unwrap();
    assert!(matches!(told(&mut follow), FollowItem::Rewound { .. }));
}

/// One who follows is woken by the rename, before its generation is recorded.
#[test]
fn what_stayed_is_known_at_every_moment_of_a_rewind() {
    let scene = Scene::quick();
    let path = scene.path("j");
    let set_up = |scene: &Scene| {
        let journal = Journal::open(scene.path("j")).unwrap();
        let place = journal.append(b"[0]").unwrap();
        journal.append(b"[1]").unwrap();
        place
    };
    let place = set_up(&scene);
    let rewind = |path: &Path, place| Journal::open(path)?.rewind(place);
    let (_, calls) = Plan::new().run(|| rewind(&path, place).unwrap());
    let mut told_of = 0;
    for (n, call) in calls.iter().enumerate() {
        let scene = Scene::quick();
        let place = set_up(&scene);
        let path = scene.path("j");
        let journal = Journal::open(&path).unwrap();
        let mut follow = journal.follow(None).unwrap();
        let _ = Plan::new().die(n).run(|| rewind(&path, place));
        let now = CallOptions::new().timeout(Some(Duration::ZERO));
        if let Some(FollowItem::Rewound { to, .. }) = follow.next(&now).unwrap() {
            assert_eq!(to.offset, place.offset, "dead before {call:?}");
            told_of += 1;
        }
    }
    assert!(told_of > 1, "also before the generation was recorded");
}
