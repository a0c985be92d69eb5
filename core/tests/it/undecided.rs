//! Readers and undecided records: an append of many that is under way, or whose writer
//! died before its end. No reader sees a part of it, whenever and by whichever process
//! it is undone. All that was seen stays.

use std::cell::Cell;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use crate::scene;
use crate::scene::death::dies_within_a_write;
use crate::scene::lane::{every, rounds, start_and_step};
use crate::scene::{Scene, bytes};
use untorn::fault::{Op, Plan, Verdict};
use untorn::{
    CallOptions, DamageKind, Durability, ErrorKind, FollowItem, Format, Journal, JournalOptions,
    Position, Scheme,
};

fn options() -> JournalOptions {
    Journal::options().durability(Durability::Process)
}

/// Every kind of journal whose dead writers leave a part of an append.
fn kinds() -> Vec<(&'static str, JournalOptions)> {
    let mut kinds = vec![
        ("plain", options()),
        ("sealed", options().sealed(true)),
        ("in place", options().scheme(Scheme::InPlace)),
    ];
    if cfg!(windows) {
        // There a lock on the data stops readers, and a death that is played leaves the
        // lock of this process on the file.
        kinds.pop();
    }
    kinds
}

fn batch(records: usize, length: usize) -> Vec<String> {
    let pad = "B".repeat(length);
    (0..records)
        .map(|n| format!("{{\"never\":{n},\"pad\":\"{pad}\"}}"))
        .collect()
}

fn is_journal(path: Option<&Path>) -> bool {
    path.and_then(Path::file_name)
        .is_some_and(|name| name == "j")
}

/// A writer that dies in an append of many when so many bytes of it are there.
fn die_in(options: &JournalOptions, path: &Path, batch: &[String], part: usize) {
    let journal = options.clone().open(path).unwrap();
    let plan = dies_within_a_write(path, part);
    // The dead process does not learn whether it fails.
    let _ = plan.run(|| journal.append_all(batch));
}

/// Two records, then a part of an append whose writer is dead.
fn dead(scene: &Scene, options: &JournalOptions, batch: &[String], part: usize) -> Journal {
    let path = scene.path("j");
    let journal = options.clone().open(&path).unwrap();
    journal.append(b"[0]").unwrap();
    journal.append(b"[1]").unwrap();
    die_in(options, &path, batch, part);
    journal
}

/// What one way of reading shows: the records, or where the journal ends.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Shown {
    Records(Vec<String>),
    Counted {
        records: usize,
        end: u64,
        damage: Vec<(DamageKind, u64)>,
    },
    End(u64),
}

type Reading = fn(&Journal) -> Shown;

const READINGS: [(&str, Reading); 6] = [
    ("records", |journal| {
        Shown::Records(texts(journal.records().unwrap()))
    }),
    ("records from the start", |journal| {
        let start = Position {
            offset: 0,
            ..journal.end().unwrap()
        };
        Shown::Records(texts(journal.records_from(start).unwrap()))
    }),
    ("tail", |journal| {
        let tail = journal.tail(100_000).unwrap();
        Shown::Records(tail.into_iter().map(|record| text(record.bytes)).collect())
    }),
    ("follow", |journal| {
        let start = Position {
            generation: 0,
            offset: 0,
        };
        let mut follow = journal.follow(Some(start)).unwrap();
        let now = CallOptions::new().timeout(Some(Duration::ZERO));
        let mut seen = Vec::new();
        while let Some(followed) = follow.next(&now).unwrap() {
            match followed {
                FollowItem::Record(record) => seen.push(text(record.bytes)),
                other => panic!("nothing is undone that was seen: {other:?}"),
            }
        }
        Shown::Records(seen)
    }),
    ("verify", |journal| {
        let report = journal.verify().unwrap();
        Shown::Counted {
            records: report.records as usize,
            end: report.end.offset,
            damage: report.damage.iter().map(|d| (d.kind, d.offset)).collect(),
        }
    }),
    ("end", |journal| Shown::End(journal.end().unwrap().offset)),
];

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

fn texts(records: untorn::Records) -> Vec<String> {
    records.map(|record| text(record.unwrap().bytes)).collect()
}

impl Shown {
    /// Whether it is a journal of just these records, which ends here. Behind the end
    /// may be a tail.
    fn is(&self, records: &[String], end: u64) -> bool {
        match self {
            Shown::Records(shown) => shown == records,
            Shown::End(shown) => *shown == end,
            Shown::Counted {
                records: count,
                end: shown,
                damage,
            } => {
                let tail_only = damage.iter().all(|d| *d == (DamageKind::TornTail, end));
                (*count, *shown) == (records.len(), end) && tail_only
            }
        }
    }
}

fn short(shown: &Shown) -> String {
    let all = format!("{shown:?}");
    all.chars().take(300).collect()
}

#[test]
fn a_part_of_an_append_is_not_there_and_all_of_it_is() {
    for (kind, options) in kinds() {
        for batch in [batch(5, 10), batch(300, 1000)] {
            let whole = Scene::quick();
            let start = {
                let journal = dead(&whole, &options, &[], 0);
                let start = journal.end().unwrap();
                journal.append_all(&batch).unwrap();
                start.offset
            };
            let length = bytes(&whole.path("j")).len() as u64 - start;
            let line = length as usize / batch.len();
            let parts = [
                1,
                7,
                line,
                line + 3,
                3 * line,
                length as usize - 1,
                length as usize,
            ];
            for part in every(3, parts) {
                let what = format!("{kind}, {part} of {length} bytes");
                let scene = Scene::quick();
                let journal = dead(&scene, &options, &batch, part);
                let there = bytes(&scene.path("j")).len() as u64;
                assert_eq!(there, start + part as u64, "{what}: the writer died there");
                let mut records = vec!["[0]".to_owned(), "[1]".to_owned()];
                let mut end = start;
                if part as u64 == length {
                    records.extend(batch.iter().cloned());
                    end += length;
                }
                for handle in [&journal, &options.clone().open(scene.path("j")).unwrap()] {
                    for (name, reading) in READINGS {
                        let shown = reading(handle);
                        assert!(shown.is(&records, end), "{what}, {name}: {}", short(&shown));
                    }
                    assert_eq!(handle.verify().unwrap().bytes, there, "{what}");
                    let position = handle.end().unwrap();
                    assert_eq!(handle.records_from(position).unwrap().count(), 0, "{what}");
                    let mut follow = handle.follow(None).unwrap();
                    assert_eq!(follow.position(), position);
                    let now = CallOptions::new().timeout(Some(Duration::ZERO));
                    assert_eq!(follow.next(&now).unwrap(), None, "{what}");
                }
                // A place in the middle of it is none.
                if part >= line && (part as u64) < length {
                    let inside = Position {
                        offset: start + line as u64,
                        ..journal.end().unwrap()
                    };
                    let refused = journal.records_from(inside).err().map(|e| e.kind());
                    assert_eq!(refused, Some(ErrorKind::Conflict), "{what}");
                    let refused = journal.follow(Some(inside)).err().map(|e| e.kind());
                    assert_eq!(refused, Some(ErrorKind::Conflict), "{what}");
                }
                // What was read is what the next append finds. (In place the part is
                // not undone but finished: then it says that there is more.)
                let expected = journal.end().unwrap();
                if let Err(error) = journal.append_at(expected, ["[2]"]) {
                    assert_eq!(error.kind(), ErrorKind::Conflict, "{what}: {error}");
                    assert_eq!(kind, "in place", "{what}");
                    records.extend(batch.iter().cloned());
                    journal.append(b"[2]").unwrap();
                }
                records.push("[2]".to_owned());
                for (name, reading) in READINGS {
                    let shown = reading(&journal);
                    let end = journal.end().unwrap().offset;
                    assert!(
                        shown.is(&records, end),
                        "{what}, then {name}: {}",
                        short(&shown)
                    );
                }
            }
        }
    }
}

/// Nothing of the dead append is in the file, so the next locker leaves it as it is.
#[test]
fn what_others_append_in_place_of_a_dead_append_is_there() {
    for (kind, options) in kinds() {
        for before in [true, false] {
            let scene = Scene::quick();
            let path = scene.path("j");
            let journal = options.clone().open(&path).unwrap();
            let mut records = Vec::new();
            if before {
                journal.append(b"[0]").unwrap();
                records.push("[0]".to_owned());
            }
            die_in(&options, &path, &batch(5, 10), 0);
            let mut other = std::fs::OpenOptions::new()
                .append(true)
                .open(&path)
                .unwrap();
            other.write_all(b"[1]\n").unwrap();
            records.push("[1]".to_owned());
            let shown_by_all = |records: &[String]| {
                let end = bytes(&path).len() as u64;
                for (name, reading) in READINGS {
                    let shown = reading(&journal);
                    let what = format!("{kind}, before {before}, {name}: {}", short(&shown));
                    assert!(shown.is(records, end), "{what}");
                }
            };
            shown_by_all(&records);
            journal.append(b"[2]").unwrap();
            records.push("[2]".to_owned());
            shown_by_all(&records);
        }
    }
}

/// A power cut takes the note in the lock file away as well; the seals are left.
#[test]
fn a_sealed_append_without_its_end_is_not_there() {
    let scene = Scene::quick();
    let path = scene.path("j");
    let journal = options().sealed(true).open(&path).unwrap();
    journal.append(b"[0]").unwrap();
    let start = journal.append(b"[1]").unwrap().offset;
    journal.append_all(batch(5, 10)).unwrap();
    let whole = bytes(&path);
    let lock = scene.path("j.lock");
    for length in every(5, start as usize + 1..whole.len()) {
        for tail in [&b""[..], b"\0\0\0", b"\0\0\n"] {
            std::fs::write(&path, [&whole[..length], tail].concat()).unwrap();
            std::fs::write(&lock, b"").unwrap();
            let journal = options().sealed(true).open(&path).unwrap();
            let records = ["[0]".to_owned(), "[1]".to_owned()];
            for (name, reading) in READINGS {
                let shown = reading(&journal);
                assert!(
                    shown.is(&records, start),
                    "{length} bytes, {tail:?}, {name}: {}",
                    short(&shown)
                );
            }
            let expected = journal.end().unwrap();
            if let Err(error) = journal.append_at(expected, ["[2]"]) {
                // Only its last newline is missing: then it is completed.
                assert_eq!(error.kind(), ErrorKind::Conflict, "{length} bytes: {error}");
                assert_eq!(length, whole.len() - 1, "{tail:?}");
            }
        }
    }
}

/// Readers look before each call that the writer makes after a first, short write.
#[test]
fn while_it_is_written_it_is_there_whole_or_not_at_all() {
    for (kind, options) in kinds() {
        let scene = Scene::quick();
        let journal = dead(&scene, &options, &[], 0);
        let batch = batch(8, 100);
        let (mut began, looks) = (false, Rc::new(Cell::new((0, 0))));
        let reader = options.clone().open(scene.path("j")).unwrap();
        let (whole, seen) = (batch.clone(), Rc::clone(&looks));
        let plan = Plan::new().judge(move |call| {
            let write = call.op == Op::Write && is_journal(call.path);
            if !began && write {
                began = true;
                return Verdict::Short(420);
            }
            if began {
                let mut records = vec!["[0]".to_owned(), "[1]".to_owned()];
                let (mut none, mut all) = seen.get();
                for (name, reading) in READINGS {
                    let shown = reading(&reader);
                    let end = reader.end().unwrap().offset;
                    records.truncate(2);
                    if shown.is(&records, end) {
                        none += 1;
                        continue;
                    }
                    records.extend(whole.iter().cloned());
                    assert!(shown.is(&records, end), "{kind}, {name}: {}", short(&shown));
                    all += 1;
                }
                seen.set((none, all));
            }
            Verdict::Go
        });
        let (result, _) = plan.run(|| journal.append_all(&batch));
        result.unwrap();
        let (none, all) = looks.get();
        assert!(none > 0 && all > 0, "{kind}: before {none}, after {all}");
    }
}

/// What others do to the part of an append, in the moment before one of the reader's
/// calls.
#[derive(Clone, Copy, Debug)]
enum Meanwhile {
    Undone,
    /// And more than it was takes its place.
    Replaced,
    /// And another writer dies in another append.
    AnotherDies,
}

#[test]
fn it_is_undone_before_any_of_a_readers_calls() {
    each_reading(Meanwhile::Undone);
}

#[test]
fn it_is_replaced_before_any_of_a_readers_calls() {
    each_reading(Meanwhile::Replaced);
}

#[test]
fn another_dies_in_its_place_before_any_of_a_readers_calls() {
    each_reading(Meanwhile::AnotherDies);
}

fn each_reading(meanwhile: Meanwhile) {
    // More than what is near the end of a file.
    let large = batch(1500, 1000);
    for (kind, options) in kinds() {
        for (size, batch) in [("small", &large[..5]), ("large", &large[..])] {
            if size == "large" && kind != "plain" {
                // How far it is from the end makes no difference to these.
                continue;
            }
            for (name, reading) in READINGS {
                let what = format!("{kind}, {meanwhile:?}, {size}, {name}");
                each_moment(&what, kind, &options, batch, meanwhile, reading);
            }
        }
    }
}

fn each_moment(
    what: &str,
    kind: &str,
    options: &JournalOptions,
    batch: &[String],
    meanwhile: Meanwhile,
    reading: Reading,
) {
    let part = batch.iter().map(String::len).sum::<usize>() - 5;
    // A reader of many records makes thousands of calls.
    let (mut moment, step) = start_and_step(if batch.len() > 5 { 120 } else { 12 });
    loop {
        let scene = Scene::quick();
        let path = scene.path("j");
        let journal = dead(&scene, options, batch, part);
        let start = journal.end().unwrap().offset;
        let fresh: Vec<String> = match meanwhile {
            Meanwhile::Replaced => batch.iter().map(|line| format!("[{line}]")).collect(),
            _ => vec!["[2]".to_owned()],
        };
        let other = options.clone().open(&path).unwrap();
        let done = Rc::new(Cell::new(None));
        let (end, new, options, another) = (
            Rc::clone(&done),
            fresh.clone(),
            options.clone(),
            batch.to_vec(),
        );
        let plan = Plan::new().before(move |call| {
            if call.number == moment {
                end.set(Some(other.append_all(&new).unwrap().offset));
                if matches!(meanwhile, Meanwhile::AnotherDies) {
                    die_in(&options, &path, &another, part);
                }
            }
        });
        let (shown, calls) = plan.run(|| reading(&journal));
        let Some(end) = done.get() else {
            assert!(moment >= calls.len() && moment > 3, "{what}: {calls:?}");
            return;
        };
        let before = ["[0]".to_owned(), "[1]".to_owned()];
        // In place it is not undone, but finished.
        let finished = match kind {
            "in place" => batch,
            _ => &[],
        };
        let after = [&before[..], finished, &fresh[..]].concat();
        assert!(
            shown.is(&before, start) || shown.is(&after, end),
            "{what}, before call {moment} of {calls:?}: {}",
            short(&shown)
        );
        moment += step;
    }
}

#[test]
fn what_a_transaction_or_a_header_brings_is_there_whole_or_not_at_all() {
    let open = |scene: &Scene| {
        let options = options().header_prefix("{\"h\":");
        options.open(scene.path("j"))
    };
    let set_up = |scene: &Scene| {
        let journal = open(scene).unwrap();
        journal.set_header(b"{\"h\":0}").unwrap();
        journal.append(b"[0]").unwrap();
    };
    let lines = batch(20, 50);
    let check = |scene: &Scene, what: &str| {
        let journal = open(scene).unwrap();
        let none = vec!["[0]".to_owned()];
        let all = [&none[..], &lines[..]].concat();
        let shown: Vec<_> = READINGS[..4]
            .iter()
            .map(|(_, reading)| reading(&journal))
            .collect();
        let whole = shown[0].is(&all, 0);
        let records = if whole { &all } else { &none };
        for (shown, (name, _)) in shown.iter().zip(READINGS) {
            assert!(shown.is(records, 0), "{what}, {name}: {}", short(shown));
        }
    };
    each_death(
        set_up,
        |scene| {
            open(scene)?
                .append_with_header(b"{\"h\":1}", &lines)
                .map(drop)
        },
        check,
    );
    each_death(
        set_up,
        |scene| {
            let mut transaction = untorn::Transaction::options()
                .durability(Durability::Process)
                .begin(scene.dir())?;
            transaction.append("j", &lines)?;
            transaction.save("other", b"1")?;
            transaction.commit()
        },
        check,
    );
}

/// `work` dies before each of its calls, and in the middle of each of its writes.
fn each_death(
    set_up: impl Fn(&Scene),
    work: impl Fn(&Scene) -> untorn::Result<()>,
    check: impl Fn(&Scene, &str),
) {
    let calls = scene::faults::calls(&set_up, &work);
    for (n, op) in calls.iter().enumerate() {
        let parts: &[Option<usize>] = match op {
            Op::Write => &[None, Some(1), Some(70), Some(200)],
            _ => &[None],
        };
        for part in parts {
            let plan = match part {
                None => Plan::new().die(n),
                Some(part) => Plan::new().short(n, *part).die(n + 1),
            };
            let scene = Scene::quick();
            set_up(&scene);
            // The dead process does not learn whether it fails.
            let _ = plan.run(|| work(&scene));
            check(&scene, &format!("call {n}, {op:?}, {part:?}"));
        }
    }
}

/// What was read can still be taken away by a program that takes no lock. Then a
/// reader says so, rather than go on where no line begins.
#[test]
fn what_was_passed_is_gone() {
    for format in [Format::Json, Format::Lines] {
        let scene = Scene::quick();
        let line = format!("{{\"old\":\"{}\"}}\n", "B".repeat(989));
        let path = scene.with("j", line.repeat(2000));
        let journal = options().format(format).open(&path).unwrap();
        let mut records = journal.records().unwrap();
        for _ in 0..10 {
            let record = records.next_record().unwrap().expect("a record");
            assert_eq!(record.bytes, line.trim_end().as_bytes());
        }
        let mut file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
        file.set_len(line.len() as u64).unwrap();
        file.seek(SeekFrom::End(0)).unwrap();
        let new = format!("{{\"new\":\"{}\"}}\n", "C".repeat(1489));
        file.write_all(new.repeat(3000).as_bytes()).unwrap();
        let error = loop {
            match records.next_record() {
                Ok(Some(record)) => assert_eq!(record.bytes, line.trim_end().as_bytes()),
                Ok(None) => panic!("{format:?}: it came to an end as if nothing had happened"),
                Err(error) => break error,
            }
        };
        assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
        assert_eq!(records.damage(), []);
        // A follower reports it, and begins again.
        let mut follow = journal.follow(Some(journal.end().unwrap())).unwrap();
        let end = follow.position();
        file.set_len(0).unwrap();
        file.rewind().unwrap();
        file.write_all(line.repeat(6000).as_bytes()).unwrap();
        let now = CallOptions::new().timeout(Some(Duration::ZERO));
        let to = Position { offset: 0, ..end };
        assert_eq!(
            follow.next(&now).unwrap(),
            Some(FollowItem::Rewound { from: end, to })
        );
    }
}

/// Batches that die, fail or succeed, one after another, and readers all the while.
/// Each record says of which batch it is, and how many that has.
#[test]
fn among_writers_that_die_all_the_time() {
    for (kind, options) in kinds() {
        let scene = Scene::quick();
        let path = scene.path("j");
        let writer = options.clone().open(&path).unwrap();
        writer.append(b"[0,0,1]").unwrap();
        let stop = AtomicBool::new(false);
        let looks = AtomicUsize::new(0);
        std::thread::scope(|threads| {
            threads.spawn(|| {
                let lengths = [10, 700, 3000];
                for id in 1..rounds(60, 150) as usize {
                    let n = 3 + id * 7 % 50;
                    let pad = "x".repeat(lengths[id % 3]);
                    let batch: Vec<_> = (0..n)
                        .map(|k| format!("[{id},{k},{n},\"{pad}\"]"))
                        .collect();
                    let length: usize = batch.iter().map(|line| line.len() + 1).sum();
                    match id % 4 {
                        0 => drop(writer.append_all(&batch).unwrap()),
                        1 => die_in(&options, &path, &batch, length / 2),
                        2 => die_in(&options, &path, &batch, length - 1),
                        _ => {
                            // The disk is full in the middle of it.
                            let mut first = true;
                            let plan = Plan::new().judge(move |call| {
                                if call.op != Op::Write || !is_journal(call.path) {
                                    return Verdict::Go;
                                }
                                match std::mem::take(&mut first) {
                                    true => Verdict::Short(length / 2),
                                    false => Verdict::Fail(libc::ENOSPC),
                                }
                            });
                            let (result, _) = plan.run(|| writer.append_all(&batch));
                            result.unwrap_err();
                        }
                    }
                    // One that settles, often of a length that leaves the same end.
                    let single = format!("[{},0,1,\"{}\"]", 1000 + id, "y".repeat(length / 2));
                    writer.append(single.as_bytes()).unwrap();
                }
                stop.store(true, Ordering::Relaxed);
            });
            for _ in 0..2 {
                threads.spawn(|| {
                    let journal = options.clone().open(&path).unwrap();
                    let mut from = journal.end().unwrap();
                    while !stop.load(Ordering::Relaxed) {
                        let records = journal.records_from(from).unwrap();
                        let seen = whole_batches(kind, texts(records));
                        let tail = journal.tail(60).unwrap();
                        let tail = tail.into_iter().map(|record| text(record.bytes));
                        whole_batches(kind, tail.skip_while(|line| !line.contains(",0,")));
                        if seen > 3 {
                            from = journal.end().unwrap();
                        }
                        looks.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
            threads.spawn(|| {
                let journal = options.clone().open(&path).unwrap();
                let mut follow = journal.follow(Some(journal.end().unwrap())).unwrap();
                let now = CallOptions::new().timeout(Some(Duration::ZERO));
                let mut seen = Vec::new();
                while !stop.load(Ordering::Relaxed) {
                    match follow.next(&now).unwrap() {
                        None => {}
                        Some(FollowItem::Record(record)) => seen.push(text(record.bytes)),
                        Some(other) => panic!("{kind}: {other:?}"),
                    }
                }
                while let Some(FollowItem::Record(record)) = follow.next(&now).unwrap() {
                    seen.push(text(record.bytes));
                }
                whole_batches(kind, seen);
            });
        });
        assert!(looks.load(Ordering::Relaxed) > 0);
        let report = options.clone().open(&path).unwrap().verify().unwrap();
        assert_eq!(report.damage, [], "{kind}");
    }
}

/// How many batches these are, all of them whole.
fn whole_batches(kind: &str, lines: impl IntoIterator<Item = String>) -> usize {
    let (mut count, mut expected) = (0, None);
    for line in lines {
        let value: serde_json::Value = serde_json::from_str(&line).expect("a whole record");
        let number = |at: usize| value[at].as_u64().expect("a number");
        let (id, k, n) = (number(0), number(1), number(2));
        match expected {
            None => assert_eq!(k, 0, "{kind}: begins in the middle of batch {id}"),
            Some(next) => assert_eq!(next, (id, k, n), "{kind}"),
        }
        expected = (k + 1 < n).then_some((id, k + 1, n));
        count += usize::from(expected.is_none());
    }
    assert_eq!(expected, None, "{kind}: ends in the middle of a batch");
    count
}
