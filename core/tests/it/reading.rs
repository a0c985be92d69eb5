//! Reading: what is yielded, what is reported, and what a reader sees that takes
//! no lock while others append, roll back and repair.

use std::collections::BTreeSet;
use std::io::{Seek, Write};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::scene::lane::rounds;
use crate::scene::{Scene, bytes, torn};
use untorn::fault::{Op, Plan};
use untorn::{CallOptions, CancelToken, DamageKind, Durability, ErrorKind, Format, Journal};

fn kinds(journal: &Journal) -> Vec<(DamageKind, u64, u64)> {
    let mut records = journal.records().unwrap();
    while records.next_record().unwrap().is_some() {}
    records
        .damage()
        .iter()
        .map(|d| (d.kind, d.offset, d.length))
        .collect()
}

fn texts(journal: &Journal) -> Vec<String> {
    journal
        .records()
        .unwrap()
        .map(|record| String::from_utf8(record.unwrap().bytes).unwrap())
        .collect()
}

#[test]
fn lines_blank_lines_and_damage() {
    let scene = Scene::new();
    let path = scene.with(
        "j",
        b"{\"a\":1}\r\n\n  \t\r\n\"\xe2\x80\xa8\"\n\0\0\0{\"lost\":1\n[2]\n\0\0\n[3]\n{\"torn\":",
    );
    let journal = Journal::open(&path).unwrap();
    assert_eq!(texts(&journal), ["{\"a\":1}", "\"\u{2028}\"", "[2]", "[3]"]);
    assert_eq!(
        kinds(&journal),
        [
            (DamageKind::NulRun, 21, 13),
            (DamageKind::NulRun, 38, 3),
            (DamageKind::TornTail, 45, 8),
        ]
    );
    let report = journal.verify().unwrap();
    assert_eq!(
        (report.records, report.damage_count, report.bytes),
        (4, 3, 53)
    );
    assert_eq!(report.end.offset, 45);
    let tail: Vec<_> = journal
        .tail(3)
        .unwrap()
        .into_iter()
        .map(|r| r.bytes)
        .collect();
    assert_eq!(tail, ["\"\u{2028}\"".as_bytes(), b"[2]", b"[3]"]);
}

#[test]
fn every_length_of_line_across_every_border() {
    // Lines round the size of the reader's buffer, and several times it.
    let scene = Scene::new();
    let chunk = 256 * 1024;
    for around in [1, 700, chunk / 2, chunk - 8, chunk, chunk + 1, 3 * chunk] {
        let mut expected = Vec::new();
        for n in 0..12 {
            expected.push(format!("\"{}{}\"", "x".repeat(around), "y".repeat(n)));
            expected.push("[]".to_owned());
        }
        let path = scene.with("j", expected.join("\n") + "\n");
        let journal = Journal::open(&path).unwrap();
        assert_eq!(texts(&journal), expected, "{around}");
        let mut start = 0;
        for (record, text) in journal.records().unwrap().zip(&expected) {
            let record = record.unwrap();
            assert_eq!(record.start.offset, start);
            start += text.len() as u64 + 1;
            assert_eq!(record.end.offset, start);
            let from = journal
                .records_from(record.start)
                .unwrap()
                .next()
                .unwrap()
                .unwrap();
            assert_eq!(from, record);
        }
        for n in [0, 1, 2, 5, 24, 100] {
            let tail = journal.tail(n).unwrap();
            let from = expected.len().saturating_sub(n);
            let tail: Vec<_> = tail
                .into_iter()
                .map(|r| String::from_utf8(r.bytes).unwrap())
                .collect();
            assert_eq!(tail, expected[from..], "{around}, tail({n})");
        }
    }
}

#[test]
fn lines_that_are_too_long_are_skipped_in_constant_memory() {
    let scene = Scene::new();
    let long = "x".repeat(3 << 20);
    let path = scene.with(
        "j",
        format!(
            "[1]\n\"{long}\"\n[2]\n\"{}\"\n[3]\n\"{long}",
            "y".repeat(2000)
        ),
    );
    let journal = Journal::options().max_record(1000).open(&path).unwrap();
    assert_eq!(texts(&journal), ["[1]", "[2]", "[3]"]);
    let found: Vec<_> = kinds(&journal).into_iter().map(|(kind, ..)| kind).collect();
    assert_eq!(
        found,
        [
            DamageKind::TooLong,
            DamageKind::TooLong,
            DamageKind::TornTail
        ]
    );
    assert_eq!(journal.tail(2).unwrap()[0].bytes, b"[2]");
    let error = journal
        .append(format!("\"{}\"", "z".repeat(999)).as_bytes())
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LimitExceeded);
    journal
        .append(format!("\"{}\"", "z".repeat(998)).as_bytes())
        .unwrap();
}

#[test]
fn positions_that_are_not_of_this_file() {
    let scene = Scene::new();
    let path = scene.path("j");
    let journal = Journal::open(&path).unwrap();
    let nothing = journal.end().unwrap();
    assert_eq!((nothing.generation, nothing.offset), (0, 0));
    assert_eq!(journal.append_at(nothing, ["[1]"]).unwrap().offset, 4);
    let error = journal.append_at(nothing, ["[1]"]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    let gone = Journal::open(scene.path("gone")).unwrap();
    gone.append_all(Vec::<&str>::new()).unwrap();
    let refused = gone
        .append_at(error.position().unwrap(), ["[1]"])
        .unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Conflict);
    assert!(
        !gone.path().exists(),
        "nothing was appended, so nothing was made"
    );
    let end = journal.end().unwrap();
    assert_eq!(error.position(), Some(end));
    assert_eq!(journal.append_at(end, ["[2]", "[3]"]).unwrap().offset, 12);
    assert_eq!(journal.records_from(end).unwrap().count(), 2);
    for offset in [5, 13] {
        let odd = untorn::Position { offset, ..end };
        assert_eq!(
            journal.records_from(odd).err().unwrap().kind(),
            ErrorKind::Conflict
        );
    }
    // Another file of the same name and length, with the same inode number as
    // often as not.
    let whole = bytes(&path);
    std::fs::remove_file(&path).unwrap();
    std::fs::write(&path, whole).unwrap();
    let end = journal.end().unwrap();
    let old = untorn::Position {
        generation: error.position().unwrap().generation,
        ..end
    };
    assert_ne!(old.generation, end.generation);
    assert_eq!(
        journal.append_at(old, ["[4]"]).unwrap_err().kind(),
        ErrorKind::Conflict
    );
    assert_eq!(
        journal.records_from(old).err().unwrap().kind(),
        ErrorKind::Conflict
    );
    journal.append_at(end, ["[4]"]).unwrap();
}

#[test]
fn limits_say_where_to_read_on() {
    let scene = Scene::new();
    let path = scene.with("j", "[1]\n[2]\n[3]\n");
    let journal = Journal::open(&path).unwrap();
    let mut limited = journal.records().unwrap().limits(Some(2), None);
    assert!(limited.next_record().unwrap().is_some());
    assert!(limited.next_record().unwrap().is_some());
    let error = limited.next_record().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LimitExceeded);
    let on = error.position().unwrap();
    assert_eq!(
        journal
            .records_from(on)
            .unwrap()
            .next()
            .unwrap()
            .unwrap()
            .bytes,
        b"[3]"
    );
    let mut exact = journal.records().unwrap().limits(Some(3), Some(9));
    while exact.next_record().unwrap().is_some() {}
    let error = journal
        .records()
        .unwrap()
        .limits(None, Some(8))
        .find_map(Result::err)
        .unwrap();
    assert_eq!(error.kind(), ErrorKind::LimitExceeded);
}

#[test]
fn damage_that_is_taken_is_never_too_much() {
    let scene = Scene::new();
    let path = scene.with("j", "\0\n[1]\n".repeat(3000));
    let journal = Journal::open(&path).unwrap();
    let mut records = journal.records().unwrap();
    let mut taken = Vec::new();
    while records.next_record().unwrap().is_some() {
        taken.extend(records.take_damage());
    }
    let offsets: Vec<_> = taken.iter().map(|damage| damage.offset).collect();
    assert_eq!(offsets, (0..3000).map(|n| n * 6).collect::<Vec<_>>());
    assert_eq!(records.damage_count(), 3000);
    // Left alone, the list stays short.
    let mut records = journal.records().unwrap();
    while records.next_record().unwrap().is_some() {}
    assert_eq!(
        (records.damage().len(), records.damage_count()),
        (1024, 3000)
    );
}

#[test]
fn plain_lines() {
    let scene = Scene::new();
    let path = scene.path("log");
    let log = Journal::options()
        .format(Format::Lines)
        .open(&path)
        .unwrap();
    log.append(b"not json \xff").unwrap();
    for bad in [&b""[..], b"a\nb", b"a\0b", b"ends\r", b" \t "] {
        assert_eq!(
            log.append(bad).unwrap_err().kind(),
            ErrorKind::InvalidRecord,
            "{bad:?}"
        );
    }
    std::fs::OpenOptions::new()
        .append(true)
        .open(&path)
        .unwrap()
        .write_all(b"torn")
        .unwrap();
    log.append(b"next").unwrap();
    assert_eq!(bytes(&path), b"not json \xff\nnext\n");
    assert_eq!(torn(&path), [(11, b"torn".to_vec())]);
    assert_eq!(log.verify().unwrap().records, 2);
}

/// A record that tells whether it is whole: its text is one letter, repeated.
fn marked(letter: char, length: usize) -> String {
    format!("\"{}\"", letter.to_string().repeat(length))
}

fn is_marked(record: &[u8]) -> bool {
    record.len() >= 3
        && record.first() == Some(&b'"')
        && record.last() == Some(&b'"')
        && record[1..record.len() - 1]
            .iter()
            .all(|byte| *byte == record[1])
}

#[test]
fn a_reader_never_yields_what_nobody_wrote() {
    // The file's end changes all the time under the reader: torn tails appear
    // and are repaired, appends are rolled back, others follow in their place.
    let scene = Scene::new();
    let path = scene.with("j", "");
    let stop = AtomicBool::new(false);
    std::thread::scope(|threads| {
        threads.spawn(|| {
            let journal = Journal::options()
                .durability(Durability::Process)
                .open(&path)
                .unwrap();
            let mut file = std::fs::OpenOptions::new()
                .append(true)
                .open(&path)
                .unwrap();
            for round in 0..rounds(100, 400) {
                let letter = char::from(b'a' + (round % 26) as u8);
                let length = [50, 5_000, 70_000][round as usize % 3];
                // A tail as a killed writer leaves it, without the lock.
                let record = marked(letter, length);
                file.write_all(&record.as_bytes()[..length / 2]).unwrap();
                journal
                    .append(marked(letter.to_ascii_uppercase(), length / 2 + 7).as_bytes())
                    .unwrap();
                // A batch that fails after a part of it.
                let (result, calls) = Plan::new().run(|| journal.append(b"[]"));
                result.unwrap();
                let write = calls.iter().position(|op| *op == Op::Write).unwrap();
                let many: Vec<_> = (0..20).map(|_| marked(letter, 3000)).collect();
                let plan = Plan::new()
                    .short(write + 1, 20_000)
                    .fail(write + 3, libc::ENOSPC);
                let (result, _) = plan.run(|| journal.append_all(&many));
                if let Err(error) = result {
                    assert_eq!(error.kind(), ErrorKind::StorageFull);
                }
            }
            stop.store(true, Ordering::Relaxed);
        });
        for _ in 0..2 {
            threads.spawn(|| {
                let journal = Journal::open(&path).unwrap();
                let mut at = journal.end().unwrap();
                while !stop.load(Ordering::Relaxed) {
                    let mut records = match journal.records_from(at) {
                        Ok(records) => records,
                        // What was in flight was taken back.
                        Err(error) => {
                            assert_eq!(error.kind(), ErrorKind::Conflict);
                            at = journal.end().unwrap();
                            continue;
                        }
                    };
                    while let Some(record) = records.next_record().unwrap() {
                        assert!(
                            is_marked(record.bytes) || record.bytes == b"[]",
                            "{:?}",
                            String::from_utf8_lossy(record.bytes)
                        );
                    }
                    for record in journal.tail(5).unwrap() {
                        assert!(is_marked(&record.bytes) || record.bytes == b"[]");
                    }
                    // Sometimes from further back.
                    if records.position().offset % 5 == 0 {
                        at = records.position();
                    }
                }
            });
        }
    });
    assert_eq!(
        Journal::open(&path).unwrap().verify().unwrap().damage_count,
        0
    );
}

#[test]
fn a_foreign_writer_that_takes_no_lock_loses_nothing() {
    // It appends between any two of our system calls (but the last look at the
    // size and the truncate that follows it: docs/guarantees.md).
    let scene = Scene::new();
    let torn_tail = "{\"torn\":";
    let set_up = |name: &str| scene.with(name, format!("[0]\n{torn_tail}"));
    let first = set_up("first");
    let (_, calls) = Plan::new().run(|| Journal::open(&first).unwrap().append(b"[1]").unwrap());
    let truncate = calls.iter().position(|op| *op == Op::Truncate).unwrap();
    for n in (0..calls.len()).filter(|n| *n != truncate) {
        let path = set_up(&format!("j{n}"));
        let foreign = path.clone();
        let plan = Plan::new().before(move |call| {
            if call.number == n {
                let mut file = std::fs::OpenOptions::new()
                    .append(true)
                    .open(&foreign)
                    .unwrap();
                file.write_all(b"[\"foreign\"]\n").unwrap();
            }
        });
        plan.run(|| Journal::open(&path).unwrap().append(b"[1]").unwrap());
        let kept: Vec<u8> = torn(&path).into_iter().flat_map(|(_, cut)| cut).collect();
        let all = [bytes(&path), kept].concat();
        let text = String::from_utf8(all).unwrap();
        assert!(
            text.contains("[\"foreign\"]\n"),
            "before call {n}: {text:?}"
        );
        assert!(text.contains("[1]\n"), "before call {n}: {text:?}");
        assert!(text.contains(torn_tail), "before call {n}: {text:?}");
    }
}

#[test]
fn a_roll_back_leaves_foreign_records_whole() {
    let scene = Scene::new();
    for between in 0..4 {
        let path = scene.with(&format!("j{between}"), "[0]\n");
        let journal = Journal::options()
            .durability(Durability::Process)
            .open(&path)
            .unwrap();
        journal.append(b"[1]").unwrap();
        let (_, calls) = Plan::new().run(|| journal.append(b"[2]").unwrap());
        let write = calls.iter().position(|op| *op == Op::Write).unwrap();
        let foreign = path.clone();
        let plan = Plan::new()
            .short(write, 10)
            .fail(write + 2, libc::ENOSPC)
            .before(move |call| {
                if call.number == write + between {
                    let mut file = std::fs::OpenOptions::new()
                        .append(true)
                        .open(&foreign)
                        .unwrap();
                    file.write_all(b"[\"foreign\"]\n").unwrap();
                }
            });
        let (result, calls) =
            plan.run(|| journal.append(b"\"this record does not fit on the disk\""));
        assert_eq!(result.unwrap_err().kind(), ErrorKind::StorageFull);
        assert!(calls.len() > write + 3, "{calls:?}");
        journal.append(b"[3]").unwrap();
        let read: Vec<_> = texts(&Journal::open(&path).unwrap());
        assert_eq!(
            read,
            ["[0]", "[1]", "[2]", "[\"foreign\"]", "[3]"],
            "between {between}"
        );
        assert_eq!(journal.verify().unwrap().damage_count, 0);
    }
}

/// A repair loses nothing that a program without the lock appends, with one exception.
/// No system call closes the moment between the last look at the size and the cut.
/// There, and only there, the foreign writer has to wait.
#[test]
fn a_hammering_foreign_writer_through_repairs() {
    static NOT_NOW: Mutex<()> = Mutex::new(());
    let outside_the_moment = || {
        let mut moment = None;
        Plan::new().before(move |call| match call.op {
            Op::Stat => moment = moment.take().or_else(|| NOT_NOW.lock().ok()),
            Op::Truncate => assert!(moment.is_some(), "the last look is right before the cut"),
            _ => moment = None,
        })
    };
    let scene = Scene::new();
    let path = scene.with("j", "");
    let stop = AtomicBool::new(false);
    let written = std::thread::scope(|threads| {
        let foreign = threads.spawn(|| {
            let mut file = std::fs::OpenOptions::new()
                .append(true)
                .open(&path)
                .unwrap();
            let mut n = 0;
            while !stop.load(Ordering::Relaxed) {
                let line = format!("[\"foreign\",{n}]\n");
                let allowed = NOT_NOW.lock().unwrap();
                file.write_all(line.as_bytes()).unwrap();
                drop(allowed);
                n += 1;
            }
            n
        });
        let journal = Journal::open(&path).unwrap();
        for _ in 0..100 {
            let mut file = std::fs::OpenOptions::new()
                .append(true)
                .open(&path)
                .unwrap();
            file.write_all(b"{\"torn").unwrap();
            let append = || journal.append(b"[\"ours\"]").unwrap();
            outside_the_moment().run(append);
        }
        stop.store(true, Ordering::Relaxed);
        foreign.join().unwrap()
    });
    let kept: Vec<u8> = torn(&path).into_iter().flat_map(|(_, cut)| cut).collect();
    let all = String::from_utf8([bytes(&path), kept].concat()).unwrap();
    let found: BTreeSet<u32> = all
        .split("[\"foreign\",")
        .skip(1)
        .filter_map(|rest| rest.split_once(']')?.0.parse().ok())
        .collect();
    assert_eq!(found.len(), written, "nothing of it is lost");
    assert_eq!(all.matches("[\"ours\"]\n").count(), 100);
}

#[test]
fn a_file_cut_short_by_others() {
    let scene = Scene::new();
    let path = scene.path("j");
    let journal = Journal::open(&path).unwrap();
    journal.append_all(["[1]", "[2]", "[3]"]).unwrap();
    let mut file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
    file.set_len(6).unwrap();
    file.rewind().unwrap();
    journal.append(b"[4]").unwrap();
    assert_eq!(bytes(&path), b"[1]\n[4]\n");
    assert_eq!(torn(&path), [(4, b"[2".to_vec())]);
    // Deleted, rotated away, replaced: the next append goes where the name is.
    std::fs::rename(&path, scene.path("rotated")).unwrap();
    journal.append(b"[5]").unwrap();
    assert_eq!(bytes(&path), b"[5]\n");
    std::fs::remove_file(&path).unwrap();
    journal.append(b"[6]").unwrap();
    assert_eq!(bytes(&path), b"[6]\n");
    let strict = Journal::options().create(false).open(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    assert_eq!(
        strict.append(b"[7]").unwrap_err().kind(),
        ErrorKind::NotFound
    );
    assert!(!path.exists());
}

#[test]
fn a_check_of_every_record_can_be_ended() {
    let scene = Scene::new();
    let journal = Journal::open(scene.with("j", b"[1]\n[2]\n")).unwrap();
    let token = CancelToken::new();
    let call = CallOptions::new().cancel(&token);
    assert_eq!(journal.verify_with(&call).unwrap().records, 2);
    token.cancel();
    let error = journal.verify_with(&call).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled, "{error}");
    assert_eq!(journal.verify().unwrap().records, 2);
}
