//! A journal that is not a file reads as the same bytes in a file do.

use std::io;
use std::sync::{Arc, Mutex};

use untorn::{ErrorKind, Journal, JournalBytes, JournalOptions, Position};

/// An engine: generation and bytes. `short`: it answers with a failure.
#[derive(Default)]
struct Kept {
    state: Mutex<Option<(u64, Vec<u8>)>>,
    reads: Mutex<usize>,
}

impl Kept {
    fn set(&self, generation: u64, bytes: &[u8]) {
        *self.state.lock().unwrap() = Some((generation, bytes.to_vec()));
    }
}

impl JournalBytes for Kept {
    fn look(&self) -> io::Result<Option<(u64, u64)>> {
        let state = self.state.lock().unwrap();
        Ok(state.as_ref().map(|state| (state.0, state.1.len() as u64)))
    }

    fn read(&self, generation: u64, at: u64, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        *self.reads.lock().unwrap() += 1;
        let state = self.state.lock().unwrap();
        let Some((_, bytes)) = state.as_ref().filter(|state| state.0 == generation) else {
            return Ok(None);
        };
        let rest = bytes.get(at as usize..).unwrap_or_default();
        let n = rest.len().min(buffer.len());
        buffer[..n].copy_from_slice(&rest[..n]);
        Ok(Some(n))
    }
}

fn records(records: untorn::Records) -> Vec<(Vec<u8>, u64, u64)> {
    records
        .map(|record| record.unwrap())
        .map(|record| (record.bytes, record.start.offset, record.end.offset))
        .collect()
}

/// Journals of all kinds of damage, and one of a few reads.
fn journals() -> Vec<Vec<u8>> {
    let line = format!("{{\"text\":\"{}\"}}\n", "x".repeat(300));
    let mut odd =
        b"\xef\xbb\xbf{\"a\":1}\r\n\n{\"a\":2}\n\0\0\0{\"a\":3}\n{\"a\":4}{\"b\"\n\xff\n".to_vec();
    odd.extend(line.repeat(4000).as_bytes());
    odd.extend(b"{\"torn");
    vec![
        Vec::new(),
        b"{}\n".to_vec(),
        b"{\"torn".to_vec(),
        [vec![0; 70_000], b"\n1\n".to_vec()].concat(),
        format!("\"{}\"\n1\n", "y".repeat(900_000)).into_bytes(),
        odd,
    ]
}

#[test]
fn the_same_bytes_read_alike_in_a_file_and_elsewhere() {
    let dir = tempfile::tempdir().unwrap();
    for (i, bytes) in journals().iter().enumerate() {
        let path = dir.path().join(format!("{i}.jsonl"));
        std::fs::write(&path, bytes).unwrap();
        let kept = Arc::new(Kept::default());
        for sealed in [false, true] {
            let options = || Journal::options().max_record(500_000).sealed(sealed);
            let file = options().open(&path).unwrap();
            let reader = options().reader("kept", kept.clone()).unwrap();
            kept.set(file.end().unwrap().generation, bytes);
            assert_eq!(reader.end().unwrap(), file.end().unwrap());
            assert_eq!(
                records(reader.records().unwrap()),
                records(file.records().unwrap()),
                "{i}"
            );
            assert_eq!(reader.tail(5).unwrap(), file.tail(5).unwrap());
            assert_eq!(reader.verify().unwrap(), file.verify().unwrap());
            let middle = file.tail(3).unwrap().first().map(|record| record.start);
            if let Some(middle) = middle {
                assert_eq!(
                    records(reader.records_from(middle).unwrap()),
                    records(file.records_from(middle).unwrap())
                );
            }
        }
    }
    assert!(std::fs::read_dir(".").unwrap().all(|entry| {
        let name = entry.unwrap().file_name();
        !name.to_string_lossy().starts_with("kept")
    }));
}

#[test]
fn a_batch_is_the_bytes_that_an_append_to_a_file_adds() {
    let dir = tempfile::tempdir().unwrap();
    for sealed in [false, true] {
        let path = dir.path().join(format!("{sealed}.jsonl"));
        let options = || Journal::options().sealed(sealed);
        options()
            .open(&path)
            .unwrap()
            .append_all(["1", "{\"a\":2}", "\"é\""])
            .unwrap();
        let reader = options().reader("kept", Arc::new(Kept::default())).unwrap();
        let mut batch = reader.batch();
        for record in ["1", "{\"a\":2}", "\"é\""] {
            batch.push(record.as_bytes()).unwrap();
        }
        assert_eq!(batch.bytes(), std::fs::read(&path).unwrap());
        let refused = batch.push(b"1 2").unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::InvalidRecord);
        assert!(refused.to_string().contains("kept"), "{refused}");
    }
}

#[test]
fn batches_that_are_joined_stay_appends_of_their_own() {
    let options = || Journal::options().sealed(true);
    let kept = Arc::new(Kept::default());
    let reader = options().reader("kept", kept.clone()).unwrap();
    let batch = |records: &[&str]| {
        let mut batch = reader.batch();
        for record in records {
            batch.push(record.as_bytes()).unwrap();
        }
        batch
    };
    let (mut joined, other) = (batch(&["1", "2"]), batch(&["3", "4"]));
    joined.join(&other).unwrap();
    joined.join(&batch(&[])).unwrap();
    assert_eq!(joined.len(), 4);
    assert_eq!(
        joined.bytes(),
        [batch(&["1", "2"]).bytes(), other.bytes()].concat()
    );
    // It belongs to the last append: seals would not fit otherwise.
    joined.push(b"5").unwrap();
    kept.set(1, joined.bytes());
    assert_eq!(reader.verify().unwrap().damage_count, 0);
    // A torn end of the second append leaves the first one whole.
    kept.set(1, &joined.bytes()[..joined.bytes().len() - 20]);
    assert_eq!(records(reader.records().unwrap()).len(), 2);

    let strange = options().reader("kept", Arc::new(Kept::default())).unwrap();
    let refused = joined.join(&strange.batch()).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::InvalidArgument);
    assert_eq!(joined.len(), 5);
}

#[test]
fn a_header_is_read_and_is_no_record() {
    let kept = Arc::new(Kept::default());
    kept.set(1, b"{\"header\":1}   \n{\"a\":1}\n");
    let reader = Journal::options()
        .header_prefix(b"{\"header\"")
        .reader("kept", kept)
        .unwrap();
    assert_eq!(reader.header().unwrap().unwrap(), b"{\"header\":1}");
    assert_eq!(reader.records().unwrap().count(), 1);
    assert!(reader.verify().unwrap().header);
}

#[test]
fn a_position_of_another_generation_and_a_rewrite_in_between_are_conflicts() {
    let kept = Arc::new(Kept::default());
    let line = format!("\"{}\"\n", "x".repeat(99));
    kept.set(7, line.repeat(10_000).as_bytes());
    let reader = Journal::options().reader("kept", kept.clone()).unwrap();
    let end = reader.end().unwrap();
    assert_eq!((end.generation, end.offset), (7, 1_020_000));
    let mut open = reader.records().unwrap();
    open.next().unwrap().unwrap();
    kept.set(8, b"1\n");
    let error = open.find_map(Result::err).unwrap();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(error.to_string().contains("rewritten"), "{error}");
    let stale = reader.records_from(end).err().unwrap();
    assert_eq!(stale.kind(), ErrorKind::Conflict);
    let inside = Position {
        generation: 8,
        offset: 1,
    };
    assert_eq!(
        reader.records_from(inside).err().unwrap().kind(),
        ErrorKind::Conflict
    );
}

#[test]
fn a_missing_journal_is_empty_or_not_found() {
    let kept = Arc::new(Kept::default());
    let reader = |options: JournalOptions| options.reader("kept", kept.clone()).unwrap();
    let empty = reader(Journal::options());
    assert_eq!(empty.end().unwrap().offset, 0);
    assert_eq!(empty.records().unwrap().count(), 0);
    assert!(empty.tail(3).unwrap().is_empty());
    let missing = reader(Journal::options().create(false));
    assert_eq!(missing.end().unwrap_err().kind(), ErrorKind::NotFound);
    let scheme = Journal::options().scheme(untorn::Scheme::InPlace);
    let refused = scheme.reader("kept", kept.clone()).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::InvalidArgument);
}

#[test]
fn a_tail_and_an_end_cost_a_few_reads_of_a_long_journal() {
    let kept = Arc::new(Kept::default());
    kept.set(1, "{\"a\":1}\n".repeat(1_000_000).as_bytes());
    let reader = Journal::options().reader("kept", kept.clone()).unwrap();
    assert_eq!(reader.tail(20).unwrap().len(), 20);
    reader.end().unwrap();
    assert!(*kept.reads.lock().unwrap() < 10);
    *kept.reads.lock().unwrap() = 0;
    assert_eq!(reader.records().unwrap().count(), 1_000_000);
    // 8 MB in pieces of 256 KiB: each is read once.
    assert!(*kept.reads.lock().unwrap() < 40);
}
