//! What is done with an input, by the fuzz targets and by the driver that runs
//! with the other tests (`core/tests/system/fuzz_corpus.rs`): it is put in the place of
//! one file, as if a crash, a bug or another program had left it there, and then
//! the file beside it is used. Any error may come of it; no panic, no endless
//! loop, and no more memory than the input and the limits ask for.

use std::fs;
use std::path::Path;

use untorn::{Document, Durability, FileLock, Journal, JournalOptions, Scheme, Store, Transaction};

/// Every kind of input.
pub const TARGETS: [&str; 8] = [
    "lock_file",
    "redo",
    "manifest",
    "torn",
    "journal",
    "sealed",
    "header",
    "key",
];

const HEADER: &[u8] = br#"{"type":"session","n":1}"#;
const RECORDS: [&[u8]; 2] = [br#"{"n":1}"#, br#"{"n":2}"#];
const LIMIT: u64 = 1 << 20;

fn options() -> JournalOptions {
    Journal::options()
        .durability(Durability::Process)
        .max_record(LIMIT)
        .header_prefix(br#"{"type":"session""#)
}

/// Uses this input in an empty directory.
pub fn run(target: &str, dir: &Path, data: &[u8]) {
    let path = dir.join("p");
    match target {
        "lock_file" => {
            make(&path);
            // Whole, so that it is not refused by its checksums alone.
            let identity = fs::read(dir.join("p.lock")).unwrap_or_default();
            for content in [data.to_vec(), sealed(data, identity.get(16..40))] {
                fs::write(dir.join("p.lock"), content).unwrap();
                use_journal(&path, options());
            }
        }
        "redo" => {
            for content in [data.to_vec(), sealed(data, None)] {
                fs::write(&path, r#"{"v":1}"#).unwrap();
                fs::write(dir.join("p.redo"), &content).unwrap();
                let document = Document::options().scheme(Scheme::InPlace);
                let document = document
                    .durability(Durability::Process)
                    .open(&path)
                    .unwrap();
                drop(document.load());
                drop(document.update(|_| Ok(br#"{"v":2}"#.to_vec())));
                fs::write(dir.join("p.redo"), content).unwrap();
                use_journal(&path, options().scheme(Scheme::InPlace));
            }
        }
        "manifest" => {
            make(&path);
            for name in [".untorn.txn", ".untorn.prep"] {
                for content in [data.to_vec(), manifest(data)] {
                    fs::write(dir.join(name), content).unwrap();
                    drop(Transaction::begin(dir));
                    drop(untorn::snapshot(dir));
                    drop(options().open(&path).and_then(|p| p.append(RECORDS[1])));
                    drop(fs::remove_file(dir.join(name)));
                }
            }
        }
        "torn" => {
            fs::write(&path, "{}\n{\"to").unwrap();
            fs::write(dir.join("p.torn"), data).unwrap();
            drop(options().open(&path).and_then(|p| p.append(RECORDS[1])));
        }
        "journal" => {
            fs::write(&path, data).unwrap();
            use_journal(&path, options());
        }
        "sealed" => {
            fs::write(&path, data).unwrap();
            use_journal(&path, options().sealed(true));
        }
        "header" => {
            fs::write(&path, [br#"{"type":"session""#, data].concat()).unwrap();
            use_journal(&path, options());
        }
        "key" => {
            let store = Store::options()
                .durability(Durability::Process)
                .open(dir.join("store"))
                .unwrap();
            // As a key, as the name of a directory, and as the key of a long name.
            if let Ok(key) = std::str::from_utf8(data)
                && let Ok(session) = store.session(key)
                && session
                    .journal()
                    .is_ok_and(|journal| journal.append(b"1").is_ok())
            {
                assert!(store.keys().unwrap().iter().any(|there| there == key));
                for entry in fs::read_dir(dir.join("store")).unwrap() {
                    let place = entry.unwrap().path().join(".untorn.key");
                    if place.exists() {
                        fs::write(place, data.repeat(2)).unwrap();
                    }
                }
            }
            drop(store.keys());
        }
        other => panic!("no such target: {other}"),
    }
}

fn make(path: &Path) {
    let journal = options().open(path).unwrap();
    if journal.header().unwrap().is_none() {
        journal.set_header(HEADER).unwrap();
    }
    journal.append_all(RECORDS).unwrap();
}

fn use_journal(path: &Path, options: JournalOptions) {
    drop(FileLock::options().shared(true).acquire(path));
    let Ok(journal) = options.open(path) else {
        return;
    };
    // First as a reader, who settles nothing.
    for _ in 0..2 {
        drop(journal.header());
        drop(journal.end());
        drop(journal.tail(3));
        if let Ok(records) = journal.records() {
            for record in records {
                if record.is_err() {
                    break;
                }
            }
        }
        drop(journal.verify());
        let there = journal.append(RECORDS[1]).is_ok();
        if there {
            let last = journal.tail(1).unwrap();
            assert!(last.last().is_some(), "what was appended is there");
        }
        drop(journal.append_all(RECORDS));
        drop(journal.set_header(br#"{"type":"session","m":1}"#));
    }
}

/// The same with the checksums that a lock file or a `P.redo` has, and of this
/// journal.
fn sealed(data: &[u8], identity: Option<&[u8]>) -> Vec<u8> {
    let mut bytes = data.to_vec();
    if bytes.len() < 128 {
        return bytes;
    }
    bytes[..8].copy_from_slice(b"untorn1\n");
    bytes[64..72].copy_from_slice(b"pending\n");
    // One of the kinds that there are, mostly.
    let kind = u32::from(bytes[72] % 8);
    bytes[72..76].copy_from_slice(&kind.to_le_bytes());
    if let Some(identity) = identity
        && matches!(kind, 1 | 2)
    {
        bytes[80..104].copy_from_slice(identity);
    }
    if kind == 6 {
        let sum = crc32c::crc32c(&bytes[128..]).to_le_bytes();
        bytes[76..80].copy_from_slice(&sum);
    }
    let end = bytes.len();
    if kind == 2 && end >= 140 {
        let sum = crc32c::crc32c(&bytes[128..end - 4]).to_le_bytes();
        bytes[end - 4..].copy_from_slice(&sum);
    }
    for at in [0, 64] {
        let sum = crc32c::crc32c(&bytes[at..at + 60]).to_le_bytes();
        bytes[at + 60..at + 64].copy_from_slice(&sum);
    }
    bytes
}

/// The same as the body of a manifest that is whole.
fn manifest(data: &[u8]) -> Vec<u8> {
    let first = format!(
        "untorn transaction 1 {:08x} {}\n",
        crc32c::crc32c(data),
        data.len()
    );
    [first.as_bytes(), data].concat()
}
