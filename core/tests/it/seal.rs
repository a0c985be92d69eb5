//! Sealed journals: what is damaged shows, and an append of many is all or
//! nothing across a power cut.

use std::path::Path;

use crate::scene::death::dies_within_a_write;
#[cfg(unix)]
use crate::scene::power::{images, materialise};
use crate::scene::{Scene, bytes, records, torn};
use untorn::{DamageKind, Durability, ErrorKind, Format, Journal, JournalOptions};

fn options() -> JournalOptions {
    Journal::options()
        .durability(Durability::Process)
        .sealed(true)
}

fn open(path: &Path) -> Journal {
    options().open(path).unwrap()
}

fn record(n: usize) -> String {
    format!("{{\"n\":{n},\"text\":\"{}\"}}", "x".repeat(n % 7 * 10))
}

/// CRC-32C, bit by bit: not the library's.
fn crc32c(parts: &[&[u8]]) -> u32 {
    !parts
        .iter()
        .flat_map(|part| part.iter())
        .fold(u32::MAX, |crc, byte| {
            (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
                crc >> 1 ^ if crc & 1 == 1 { 0x82f6_3b78 } else { 0 }
            })
        })
}

/// The lines of one append, as `docs/protocol.md` says.
fn sealed(records: &[String]) -> Vec<u8> {
    let mut lines = Vec::new();
    let mut before = 0_u32;
    for (n, record) in records.iter().enumerate() {
        let flag = if n + 1 == records.len() { b' ' } else { b'\t' };
        let sum = crc32c(&[record.as_bytes(), &[flag], &before.to_le_bytes()]);
        lines.extend_from_slice(record.as_bytes());
        lines.push(b'\t');
        lines.extend((0..32).map(|bit| {
            if sum >> (31 - bit) & 1 == 1 {
                b'\t'
            } else {
                b' '
            }
        }));
        lines.extend([flag, b'\n']);
        before = sum;
    }
    lines
}

fn some(range: std::ops::Range<usize>) -> Vec<String> {
    range.map(record).collect()
}

fn numbers(path: &Path) -> Vec<u64> {
    let read = records(path);
    read.iter()
        .map(|value| value["n"].as_u64().unwrap())
        .collect()
}

#[test]
fn the_bytes_and_what_readers_make_of_them() {
    let scene = Scene::new();
    let path = scene.path("j");
    let journal = open(&path);
    journal.append(record(0).as_bytes()).unwrap();
    let middle = journal.append_all(some(1..4)).unwrap();
    let mut batch = journal.batch();
    some(4..6)
        .iter()
        .for_each(|r| batch.push(r.as_bytes()).unwrap());
    let end = journal
        .append_batch(&batch, None, &untorn::CallOptions::new())
        .unwrap();
    let expected = [
        sealed(&some(0..1)),
        sealed(&some(1..4)),
        sealed(&some(4..6)),
    ]
    .concat();
    assert_eq!(bytes(&path), expected);
    assert_eq!(end.offset, expected.len() as u64);
    // Any JSON reader.
    assert_eq!(numbers(&path), [0, 1, 2, 3, 4, 5]);
    let read: Vec<_> = journal.records().unwrap().map(Result::unwrap).collect();
    assert_eq!(
        read.iter()
            .map(|r| String::from_utf8(r.bytes.clone()).unwrap())
            .collect::<Vec<_>>(),
        some(0..6)
    );
    for (n, first) in read.iter().enumerate() {
        let rest = journal.records_from(first.start).unwrap();
        assert_eq!(rest.map(Result::unwrap).collect::<Vec<_>>(), read[n..]);
        assert_eq!(journal.tail(6 - n).unwrap(), read[n..]);
    }
    assert_eq!(read[3].end, middle);
    let report = journal.verify().unwrap();
    assert_eq!(
        (report.records, report.unsealed, report.damage_count),
        (6, 0, 0)
    );
    // To a handle that does not seal they are records as well.
    let plain = Journal::open(&path).unwrap();
    assert_eq!(plain.verify().unwrap().records, 6);
}

#[test]
fn what_has_no_seal_is_counted() {
    let scene = Scene::new();
    let path = scene.with("j", "{\"n\":0}\n{\"n\":1}\n");
    let journal = open(&path);
    journal.append_all(some(2..4)).unwrap();
    std::fs::write(&path, [bytes(&path), b"{\"n\":4}\n".to_vec()].concat()).unwrap();
    journal.append(record(5).as_bytes()).unwrap();
    let report = journal.verify().unwrap();
    assert_eq!(
        (report.records, report.unsealed, report.damage_count),
        (6, 3, 0)
    );
    assert_eq!(journal.tail(9).unwrap().len(), 6);
}

#[test]
fn bit_rot_and_splices_show() {
    let scene = Scene::new();
    let path = scene.path("j");
    let whole = [
        sealed(&some(0..1)),
        sealed(&some(1..4)),
        sealed(&some(4..5)),
    ]
    .concat();
    let ends: Vec<usize> = (0..whole.len()).filter(|at| whole[*at] == b'\n').collect();
    for at in 0..whole.len() {
        // Letters for letters: what stays valid JSON.
        if whole[at] != b'x' && !whole[at].is_ascii_digit() {
            continue;
        }
        let mut rotten = whole.clone();
        rotten[at] ^= 1;
        std::fs::write(&path, &rotten).unwrap();
        let journal = open(&path);
        let line = ends.iter().position(|end| at < *end).unwrap();
        let report = journal.verify().unwrap();
        assert_eq!(report.records, 4, "byte {at}");
        assert_eq!(report.damage.len(), 1, "byte {at}: {:?}", report.damage);
        assert_eq!(report.damage[0].kind, DamageKind::BadSeal);
        assert_eq!(report.damage[0].kind.as_str(), "bad_seal");
        let start = if line == 0 { 0 } else { ends[line - 1] + 1 };
        assert_eq!(report.damage[0].offset, start as u64);
        assert_eq!(journal.tail(9).unwrap().len(), 4, "byte {at}");
        // With valid records behind it, it is no tail.
        if line < 4 {
            journal.append(record(5).as_bytes()).unwrap();
            assert_eq!(bytes(&path), [rotten, sealed(&some(5..6))].concat());
        }
    }
    let lines: Vec<&[u8]> = whole.split_inclusive(|byte| *byte == b'\n').collect();
    for (order, good) in [
        // The second of three is gone; then the third.
        (vec![0, 1, 3, 4], 3),
        (vec![0, 1, 2, 4], 4),
        (vec![0, 2, 1, 3, 4], 3),
    ] {
        let spliced: Vec<u8> = order.iter().flat_map(|n| lines[*n]).copied().collect();
        std::fs::write(&path, spliced).unwrap();
        let report = open(&path).verify().unwrap();
        assert!(report.damage_count > 0, "{order:?}");
        assert!(
            report
                .damage
                .iter()
                .all(|damage| damage.kind == DamageKind::BadSeal)
        );
        assert_eq!(report.records, good, "{order:?}");
    }
}

#[test]
fn a_last_append_cut_at_every_byte_is_cut_whole() {
    for many in [1, 5] {
        let before = [sealed(&some(0..1)), sealed(&some(1..3))].concat();
        let last = sealed(&some(3..3 + many));
        // But for the newline: see `a_last_append_without_its_newline_is_whole`.
        for cut in 0..last.len() - 1 {
            let scene = Scene::quick();
            let path = scene.with("j", [&before[..], &last[..cut]].concat());
            open(&path).append(record(9).as_bytes()).unwrap();
            assert_eq!(
                bytes(&path),
                [before.clone(), sealed(&some(9..10))].concat()
            );
            let kept = torn(&path);
            if cut == 0 {
                assert!(kept.is_empty());
            } else {
                assert_eq!(kept, [(before.len() as u64, last[..cut].to_vec())]);
            }
        }
    }
}

/// The part that it leaves may end with a record, whole but for its seal. That is no
/// line of another program.
#[test]
fn an_append_whose_writer_dies_at_any_byte_is_cut_whole() {
    let last = sealed(&some(3..6));
    // Where a sector ends: nowhere in it, in the first seal, in the second one.
    let first = sealed(&some(3..4)).len();
    let ends = [0, record(3).len() + 10, first + record(4).len() + 20];
    for end in ends {
        let filler = format!("[\"{}\"]", "x".repeat(512 - end - 39));
        let before = sealed(&[filler]);
        assert_eq!(before.len() + end, 512);
        for part in 1..last.len() {
            let scene = Scene::quick();
            let path = scene.with("j", &before);
            let plan = dies_within_a_write(&path, part);
            let (result, _) = plan.run(|| open(&path).append_all(some(3..6)));
            result.unwrap_err();
            let what = format!("{part} bytes, the sector ends at {end}");
            assert_eq!(
                bytes(&path),
                [&before[..], &last[..part]].concat(),
                "{what}"
            );
            open(&path).append(record(9).as_bytes()).unwrap();
            let expected = [&before[..], &sealed(&some(9..10))].concat();
            assert_eq!(bytes(&path), expected, "{what}");
            let kept = torn(&path);
            assert_eq!(kept, [(512 - end as u64, last[..part].to_vec())], "{what}");
        }
    }
}

/// An editor has taken it: the seals tell that nothing else is missing.
#[test]
fn a_last_append_without_its_newline_is_whole() {
    for (before, last) in [(0, 1), (0, 5), (1, 1), (3, 5)] {
        let before = match before {
            0 => Vec::new(),
            count => sealed(&some(0..count)),
        };
        let last = sealed(&some(10..10 + last));
        for nuls in [0, 7] {
            let scene = Scene::new();
            let tail = [&last[..last.len() - 1], &vec![0; nuls]].concat();
            let path = scene.with("j", [&before[..], &tail].concat());
            open(&path).append(record(9).as_bytes()).unwrap();
            let expected = [&before[..], &last, &sealed(&some(9..10))].concat();
            assert_eq!(bytes(&path), expected, "{nuls} NULs");
        }
        // A byte of it changed, and it is torn.
        let scene = Scene::new();
        let mut tail = last[..last.len() - 1].to_vec();
        tail[2] ^= 1;
        let path = scene.with("j", [&before[..], &tail].concat());
        open(&path).append(record(9).as_bytes()).unwrap();
        assert_eq!(bytes(&path), [before, sealed(&some(9..10))].concat());
        assert_eq!(torn(&path)[0].1, tail);
    }
}

#[test]
fn a_hole_in_the_last_append_takes_all_of_it() {
    let before = sealed(&some(0..2));
    let last = sealed(&some(2..12));
    for at in (0..last.len()).step_by(3) {
        for length in [1, 16, 200] {
            let mut holed = last.clone();
            let stop = (at + length).min(holed.len());
            holed[at..stop].fill(0);
            let scene = Scene::quick();
            let path = scene.with("j", [&before[..], &holed].concat());
            open(&path).append(record(20).as_bytes()).unwrap();
            let read = records(&path);
            assert_eq!(read.len(), 3, "{length} NULs at {at}");
            assert_eq!(torn(&path)[0].1, holed, "{length} NULs at {at}");
        }
    }
}

// As `power.rs`.
#[cfg(unix)]
#[test]
fn the_power_goes() {
    let scene = Scene::quick();
    let path = scene.path("j");
    let found = images(&scene, |acknowledged| {
        let journal = Journal::options().sealed(true).open(&path).unwrap();
        for n in 0..3 {
            journal.append(record(n).as_bytes()).unwrap();
            *acknowledged.borrow_mut() += 1;
        }
        journal.append_all(some(3..30)).unwrap();
        *acknowledged.borrow_mut() += 27;
        journal.append_all(some(30..40)).unwrap();
        *acknowledged.borrow_mut() += 10;
    });
    let mut lost = 0;
    for image in &found {
        let after = materialise(image);
        let path = after.path("j");
        let journal = open(&path);
        journal.append(record(99).as_bytes()).unwrap();
        let read = numbers(&path);
        let before = read.len() - 1;
        let what = &image.what;
        assert!(before >= image.acknowledged, "{what}: {before}");
        assert!(
            read[..before].iter().copied().eq(0..before as u64),
            "{what}"
        );
        assert!(
            before <= 3 || before == 30 || before == 40,
            "{what}: a part of an append: {before}"
        );
        assert_eq!(journal.verify().unwrap().damage_count, 0, "{what}");
        lost += usize::from(!torn(&path).is_empty());
    }
    assert!(lost > 10, "only {lost} images had something torn");
}

#[test]
fn a_rewind_into_the_middle_of_an_append() {
    let scene = Scene::new();
    let path = scene.path("j");
    for keep in 0..6 {
        let _ = std::fs::remove_file(&path);
        let journal = open(&path);
        journal.append(record(0).as_bytes()).unwrap();
        journal.append_all(some(1..6)).unwrap();
        let position = journal.records().unwrap().nth(keep).unwrap().unwrap().end;
        journal.rewind(position).unwrap();
        let report = journal.verify().unwrap();
        assert_eq!((report.records, report.damage_count), (keep as u64 + 1, 0));
        // A new handle looks at the last append, and finds it whole.
        open(&path).append(record(9).as_bytes()).unwrap();
        let expected: Vec<u64> = (0..=keep as u64).chain([9]).collect();
        assert_eq!(numbers(&path), expected);
        assert!(torn(&path).is_empty());
    }
    let journal = open(&path);
    journal
        .compact(|rewrite| {
            rewrite.push(record(1).as_bytes())?;
            rewrite.push_encoded(record(2).as_bytes())
        })
        .unwrap();
    assert_eq!(
        bytes(&path),
        [sealed(&some(1..2)), sealed(&some(2..3))].concat()
    );
    journal.replace(some(3..6)).unwrap();
    assert_eq!(bytes(&path), sealed(&some(3..6)));
}

#[test]
fn with_a_header_which_has_no_seal() {
    let scene = Scene::new();
    let path = scene.path("j");
    let options = options().header_prefix("{\"head\"");
    let journal = options.open(&path).unwrap();
    journal
        .append_with_header(b"{\"head\":1}", some(0..3))
        .unwrap();
    journal
        .append_with_header(b"{\"head\":2}", some(3..5))
        .unwrap();
    let report = journal.verify().unwrap();
    assert_eq!(
        (report.records, report.unsealed, report.damage_count),
        (5, 0, 0)
    );
    assert_eq!(
        bytes(&path)[512..],
        [sealed(&some(0..3)), sealed(&some(3..5))].concat()
    );
}

#[test]
fn only_json_has_room_for_it() {
    let scene = Scene::new();
    let error = options()
        .format(Format::Lines)
        .open(scene.path("j"))
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
}
