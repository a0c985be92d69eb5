//! The power fails before each system call in turn. What the disk has then is not what
//! the kernel showed. Contents are certain only as of the last sync of the file, names
//! as of the last sync of the directory. Anything later may be there, be missing, or be
//! NULs.

use std::cell::RefCell;
use std::path::Path;

use crate::scene;
use crate::scene::death::dies_within_a_write;
use crate::scene::lane::every;
use crate::scene::power::{Image, images, images_under, materialise, materialise_in_place};
use crate::scene::{Scene, bytes, records};
use untorn::fault::{Op, Plan, Verdict};
use untorn::{Document, ErrorKind, FileLock, Journal, Scheme};

fn record(n: usize) -> String {
    format!("{{\"n\":{n},\"text\":\"{}\"}}", "x".repeat(n * 10))
}

#[test]
fn acknowledged_records_survive() {
    let scene = Scene::new();
    let path = scene.path("j");
    let found = images(&scene, |acknowledged| {
        let journal = Journal::open(&path).unwrap();
        for n in 0..4 {
            journal.append(record(n).as_bytes()).unwrap();
            *acknowledged.borrow_mut() += 1;
        }
        journal.append_all((4..10).map(record)).unwrap();
        *acknowledged.borrow_mut() += 6;
    });
    assert!(found.len() > 200, "{} images", found.len());
    for image in &found {
        let after = materialise(image);
        let path = after.path("j");
        let journal = Journal::open(&path).unwrap();
        journal.append(b"{\"n\":\"next\"}").unwrap();
        journal
            .append_all(["{\"n\":\"more\"}", "{\"n\":\"last\"}"])
            .unwrap();
        let read = whole_records(&path, &image.what);
        let before = read.len() - 3;
        assert!(
            before >= image.acknowledged,
            "{}: {before} of {}",
            image.what,
            image.acknowledged
        );
        // What was not acknowledged may have lost its first sector.
        for (n, value) in read[..image.acknowledged].iter().enumerate() {
            assert_eq!(value["n"], n, "{}", image.what);
        }
    }
}

/// The records. Each was written by a process, or has NULs from a power cut.
fn whole_records(path: &Path, what: &str) -> Vec<serde_json::Value> {
    let bytes = bytes(path);
    let lines = bytes.split(|byte| *byte == b'\n');
    let values: Vec<serde_json::Value> = lines
        .filter(|line| !line.is_empty() && !line.contains(&0))
        .map(|line| serde_json::from_slice(line).unwrap_or_else(|error| panic!("{what}: {error}")))
        .collect();
    for value in &values {
        if let (Some(n), Some(text)) = (value["n"].as_u64(), value["text"].as_str()) {
            let (length, first) = (text.len() as u64, text.bytes().next());
            let whole = [n * 10, n * 10 + LONG].contains(&length)
                && text.bytes().all(|byte| Some(byte) == first);
            assert!(whole, "{what}: a record that nobody wrote: {value}");
        }
    }
    values
}

/// Longer than two sectors.
const LONG: u64 = 1_500;

fn long(n: usize) -> String {
    format!(
        "{{\"n\":{n},\"text\":\"{}\"}}",
        "x".repeat(n * 10 + LONG as usize)
    )
}

/// A journal that a handle has appended to and synced grows shorter, by whatever
/// comes in between. What is acknowledged after that must be there.
struct Between {
    name: &'static str,
    work: fn(&Path, &Journal),
    /// Whether it takes what was acknowledged before.
    erases: bool,
}

const BETWEEN: [Between; 5] = [
    Between {
        name: "emptied by another program, as logrotate does",
        work: |path, _| {
            let _lock = FileLock::acquire(path).unwrap();
            let file = std::fs::OpenOptions::new().write(true).open(path).unwrap();
            file.set_len(0).unwrap();
        },
        erases: true,
    },
    Between {
        name: "half a record of a dead process, which a sync has seen",
        work: |path, journal| {
            let torn = format!("{{\"n\":99,\"text\":\"{}", "y".repeat(9_000));
            foreign_append(path, torn.as_bytes());
            journal.sync().unwrap();
        },
        erases: false,
    },
    Between {
        name: "half a batch of a dead process, which a sync has seen",
        work: |path, journal| {
            die_in_a_batch(path);
            journal.sync().unwrap();
        },
        erases: false,
    },
    Between {
        name: "half a batch of a dead process",
        work: |path, _| die_in_a_batch(path),
        erases: false,
    },
    Between {
        name: "a repair by another handle",
        work: |path, journal| {
            foreign_append(path, &[0; 5_000]);
            journal.sync().unwrap();
            scene::journal(path).repair().unwrap();
        },
        erases: false,
    },
];

fn foreign_append(path: &Path, bytes: &[u8]) {
    use std::io::Write as _;

    let mut file = std::fs::OpenOptions::new().append(true).open(path).unwrap();
    file.write_all(bytes).unwrap();
}

/// Another process, whose calls are not counted: a thread has its own plan.
fn die_in_a_batch(path: &Path) {
    let before = bytes(path).len();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let records = (90..99).map(|n| long(n).replace('x', "z"));
            let plan = dies_within_a_write(path, 4_000);
            let (result, _) = plan.run(|| scene::journal(path).append_all(records));
            assert!(result.is_err(), "it dies");
        });
    });
    assert_eq!(bytes(path).len(), before + 4_000);
}

#[test]
fn what_a_handle_with_a_past_acknowledges_survives() {
    for between in BETWEEN {
        let scene = Scene::quick();
        let path = scene.path("j");
        let erased = 100;
        let found = images(&scene, |acknowledged| {
            let journal = Journal::open(&path).unwrap();
            for n in 0..4 {
                journal.append(long(n + 20).as_bytes()).unwrap();
                *acknowledged.borrow_mut() += 1;
            }
            if between.erases {
                *acknowledged.borrow_mut() += erased;
            }
            (between.work)(&path, &journal);
            for n in 4..7 {
                journal.append(long(n).as_bytes()).unwrap();
                *acknowledged.borrow_mut() += 1;
            }
        });
        for image in every(16, &found) {
            let what = format!("{}: {}", between.name, image.what);
            let after = materialise(image);
            let path = after.path("j");
            scene::journal(&path).append(b"{\"next\":true}").unwrap();
            let read = whole_records(&path, &what);
            let count = image.acknowledged % erased;
            let from = if image.acknowledged > erased { 4 } else { 0 };
            for n in from..count {
                let n = if n < 4 { n + 20 } else { n };
                assert!(
                    read.iter().any(|value| value["n"] == n),
                    "{what}: record {n} was acknowledged: {read:?}"
                );
            }
        }
    }
}

/// The plan of a process whose first write to this file is cut to so many bytes by an error.
fn fails_within_a_write(file: &Path, part: usize) -> Plan {
    let name = file.file_name().expect("a file").to_owned();
    let mut writes = 0;
    Plan::new().judge(move |call| {
        if call.op != Op::Write || !call.path.is_some_and(|path| path.ends_with(&name)) {
            return Verdict::Go;
        }
        writes += 1;
        match writes {
            1 => Verdict::Short(part),
            2 => Verdict::Fail(libc::ENOSPC),
            _ => Verdict::Go,
        }
    })
}

/// An append of many does not come to its end. The next record is the same as the first of
/// those, as when the caller tries again. A power cut must not bring back the note of the
/// append: the next locker would take that record for a part of it.
#[test]
fn a_record_that_an_unfinished_append_began_with_survives() {
    let first = long(1).len() + 1;
    let begin = || {
        let scene = Scene::quick();
        let path = scene.path("j");
        scene::journal(&path).append(long(0).as_bytes()).unwrap();
        (scene, path)
    };
    let many = |path: &Path| scene::journal(path).append_all([long(1), long(2)]);
    let again = |path: &Path, acknowledged: &RefCell<usize>| {
        let journal = Journal::open(path).unwrap();
        journal.append(long(1).as_bytes()).unwrap();
        *acknowledged.borrow_mut() = 1;
    };

    let (scene, path) = begin();
    let found = images(&scene, |acknowledged| {
        std::thread::scope(|scope| {
            // A thread has a plan of its own, as another process has.
            scope.spawn(|| {
                let (result, _) = dies_within_a_write(&path, first).run(|| many(&path));
                assert!(result.is_err(), "it dies");
            });
        });
        again(&path, acknowledged);
    });
    has_that_record("it dies", &path, &found);

    let (scene, path) = begin();
    let plan = fails_within_a_write(&path, first);
    let found = images_under(&scene, plan, |acknowledged| {
        assert!(many(&path).is_err(), "it fails");
        again(&path, acknowledged);
    });
    has_that_record("it fails", &path, &found);
}

fn has_that_record(end: &str, original: &Path, found: &[Image]) {
    let after: Vec<_> = found
        .iter()
        .filter(|image| image.acknowledged == 1)
        .collect();
    assert!(!after.is_empty(), "there are images after the append");
    for image in after {
        let scene = materialise_in_place(image, original);
        let path = scene.path("j");
        scene::journal(&path).append(b"{\"next\":true}").unwrap();
        let read = whole_records(&path, &image.what);
        let there = read.iter().any(|value| value["n"] == 1);
        assert!(there, "{end}: {}: {read:?}", image.what);
    }
}

/// `sync` covers all that is in the file, whichever process wrote it, also if the file
/// is no longer than at the sync before.
#[test]
fn what_a_sync_covers_survives() {
    let scene = Scene::quick();
    let path = scene.path("j");
    let found = images(&scene, |acknowledged| {
        let journal = scene::journal(&path);
        for n in 0..3 {
            journal.append(record(n).as_bytes()).unwrap();
            journal.sync().unwrap();
            *acknowledged.borrow_mut() += 1;
        }
        // Another writes, and the one that syncs has written nothing since.
        for n in 3..5 {
            scene::journal(&path).append(record(n).as_bytes()).unwrap();
            journal.sync().unwrap();
            *acknowledged.borrow_mut() += 1;
        }
        // Its last record is changed where it is.
        let end = bytes(&path).len();
        let changed = record(4).replace("\"n\":4", "\"n\":7");
        scene::patch(&path, end - changed.len() - 1, changed.as_bytes());
        journal.sync().unwrap();
        *acknowledged.borrow_mut() += 1;
    });
    for image in &found {
        let after = materialise(image);
        let path = after.path("j");
        scene::journal(&path).append(b"{\"next\":true}").unwrap();
        let all: Vec<_> = String::from_utf8_lossy(&bytes(&path))
            .lines()
            .map(str::to_owned)
            .collect();
        for n in 0..image.acknowledged.min(4) {
            assert!(all.contains(&record(n)), "{}: {n}", image.what);
        }
        if image.acknowledged == 6 {
            assert!(all[4].starts_with("{\"n\":7"), "{}: {}", image.what, all[4]);
        }
    }
}

#[test]
fn a_repair_loses_nothing() {
    let torn = "{\"n\":1,\"torn";
    let scene = Scene::new();
    let path = scene.with("j", format!("{}\n{torn}", record(0)));
    let found = images(&scene, |acknowledged| {
        Journal::open(&path)
            .unwrap()
            .append(record(1).as_bytes())
            .unwrap();
        *acknowledged.borrow_mut() += 1;
    });
    for image in &found {
        let after = materialise(image);
        let path = after.path("j");
        Journal::open(&path).unwrap().append(b"{\"n\":2}").unwrap();
        let read = records(&path);
        assert_eq!(read[0]["n"], 0, "{}", image.what);
        assert!(
            image.acknowledged == 0 || read[1]["n"] == 1,
            "{}",
            image.what
        );
        let kept = String::from_utf8(bytes(&after.path("j.torn"))).unwrap();
        assert!(kept.contains(torn), "{}: {kept:?}", image.what);
    }
}

#[test]
fn a_document_is_its_old_value_or_its_new_one() {
    for old in [None, Some("{\"old\":true}")] {
        let scene = Scene::new();
        if let Some(old) = old {
            scene.with("d", old);
        }
        let new = "{\"new\":true,\"and\":\"longer\"}";
        let found = images(&scene, |acknowledged| {
            Document::open(scene.path("d"))
                .unwrap()
                .save(new.as_bytes())
                .unwrap();
            *acknowledged.borrow_mut() += 1;
        });
        for image in &found {
            let now = image
                .files
                .get("d")
                .map(|bytes| std::str::from_utf8(bytes).unwrap());
            assert!(
                now == Some(new) || now == old && image.acknowledged == 0,
                "{}: {now:?}",
                image.what
            );
        }
    }
}

/// The recovery record as it is after the machine has started again.
fn restarted(redo: &[u8]) -> Vec<u8> {
    let mut redo = redo.to_vec();
    if redo.len() >= 128 {
        let (block, checksum) = redo[64..128].split_at_mut(60);
        if crc32c::crc32c(block).to_le_bytes() == *checksum {
            block[40] ^= 0xff;
            checksum.copy_from_slice(&crc32c::crc32c(block).to_le_bytes());
        }
    }
    redo
}

#[test]
fn a_document_that_is_saved_in_place_is_its_old_value_or_its_new_one() {
    let old = "{\"old\":true}";
    let long = format!("{{\"old\":\"{}\"}}", "x".repeat(5000));
    let new = format!("{{\"new\":true,\"and\":\"{}\"}}", "y".repeat(2000));
    for old in [None, Some(old), Some(&long)] {
        let scene = Scene::new();
        if let Some(old) = old {
            scene.with("d", old);
        }
        let open = |path: &Path| {
            Document::options()
                .scheme(Scheme::InPlace)
                .open(path)
                .unwrap()
        };
        let found = images(&scene, |acknowledged| {
            open(&scene.path("d")).save(new.as_bytes()).unwrap();
            *acknowledged.borrow_mut() += 1;
        });
        for image in &found {
            let after = materialise(image);
            if let Some(redo) = image.files.get("d.redo") {
                after.with("d.redo", restarted(redo));
            }
            let path = after.path("d");
            let good =
                |now: Option<&str>| now == Some(&new) || now == old && image.acknowledged == 0;
            let read = match open(&path).load() {
                Ok((bytes, _)) => Some(String::from_utf8(bytes).unwrap()),
                Err(error) if error.kind() == ErrorKind::NotFound => None,
                Err(error) => panic!("{}: {error}", image.what),
            };
            assert!(good(read.as_deref()), "{}: {read:?}", image.what);
            let settled = FileLock::options().scheme(Scheme::InPlace).acquire(&path);
            drop(settled.unwrap());
            let now = String::from_utf8(bytes(&path)).unwrap();
            let now = Some(&*now).filter(|now| !now.is_empty());
            assert!(good(now), "{}: {now:?}", image.what);
        }
    }
}
