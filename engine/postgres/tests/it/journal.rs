//! Journals of the crate: the same records as of a file, through broken connections.

use std::ops::{Deref, DerefMut};
use std::path::Path;
use std::sync::{Arc, Mutex};

use postgres::Client;
use untorn::ErrorKind;
use untorn_postgres::{Error, Terms};

use crate::client::{append, claim};
use crate::proxy::{Break, From, Plan, Proxy};
use crate::server::connect;
use crate::store::{Store, store};

/// A pool of one connection.
type Slot = Arc<Mutex<Option<Client>>>;

struct Own(Option<Client>, Slot);

impl Deref for Own {
    type Target = Client;
    fn deref(&self) -> &Client {
        self.0.as_ref().unwrap()
    }
}

impl DerefMut for Own {
    fn deref_mut(&mut self) -> &mut Client {
        self.0.as_mut().unwrap()
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        *self.1.lock().unwrap() = self.0.take().filter(|client| !client.is_closed());
    }
}

fn sessions_at(dir: &Path, schema: &str) -> untorn_postgres::Store {
    let (dir, slot) = (dir.to_owned(), Slot::default());
    let connection = move || {
        let idle = slot.lock().unwrap().take();
        let client = idle.map_or_else(|| connect(&dir, "untorn"), Ok)?;
        Ok::<_, postgres::Error>(Own(Some(client), slot.clone()))
    };
    untorn_postgres::Store::new(connection, schema)
}

fn sessions(store: &Store) -> untorn_postgres::Store {
    sessions_at(&store.dir, &store.schema)
}

fn journal(store: &Store, key: &str) -> untorn_postgres::Journal {
    let options = untorn::Journal::options();
    sessions(store)
        .journal(key, "session.jsonl", options)
        .unwrap()
}

fn texts(journal: &untorn_postgres::Journal) -> Vec<String> {
    let records = journal.records().unwrap();
    records
        .map(|record| String::from_utf8(record.unwrap().bytes).unwrap())
        .collect()
}

#[test]
fn a_journal_in_the_database_reads_as_the_same_bytes_in_a_file() {
    let store = store();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f.jsonl");
    let mut bytes = b"\xef\xbb\xbf{\"a\":1}\r\n\n\0\0{\"a\":3}\n{\"a\":4}{\"b\"\n\xff\n".to_vec();
    bytes.extend(
        format!("{{\"text\":\"{}\"}}\n", "x".repeat(300))
            .repeat(2000)
            .as_bytes(),
    );
    bytes.extend(b"{\"torn");
    std::fs::write(&path, &bytes).unwrap();
    append(&mut store.connect(), "k", &bytes);
    let (file, kept) = (untorn::Journal::open(&path).unwrap(), journal(&store, "k"));
    let offsets = |tail: Vec<untorn::OwnedRecord>| -> Vec<_> {
        tail.into_iter()
            .map(|record| (record.bytes, record.start.offset, record.end.offset))
            .collect()
    };
    assert_eq!(
        offsets(kept.tail(30).unwrap()),
        offsets(file.tail(30).unwrap())
    );
    let (one, other) = (kept.verify().unwrap(), file.verify().unwrap());
    assert_eq!(
        (one.records, one.damage, one.notes),
        (other.records, other.damage, other.notes)
    );
    assert_eq!(kept.end().unwrap().offset, file.end().unwrap().offset);
    assert!(kept.records().unwrap().eq_by_bytes(file.records().unwrap()));
}

trait ByBytes {
    fn eq_by_bytes(self, other: untorn::Records) -> bool;
}

impl ByBytes for untorn::Records {
    fn eq_by_bytes(self, other: untorn::Records) -> bool {
        self.map(|record| record.unwrap().bytes)
            .eq(other.map(|record| record.unwrap().bytes))
    }
}

#[test]
fn appends_are_checked_and_compare_the_end_and_the_lease() {
    let store = store();
    let journal = journal(&store, "k");
    assert!(texts(&journal).is_empty());
    let refused = journal.append(b"1 2").unwrap_err();
    assert_eq!(refused.kind(), Some(ErrorKind::InvalidRecord));
    let one = journal.append(b"1").unwrap();
    let two = journal.append(b"2").unwrap();
    let mut batch = journal.batch();
    batch.push(b"3").unwrap();
    batch.push(b"4").unwrap();
    let at = |at| Terms {
        at: Some(at),
        ..Terms::default()
    };
    let conflict = journal.append_batch(&batch, at(one)).unwrap_err();
    assert_eq!(conflict.kind(), Some(ErrorKind::Conflict));
    assert!(
        matches!(&conflict, Error::Refused { detail: Some(detail), .. } if detail.contains("\"end\": 4"))
    );
    let end = journal.append_batch(&batch, at(two)).unwrap();
    assert_eq!(journal.end().unwrap(), end);
    assert_eq!(texts(&journal), ["1", "2", "3", "4"]);
    let from: Vec<_> = journal
        .records_from(one)
        .unwrap()
        .map(|record| record.unwrap().bytes)
        .collect();
    assert_eq!(from, [b"2", b"3", b"4"]);

    let mut c = store.connect();
    let token = claim(&mut c, "k", "owner", "1 ms").unwrap();
    let under = Terms {
        token: Some(token),
        durable: false,
        ..Terms::default()
    };
    journal.append_batch(&batch, under).unwrap();
    while claim(&mut c, "k", "next", "1 h").is_err() {}
    let lost = journal.append_batch(&batch, under).unwrap_err();
    assert!(lost.is_lease_lost(), "{lost}");
    assert_eq!(texts(&journal).len(), 6);

    // A rewrite: the old positions are no places of the new bytes.
    c.batch_execute("call put('k', 'session.jsonl', E'9\\n')")
        .unwrap();
    let stale = journal.records_from(one).err().unwrap();
    assert_eq!(stale.kind(), ErrorKind::Conflict);
    assert_eq!(texts(&journal), ["9"]);
}

#[test]
fn appends_and_reads_survive_a_connection_that_breaks_at_any_message() {
    let store = store();
    let proxy = Proxy::new(&store.dir);
    let proxied = Store {
        dir: proxy.dir.path().to_owned(),
        schema: store.schema.clone(),
    };
    let journal = journal(&proxied, "k");
    let mut count = 0;
    let mut broken = 0;
    for from in [From::Client, From::Server] {
        for how in [Break::Before, Break::Half, Break::After] {
            for message in 0.. {
                proxy.plan(Plan { from, message, how });
                count += 1;
                journal.append(count.to_string().as_bytes()).unwrap();
                if !proxy.has_broken() {
                    break;
                }
                broken += 1;
            }
            // A tail takes many statements, so a part of its messages is tried.
            for message in (fastrand::u32(..5)..).step_by(11) {
                proxy.plan(Plan { from, message, how });
                let last = journal.tail(1).unwrap();
                assert_eq!(last[0].bytes, count.to_string().as_bytes());
                if !proxy.has_broken() {
                    break;
                }
                broken += 1;
            }
        }
    }
    assert_eq!(
        texts(&journal),
        (1..=count).map(|n| n.to_string()).collect::<Vec<_>>()
    );
    assert!(broken > 40, "only {broken} messages");
}

#[test]
fn an_error_says_what_is_missing() {
    let store = store();
    let nowhere = sessions_at(&store.dir, "nowhere");
    let journal = nowhere
        .journal("k", "j", untorn::Journal::options())
        .unwrap();
    let error = journal.append(b"1").unwrap_err();
    assert!(error.to_string().contains("nowhere"), "{error}");
    let gone = sessions_at(Path::new("/nonexistent"), "s");
    let journal = gone.journal("k", "j", untorn::Journal::options()).unwrap();
    let error = journal.append(b"1").unwrap_err();
    assert!(matches!(error, Error::Unknown { .. }), "{error:?}");
    assert!(journal.end().is_err());
}
