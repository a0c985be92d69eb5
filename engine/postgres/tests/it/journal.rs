//! Journals of the crate: the same records as of a file, through broken connections.

use std::path::Path;

use untorn::{CallOptions, ErrorKind};

use crate::client::append;
use crate::proxy::{Break, From, Plan, Proxy};
use crate::sessions::{options, pool, sessions, texts};
use crate::store::{Store, store};

fn journal(store: &Store, key: &str) -> untorn_postgres::Journal {
    sessions(store).session(key).unwrap().journal().unwrap()
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
fn appends_are_checked_and_compare_the_end() {
    let store = store();
    let journal = journal(&store, "k");
    assert!(texts(&journal).is_empty());
    let refused = journal.append(b"1 2").unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::InvalidRecord);
    let one = journal.append(b"1").unwrap();
    let two = journal.append(b"2").unwrap();
    let conflict = journal.append_at(one, ["3"]).unwrap_err();
    assert_eq!(conflict.kind(), ErrorKind::Conflict);
    assert_eq!(conflict.position(), Some(two));
    let end = journal.append_at(two, ["3", "4"]).unwrap();
    assert_eq!(journal.end().unwrap(), end);
    let none = journal.batch();
    let call = CallOptions::new();
    assert_eq!(journal.append_batch(&none, Some(end), &call).unwrap(), end);
    let stale = journal.append_batch(&none, Some(two), &call).unwrap_err();
    assert_eq!(stale.kind(), ErrorKind::Conflict);
    assert_eq!(texts(&journal), ["1", "2", "3", "4"]);
    let from: Vec<_> = journal
        .records_from(one)
        .unwrap()
        .map(|record| record.unwrap().bytes)
        .collect();
    assert_eq!(from, [b"2", b"3", b"4"]);
    let other = sessions(&store)
        .session("other")
        .unwrap()
        .journal()
        .unwrap();
    let foreign = journal.append_batch(&other.batch(), None, &call);
    assert_eq!(foreign.unwrap_err().kind(), ErrorKind::InvalidArgument);

    // A rewrite: the old positions are no places of the new bytes.
    let kept = journal.rewind(two).unwrap();
    assert_eq!(kept.as_deref(), Some("session_1.jsonl"));
    let back = journal.end().unwrap();
    assert_eq!(texts(&journal), ["1", "2"]);
    assert!(back.generation > two.generation && back.offset == two.offset);
    assert_eq!(journal.rewind(end).unwrap_err().kind(), ErrorKind::Conflict);
    journal.replace(["9"]).unwrap();
    let stale = journal.records_from(back).err().unwrap();
    assert_eq!(stale.kind(), ErrorKind::Conflict);
    assert_eq!(texts(&journal), ["9"]);
}

#[test]
fn an_append_after_a_torn_tail_begins_a_line_of_its_own() {
    let store = store();
    let mut c = store.connect();
    append(&mut c, "k", b"{\"a\":1}\n{\"to");
    append(&mut c, "k", b"rn");
    let journal = journal(&store, "k");
    let end = journal.end().unwrap();
    assert_eq!(end.offset, 8);
    // The end as readers see it, before the torn tail.
    let moved = journal.append_at(end, ["2"]).unwrap_err();
    assert_eq!(moved.kind(), ErrorKind::Conflict);
    let end = moved.position().unwrap();
    assert_eq!(end.offset, 15);
    let end = journal.append_at(end, ["2"]).unwrap();
    assert_eq!(journal.end().unwrap(), end);
    journal.append(b"3").unwrap();
    let other = sessions(&store)
        .session("other")
        .unwrap()
        .journal()
        .unwrap();
    append(&mut c, "other", b"{\"torn");
    other.append(b"3").unwrap();
    assert_eq!(texts(&other), ["{\"torn", "3"]);
    assert_eq!(texts(&journal), ["{\"a\":1}", "{\"torn", "2", "3"]);
    assert_eq!(journal.verify().unwrap().damage_count, 1);
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
    let error = options().open(pool(&store.dir), "nowhere").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.to_string().contains("run the migrations"), "{error}");
    let short = options().patience(std::time::Duration::ZERO);
    let gone = short.clone().open(pool(Path::new("/nonexistent")), "s");
    let error = gone.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    assert!(error.to_string().contains("nothing was changed"), "{error}");

    let mut c = store.connect();
    c.batch_execute("insert into migration values (99)")
        .unwrap();
    let newer = short
        .clone()
        .open(pool(&store.dir), &store.schema)
        .unwrap_err();
    assert_eq!(newer.kind(), ErrorKind::Conflict);
    assert!(
        newer.to_string().contains("update untorn-postgres"),
        "{newer}"
    );
    c.batch_execute("delete from migration where version > 5")
        .unwrap();
    let older = short.open(pool(&store.dir), &store.schema).unwrap_err();
    assert!(older.to_string().contains("run the migrations"), "{older}");
}
