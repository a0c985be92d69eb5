//! What holds for every file, however it came to be.

use proptest::prelude::*;

use crate::scene::{Scene, bytes, torn};
use untorn::{Durability, ErrorKind, Journal, Version};

/// Bytes like those that go wrong: records, halves of them, NULs, blank lines.
fn journal_bytes() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        3 => Just(b"{\"a\":1}\n".to_vec()),
        2 => Just(b"[\"\xe2\x80\xa8\"]\r\n".to_vec()),
        1 => Just(b"\n".to_vec()),
        1 => Just(b" \t\r\n".to_vec()),
        1 => Just(b"{\"half\":".to_vec()),
        1 => Just(b"{\"a\":1}{\"b\":2}\n".to_vec()),
        1 => (1_usize..20).prop_map(|n| vec![0; n]),
        1 => (4000_usize..9000).prop_map(|n| [b"{\"cut".to_vec(), vec![0; n]].concat()),
        1 => (500_usize..9000).prop_map(|n| vec![b'x'; n]),
        1 => (1_usize..600).prop_map(|n| format!("\"{}\"\n", "x".repeat(n)).into_bytes()),
        1 => proptest::collection::vec(any::<u8>(), 0..40),
    ];
    proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

/// Whether it is said that this is no journal. Then nothing in it is a record.
fn is_foreign(journal: &Journal, file: &[u8]) -> bool {
    let foreign = match journal.records().unwrap().next() {
        Some(Err(error)) => error.kind() == ErrorKind::Corrupt,
        _ => false,
    };
    let is_record = |line: &[u8]| serde_json::from_slice::<serde_json::Value>(line).is_ok();
    assert!(!foreign || !file.split(|byte| *byte == b'\n').any(is_record));
    foreign
}

fn open(path: &std::path::Path) -> Journal {
    Journal::options()
        .durability(Durability::Process)
        .max_record(500)
        .cut_foreign_tail(true)
        .open(path)
        .unwrap()
}

proptest! {
    /// Every byte is in exactly one place: a record's line, a blank line, or a
    /// stretch that is reported.
    #[test]
    fn a_reader_accounts_for_every_byte(file in journal_bytes()) {
        let scene = Scene::new();
        let journal = open(&scene.with("j", &file));
        prop_assume!(!is_foreign(&journal, &file));
        let mut spans = Vec::new();
        let mut records = journal.records().unwrap();
        while let Some(record) = records.next_record().unwrap() {
            let line = &file[record.start.offset as usize..record.end.offset as usize];
            let text = line.strip_suffix(b"\n").unwrap();
            let text = text.strip_suffix(b"\r").unwrap_or(text);
            // What lies before it on its line ends in a NUL, and is reported.
            let before = text.iter().rposition(|byte| *byte == 0).map_or(0, |nul| nul + 1);
            prop_assert_eq!(&text[before..], record.bytes);
            prop_assert!(!record.bytes.contains(&b'\n') && !record.bytes.contains(&0));
            spans.push((record.start.offset + before as u64, record.end.offset));
        }
        prop_assert_eq!(records.damage_count(), records.damage().len() as u64);
        spans.extend(records.damage().iter().map(|d| (d.offset, d.offset + d.length)));
        spans.sort_unstable();
        let mut at = 0;
        for (start, end) in spans {
            prop_assert!(at <= start);
            let blank = &file[at as usize..start as usize];
            prop_assert!(blank.iter().all(|byte| b" \t\r\n".contains(byte)), "{blank:?}");
            at = end;
        }
        let rest = &file[at as usize..];
        prop_assert!(rest.iter().all(|byte| b" \t\r\n".contains(byte)), "{rest:?}");
    }

    /// Backwards is forwards from the end, and every record's start and end are
    /// places to read from.
    #[test]
    fn tail_and_positions_agree_with_reading(file in journal_bytes(), n in 0_usize..20) {
        let scene = Scene::new();
        let journal = open(&scene.with("j", &file));
        prop_assume!(!is_foreign(&journal, &file));
        let all: Vec<_> = journal.records().unwrap().map(Result::unwrap).collect();
        let tail = journal.tail(n).unwrap();
        prop_assert_eq!(&tail[..], &all[all.len().saturating_sub(n)..]);
        for (at, record) in all.iter().enumerate() {
            let from: Vec<_> = journal.records_from(record.end).unwrap().map(Result::unwrap).collect();
            prop_assert_eq!(&from[..], &all[at + 1..]);
        }
        let report = journal.verify().unwrap();
        prop_assert!(report.records <= all.len() as u64);
        prop_assert_eq!(report.bytes, file.len() as u64);
        prop_assert_eq!(report.end, journal.end().unwrap());
    }

    /// An append to any file leaves every line that was whole as it was, ends
    /// in its own record, and throws no byte away.
    #[test]
    fn an_append_repairs_and_keeps(file in journal_bytes()) {
        let scene = Scene::new();
        let path = scene.with("j", &file);
        let end = open(&path).append(b"[\"new\"]").unwrap();
        let after = bytes(&path);
        prop_assert_eq!(end.offset, after.len() as u64);
        let whole = file.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        prop_assert!(after.starts_with(&file[..whole]));
        let rest = after[whole..].strip_suffix(b"[\"new\"]\n").unwrap();
        let tail = &file[whole..];
        let kept: Vec<u8> = torn(&path).into_iter().flat_map(|(_, cut)| cut).collect();
        if rest.is_empty() {
            prop_assert_eq!(kept, tail);
        } else {
            // A whole value that had lost its newline, and NULs after it.
            let text = rest.strip_suffix(b"\n").unwrap();
            prop_assert!(serde_json::from_slice::<serde_json::Value>(text).is_ok());
            prop_assert_eq!([text, &kept].concat(), tail);
        }
    }

    /// What is taken as a record reads back as it was; what is refused leaves
    /// nothing behind.
    #[test]
    fn records_go_round(record in proptest::collection::vec(any::<u8>(), 0..60)) {
        let scene = Scene::new();
        let path = scene.path("j");
        let journal = open(&path);
        match journal.append(&record) {
            Ok(_) => {
                let read = journal.tail(1).unwrap();
                let trimmed = record.strip_suffix(b"\r").unwrap_or(&record);
                prop_assert_eq!(&read[0].bytes[..], trimmed);
                prop_assert!(serde_json::from_slice::<serde_json::Value>(&record).is_ok());
            }
            Err(error) => {
                prop_assert_eq!(error.kind(), ErrorKind::InvalidRecord);
                prop_assert!(!path.exists());
            }
        }
    }

    #[test]
    fn versions_are_texts(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
        let version = Version::of(&bytes);
        prop_assert_eq!(version.to_string().parse(), Ok(version));
    }
}
