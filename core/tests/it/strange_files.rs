//! Journals that others have had their hands on, and files that are none.

use crate::scene::{Scene, bytes, torn};
#[cfg(unix)]
use untorn::fault::{Op, Plan};
use untorn::{CallOptions, DamageKind, Durability, ErrorKind, Journal, JournalOptions, Position};

fn options() -> JournalOptions {
    Journal::options().durability(Durability::Process)
}

fn texts(records: untorn::Records) -> Vec<String> {
    records
        .map(|record| String::from_utf8(record.unwrap().bytes).unwrap())
        .collect()
}

#[test]
fn a_byte_order_mark_is_no_part_of_the_first_record() {
    let scene = Scene::new();
    let path = scene.with("j", "\u{feff}{\"a\":1}\n{\"a\":2}\n");
    let journal = options().open(&path).unwrap();
    let both = ["{\"a\":1}", "{\"a\":2}"];
    assert_eq!(texts(journal.records().unwrap()), both);
    let tail = journal.tail(2).unwrap();
    assert_eq!(
        (tail[0].start.offset, &tail[0].bytes[..]),
        (0, both[0].as_bytes())
    );
    let report = journal.verify().unwrap();
    assert_eq!((report.records, report.damage_count), (2, 0));
    let from = journal.records_from(tail[0].start).unwrap();
    assert_eq!(texts(from), both);
    let mut follow = journal
        .follow(Some(Position {
            offset: 0,
            ..tail[0].start
        }))
        .unwrap();
    let first = follow.next(&CallOptions::new()).unwrap();
    assert!(matches!(first, Some(untorn::FollowItem::Record(r)) if r.bytes == both[0].as_bytes()));
    // A mark elsewhere is damage, as decoding finds.
    journal.append(b"[3]").unwrap();
    journal
        .compact(|rewrite| {
            for record in rewrite.records()? {
                rewrite.push(&record?.bytes)?;
            }
            Ok(())
        })
        .unwrap();
    assert_eq!(bytes(&path), b"{\"a\":1}\n{\"a\":2}\n[3]\n");
}

#[test]
fn a_header_behind_a_byte_order_mark() {
    let scene = Scene::new();
    let line = format!("{:100}\n", "{\"h\":1}");
    let path = scene.with("j", format!("\u{feff}{line}[1]\n"));
    let journal = options().header_prefix("{\"h\":").open(&path).unwrap();
    assert_eq!(journal.header().unwrap().unwrap(), b"{\"h\":1}");
    assert_eq!(texts(journal.records().unwrap()), ["[1]"]);
    assert_eq!(journal.tail(5).unwrap().len(), 1);
    assert!(journal.verify().unwrap().header);
    journal.set_header(b"{\"h\":2}").unwrap();
    journal.append(b"[2]").unwrap();
    assert_eq!(journal.header().unwrap().unwrap(), b"{\"h\":2}");
    assert_eq!(texts(journal.records().unwrap()), ["[1]", "[2]"]);
}

/// Each of these reads as nothing, or nearly so, and loses its end to an append.
fn foreign() -> Vec<(&'static str, Vec<u8>)> {
    let wide = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    vec![
        ("UTF-16", wide("\u{feff}{\"a\":1}\r\n{\"a\":2}\r\n")),
        ("UTF-16 without a mark", wide("{\"a\":1}\n{\"a\":2}\n")),
        (
            "pretty JSON",
            b"{\n  \"a\": 1,\n  \"b\": [\n    2\n  ]\n}".to_vec(),
        ),
        ("an array", b"[\n{\"a\":1},\n{\"a\":2}\n]".to_vec()),
        (
            "gzip",
            b"\x1f\x8b\x08\0\0\0\0\0\0\x03\xab\x56\n\x4a\x54\xb2".to_vec(),
        ),
    ]
}

#[test]
fn a_file_that_is_plainly_no_journal_says_so_and_stays_whole() {
    for (kind, content) in foreign() {
        let scene = Scene::new();
        let path = scene.with("j", &content);
        let journal = options().open(&path).unwrap();
        let mut follow = journal.follow(None).unwrap();
        let start = Position {
            offset: 0,
            ..journal.end().unwrap()
        };
        let errors = [
            journal.records().unwrap().next_record().unwrap_err(),
            journal.tail(3).unwrap_err(),
            journal.append(b"[1]").unwrap_err(),
            journal.append_all(["[1]", "[2]"]).unwrap_err(),
            journal.compact(|_| Ok(())).unwrap_err(),
            journal.repair().unwrap_err(),
            journal
                .follow(Some(start))
                .and_then(|mut follow| follow.next(&CallOptions::new()))
                .unwrap_err(),
        ];
        for error in errors {
            assert_eq!(error.kind(), ErrorKind::Corrupt, "{kind}: {error}");
            assert!(
                error.to_string().contains("not a journal"),
                "{kind}: {error}"
            );
        }
        assert_eq!(bytes(&path), content, "{kind}");
        assert_eq!(torn(&path), [], "{kind}");
        // It is damage to a check, which does not fail.
        assert!(journal.verify().unwrap().damage_count > 0, "{kind}");
        drop(follow.take_damage());
        let willing = options().cut_foreign_tail(true).open(&path).unwrap();
        willing.append(b"[1]").unwrap();
        assert!(bytes(&path).ends_with(b"[1]\n"), "{kind}");
        let kept: usize = torn(&path).iter().map(|(_, cut)| cut.len()).sum();
        assert_eq!(bytes(&path).len() + kept, content.len() + 4, "{kind}");
    }
}

/// What a crash leaves of a journal's first append is repaired.
#[test]
fn a_torn_first_record_is_none_of_these() {
    let record = "{\"a\":[1,{\"b\":\"\u{20ac}\\n\"}],\"c\":null}";
    for cut in 0..record.len() {
        for nuls in [0, 3, 5000] {
            let scene = Scene::quick();
            let path = scene.with("j", [&record.as_bytes()[..cut], &vec![0; nuls]].concat());
            let journal = options().open(&path).unwrap();
            assert_eq!(journal.records().unwrap().count(), 0);
            assert_eq!(journal.tail(1).unwrap().len(), 0);
            journal.append(b"[1]").unwrap();
            assert_eq!(bytes(&path), b"[1]\n", "{cut} bytes and {nuls} NULs");
        }
    }
}

#[test]
fn a_compaction_drops_no_record_that_is_too_long_for_it() {
    let scene = Scene::new();
    let path = scene.path("j");
    let long = format!("\"{}\"", "x".repeat(5000));
    let all = [long.as_bytes(), b"[1]"];
    options().open(&path).unwrap().append_all(all).unwrap();
    let before = bytes(&path);
    let keep_all = |journal: &Journal| {
        journal.compact(|rewrite| {
            for record in rewrite.records()? {
                rewrite.push(&record?.bytes)?;
            }
            Ok(())
        })
    };
    let narrow = options().max_record(1000).open(&path).unwrap();
    let error = keep_all(&narrow).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LimitExceeded, "{error}");
    assert!(error.to_string().contains("5003 bytes"), "{error}");
    assert_eq!(bytes(&path), before);
    narrow.append(b"[2]").unwrap();
    keep_all(&options().open(&path).unwrap()).unwrap();
    assert_eq!(bytes(&path), [&before[..], b"[2]\n"].concat());
}

/// Eight gigabytes of nothing, as a power cut leaves them, are not read.
// A file of Windows has holes only if its maker asked for them: the library does not look.
#[cfg(unix)]
#[test]
fn holes_cost_next_to_nothing() {
    const HOLE: u64 = 8 << 30;
    let scene = Scene::new();
    let sparse = |name: &str, before: &str, after: &str| {
        use std::io::{Seek, SeekFrom, Write};
        let path = scene.with(name, before);
        let mut file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
        file.set_len(before.len() as u64 + HOLE).unwrap();
        file.seek(SeekFrom::End(0)).unwrap();
        file.write_all(after.as_bytes()).unwrap();
        path
    };
    type Verb = fn(&Journal);
    let verbs: [(&str, Verb); 6] = [
        ("end", |journal| {
            journal.end().unwrap();
        }),
        ("tail", |journal| {
            assert_eq!(journal.tail(5).unwrap().len(), 2)
        }),
        ("records", |journal| {
            assert_eq!(texts(journal.records().unwrap()).len(), 2);
        }),
        ("verify", |journal| {
            let report = journal.verify().unwrap();
            assert_eq!((report.records, report.damage_count), (2, 1));
            assert!(report.bytes > HOLE && report.damage[0].length >= HOLE);
        }),
        ("follow", |journal| {
            let start = Position {
                offset: 0,
                ..journal.end().unwrap()
            };
            let mut follow = journal.follow(Some(start)).unwrap();
            for _ in 0..2 {
                assert!(follow.next(&CallOptions::new()).unwrap().is_some());
            }
        }),
        ("append", |journal| {
            journal.append(b"[9]").unwrap();
        }),
    ];
    let files = [
        ("at the end", "[1]\n[2]\n", ""),
        ("behind a torn record", "[1]\n[2]\n{\"torn\":", ""),
        ("before a record", "[1]\n", "[2]\n"),
        ("on a line of its own", "[1]\n", "\n[2]\n"),
        (
            "behind a torn record, before one",
            "[1]\n{\"torn\":",
            "[2]\n",
        ),
    ];
    for (n, (place, before, after)) in files.into_iter().enumerate() {
        for (name, verb) in verbs {
            let path = sparse(&format!("j{n}"), before, after);
            let journal = options().open(&path).unwrap();
            let ((), calls) = Plan::new().run(|| verb(&journal));
            let reads = calls.iter().filter(|op| **op == Op::Read).count();
            assert!(reads < 200, "a hole {place}, {name}: {reads} reads");
        }
    }
    let path = sparse("last", "[1]\n", "");
    options().open(&path).unwrap().append(b"[2]").unwrap();
    assert_eq!(bytes(&path), b"[1]\n[2]\n");
}

/// Also in a sealed journal, and however deep the record is nested.
#[test]
fn a_record_behind_nuls_is_there() {
    let deep = ["[".repeat(200_000), "]".repeat(200_000)].concat();
    let scene = Scene::new();
    for sealed in [false, true] {
        let path = scene.path(&format!("j{sealed}"));
        let journal = options().sealed(sealed).open(&path).unwrap();
        journal.append(b"[0]").unwrap();
        let start = journal.end().unwrap();
        journal.append(deep.as_bytes()).unwrap();
        journal.append(b"{\"b\":1}").unwrap();
        let whole = bytes(&path);
        for nuls in [1, 5000, 1 << 20] {
            let (front, back) = whole.split_at(start.offset as usize);
            for torn in ["", "{\"torn\":\""] {
                let file = [front, torn.as_bytes(), &vec![0; nuls], back].concat();
                std::fs::write(&path, file).unwrap();
                let journal = options().sealed(sealed).open(&path).unwrap();
                let mut records = journal.records().unwrap();
                let mut seen = Vec::new();
                while let Some(record) = records.next_record().unwrap() {
                    seen.push(untorn::OwnedRecord::from(record));
                }
                let length = (torn.len() + nuls) as u64;
                let damage: Vec<_> = records
                    .damage()
                    .iter()
                    .map(|d| (d.kind, d.offset, d.length))
                    .collect();
                assert_eq!(damage, [(DamageKind::NulRun, start.offset, length)]);
                let texts: Vec<_> = seen.iter().map(|record| &record.bytes[..]).collect();
                assert_eq!(texts, [b"[0]", deep.as_bytes(), b"{\"b\":1}"]);
                assert_eq!(journal.tail(10).unwrap(), seen);
                let from = journal.records_from(seen[1].start).unwrap();
                assert_eq!(from.count(), 2);
            }
        }
    }
}
