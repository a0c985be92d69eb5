//! Rewrites, rotated files and headers of the crate.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use untorn::{CallOptions, ErrorKind, FollowItem, JournalOptions, Position};
use untorn_postgres::Journal;

use crate::client::{claim, kind, new_id, records};
use crate::sessions::{options, pool, sessions, texts};
use crate::store::{Store, store};

const NOTHING: Position = Position {
    generation: 0,
    offset: 0,
};

fn journal(store: &Store) -> Journal {
    sessions(store).session("k").unwrap().journal().unwrap()
}

fn with(store: &Store, journal: JournalOptions) -> Journal {
    let store = options()
        .journal(journal)
        .open(pool(&store.dir), &store.schema)
        .unwrap();
    store.session("k").unwrap().journal().unwrap()
}

/// What a follower has now: a record's text, or `rewound to N`.
fn news(follow: &mut untorn::Follow) -> Vec<String> {
    let now = CallOptions::new().timeout(Some(Duration::ZERO));
    let mut all = Vec::new();
    while let Some(item) = follow.next(&now).unwrap() {
        all.push(match item {
            FollowItem::Record(record) => String::from_utf8(record.bytes).unwrap(),
            FollowItem::Rewound { to, .. } => format!("rewound to {}", to.offset),
            other => panic!("{other:?}"),
        });
    }
    all
}

#[test]
fn a_follower_reads_the_rotated_files_that_it_has_not_seen() {
    let store = store();
    let journal = journal(&store);
    journal.append(b"1").unwrap();
    let mut behind = journal.follow(Some(NOTHING)).unwrap();
    assert_eq!(news(&mut behind), ["1"]);
    let mut far_behind = journal.follow(Some(behind.position())).unwrap();
    for n in 2..5 {
        journal.append(n.to_string().as_bytes()).unwrap();
        let kept = journal.rotate().unwrap().unwrap();
        assert_eq!(kept, format!("session_{}.jsonl", n - 1));
    }
    assert_eq!(journal.rotate().unwrap(), None);
    journal.append(b"5").unwrap();
    assert_eq!(news(&mut behind), ["2", "3", "4", "5"]);
    // A follower of a stored position, and one whose next file is removed.
    let stored = behind.position();
    let mut late = journal.follow(Some(far_behind.position())).unwrap();
    assert_eq!(news(&mut late), ["2", "3", "4", "5"]);
    assert_eq!(journal.prune_rotated(1, Duration::ZERO).unwrap(), 2);
    assert_eq!(news(&mut far_behind), ["rewound to 0", "4", "5"]);
    assert_eq!(news(&mut journal.follow(Some(stored)).unwrap()), [""; 0]);
    // Nothing of the last generation was missed.
    journal.clear().unwrap();
    journal.append(b"6").unwrap();
    assert_eq!(journal.prune_rotated(0, Duration::ZERO).unwrap(), 2);
    assert_eq!(news(&mut behind), ["6"]);
}

#[test]
fn a_follower_hears_how_far_a_rewritten_journal_is_the_same() {
    let store = store();
    let journal = journal(&store);
    let two = journal.append_all(["1", "2"]).unwrap();
    let mut follow = journal.follow(None).unwrap();
    assert_eq!(news(&mut follow), [""; 0]);
    journal.append(b"3").unwrap();
    assert_eq!(news(&mut follow), ["3"]);
    let mut at_two = journal.follow(Some(two)).unwrap();
    assert_eq!(news(&mut at_two), ["3"]);
    journal.rewind(two).unwrap();
    journal.append(b"4").unwrap();
    assert_eq!(news(&mut follow), ["rewound to 4", "4"]);
    assert_eq!(news(&mut at_two), ["rewound to 4", "4"]);
    // A stored position before what is gone.
    let mut before = journal.follow(Some(two)).unwrap();
    assert_eq!(news(&mut before), ["4"]);
    journal.compact(|rewrite| rewrite.push(b"\"all\"")).unwrap();
    assert_eq!(news(&mut before), ["rewound to 0", "\"all\""]);
}

#[test]
fn what_others_append_during_a_compaction_comes_after_it() {
    let store = store();
    let journal = journal(&store);
    journal.append_all(["1", "2", "3"]).unwrap();
    let mut rewrite = journal.begin_rewrite(&CallOptions::new()).unwrap();
    let mut other = journal.begin_rewrite(&CallOptions::new()).unwrap();
    assert_eq!(rewrite.old_bytes(), 6);
    journal.append(b"4").unwrap();
    let seen: Vec<_> = rewrite
        .records()
        .unwrap()
        .map(|record| record.unwrap().bytes)
        .collect();
    assert_eq!(seen, [b"1", b"2", b"3"]);
    rewrite.push(b"13").unwrap();
    assert_eq!(
        rewrite.push(b"1 3").unwrap_err().kind(),
        ErrorKind::InvalidRecord
    );
    let end = rewrite.commit().unwrap();
    assert_eq!(texts(&journal), ["13", "4"]);
    assert_eq!(journal.append_at(end, ["5"]).unwrap().offset, 7);
    assert_eq!(
        rewrite.commit().unwrap_err().kind(),
        ErrorKind::InvalidArgument
    );
    other.push(b"0").unwrap();
    assert_eq!(other.commit().unwrap_err().kind(), ErrorKind::Conflict);
    other.discard();
    assert_eq!(texts(&journal), ["13", "4", "5"]);
}

#[test]
fn a_rewrite_is_made_once_and_under_the_lease() {
    let store = store();
    let mut c = store.connect();
    c.batch_execute("call append('k', 'session.jsonl', E'1\\n2\\n')")
        .unwrap();
    let old = claim(&mut c, "k", "old", "1 ms").unwrap();
    std::thread::sleep(Duration::from_millis(2));
    let token = claim(&mut c, "k", "new", "1 h").unwrap();
    let id = new_id();
    let sql = "call rewrite('k', 'session.jsonl', '', 2, same => null, keep => true, token => $1, id => $2::text::uuid)";
    assert_eq!(kind(&c.query_one(sql, &[&old, &id])), "LEASE_LOST");
    let made = |c: &mut postgres::Client| {
        let row = c.query_one(sql, &[&token, &id]).unwrap();
        let of: (i64, i64, String, bool) = (row.get(0), row.get(1), row.get(2), row.get(3));
        of
    };
    let first = made(&mut c);
    assert_eq!(
        (first.1, &first.2[..], first.3),
        (2, "session_1.jsonl", false)
    );
    let again = made(&mut c);
    assert_eq!((again.0, again.1, &again.2), (first.0, 2, &first.2));
    assert!(again.3);
    assert_eq!(records(&mut c, "k"), ["1"]);
    // It belongs to the owner, as every file of the session.
    let append = "call append('k', 'session_1.jsonl', 'x', token => $1)";
    assert_eq!(kind(&c.query_one(append, &[&old])), "LEASE_LOST");
}

#[test]
fn rotated_files_are_removed_by_number_and_age_and_no_others() {
    let store = store();
    let journal = journal(&store);
    let session = sessions(&store).session("k").unwrap();
    session
        .document("session_3.jsonl")
        .unwrap()
        .save(b"mine")
        .unwrap();
    for n in 0..4 {
        journal.append(n.to_string().as_bytes()).unwrap();
        journal.rotate().unwrap();
    }
    let names = |numbers: &[u8]| -> Vec<String> {
        numbers
            .iter()
            .map(|n| format!("session_{n}.jsonl"))
            .collect()
    };
    assert_eq!(journal.rotated().unwrap(), names(&[4, 5, 6, 7]));
    // A file that was appended to is another program's now.
    let mut c = store.connect();
    c.batch_execute("call append('k', 'session_4.jsonl', 'more')")
        .unwrap();
    assert_eq!(journal.rotated().unwrap(), names(&[5, 6, 7]));
    let hour = Duration::from_secs(3600);
    assert_eq!(journal.prune_rotated(0, hour).unwrap(), 0);
    c.batch_execute("update rewritten set at = at - interval '2 h' where number in (5, 7)")
        .unwrap();
    // The one in the middle is not old enough, so the one after it stays too.
    assert_eq!(journal.prune_rotated(0, hour).unwrap(), 1);
    assert_eq!(journal.prune_rotated(2, Duration::ZERO).unwrap(), 0);
    assert_eq!(journal.rotated().unwrap(), names(&[6, 7]));
    assert_eq!(journal.prune_rotated(0, Duration::ZERO).unwrap(), 2);
    journal.append(b"8").unwrap();
    assert_eq!(
        journal.rotate().unwrap().as_deref(),
        Some("session_8.jsonl")
    );
    let left: Vec<_> = session
        .files()
        .unwrap()
        .into_iter()
        .map(|f| f.name)
        .collect();
    let mine = [
        "session.jsonl",
        "session_3.jsonl",
        "session_4.jsonl",
        "session_8.jsonl",
    ];
    assert_eq!(left, mine);
}

#[test]
fn a_stamp_keeps_positions_also_of_a_header_in_two_pieces() {
    let store = store();
    let mut c = store.connect();
    // As a copy in pieces could leave it.
    for piece in ["{\"at\":1}    ", "   \n1\n"] {
        c.execute(
            "call append('k', 'session.jsonl', $1)",
            &[&piece.as_bytes()],
        )
        .unwrap();
    }
    let options = JournalOptions::default().header_prefix("{\"at\":");
    let journal = with(&store, options);
    let end = journal.end().unwrap();
    journal.set_header(b"{\"at\":2}").unwrap();
    assert_eq!(journal.header().unwrap().unwrap(), b"{\"at\":2}");
    assert_eq!(
        journal.append_at(end, ["2"]).unwrap_err().kind(),
        ErrorKind::Conflict
    );
    let end = journal.append(b"2").unwrap();
    journal.set_header(b"{\"at\":3}").unwrap();
    let end = journal.append_at(end, ["3"]).unwrap();
    let mut batch = journal.batch();
    batch.push(b"4").unwrap();
    batch.set_header(b"{\"at\":4}").unwrap();
    let call = CallOptions::new();
    let stale = Position {
        offset: end.offset - 2,
        ..end
    };
    let refused = journal.append_batch(&batch, Some(stale), &call);
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::Conflict);
    assert_eq!(journal.header().unwrap().unwrap(), b"{\"at\":3}");
    let four = journal.append_batch(&batch, Some(end), &call).unwrap();
    assert_eq!(four, journal.end().unwrap());
    assert_eq!(journal.header().unwrap().unwrap(), b"{\"at\":4}");
    assert_eq!(texts(&journal), ["1", "2", "3", "4"]);
}

#[test]
fn sealed_records_stay_sealed_after_a_rewind_into_a_batch() {
    let store = store();
    let journal = with(&store, JournalOptions::default().sealed(true));
    journal.append_all(["1", "2", "3"]).unwrap();
    let two = journal.records().unwrap().nth(1).unwrap().unwrap().end;
    journal.rewind(two).unwrap();
    assert_eq!(journal.verify().unwrap().damage_count, 0);
    assert_eq!(journal.end().unwrap().offset, two.offset);
    journal
        .compact(|rewrite| {
            for record in rewrite.records()? {
                rewrite.push_encoded(&record?.bytes)?;
            }
            rewrite.push(b"4")
        })
        .unwrap();
    let report = journal.verify().unwrap();
    assert_eq!((report.damage_count, report.records), (0, 3));
}

struct OnDrop<'a>(&'a AtomicBool);

impl Drop for OnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

#[test]
fn writers_rotate_by_size_while_others_follow_compact_and_set_headers() {
    let store = store();
    let options = JournalOptions::default()
        .max_bytes(Some(600))
        .header_prefix("{\"at\":")
        .header_reserve(64);
    // A first header moves all records.
    with(&store, options.clone())
        .set_header(b"{\"at\":0}")
        .unwrap();
    let done = AtomicBool::new(false);
    let (rotations, writers, each) = (AtomicU64::new(0), 4_u64, 60_u64);
    std::thread::scope(|threads| {
        // Also if a writer fails: else the others never end.
        let end = OnDrop(&done);
        let follower = threads.spawn(|| {
            let journal = with(&store, options.clone());
            let mut follow = journal.follow(Some(NOTHING)).unwrap();
            let mut seen = Vec::new();
            loop {
                // Before the look: the last record must not be missed.
                let is_last = done.load(Ordering::SeqCst);
                seen.extend(news(&mut follow));
                if is_last {
                    return seen;
                }
            }
        });
        let stamper = threads.spawn(|| {
            let journal = with(&store, options.clone());
            for n in 0.. {
                if done.load(Ordering::SeqCst) {
                    break;
                }
                journal
                    .set_header(format!("{{\"at\":{n}}}").as_bytes())
                    .unwrap();
                rotations.fetch_add(
                    u64::from(journal.rotate().unwrap().is_some()),
                    Ordering::SeqCst,
                );
            }
        });
        let all: Vec<_> = (0..writers)
            .map(|writer| {
                let journal = with(&store, options.clone());
                threads.spawn(move || {
                    for n in 0..each {
                        journal
                            .append((writer * each + n).to_string().as_bytes())
                            .unwrap();
                    }
                })
            })
            .collect();
        for writer in all {
            writer.join().unwrap();
        }
        drop(end);
        stamper.join().unwrap();
        let seen = follower.join().unwrap();
        // Each record once: no rotation loses or repeats one.
        let unique: BTreeSet<_> = seen
            .iter()
            .map(|text| text.parse::<u64>().unwrap())
            .collect();
        assert_eq!(seen.len() as u64, writers * each, "{seen:?}");
        assert_eq!(unique, (0..writers * each).collect());
    });
    assert!(rotations.load(Ordering::SeqCst) > 0);
    let journal = with(&store, options);
    let files = journal.rotated().unwrap();
    let mut kept = Vec::new();
    let session = sessions(&store).session("k").unwrap();
    for file in &files {
        let rotated = session.journal_named(file).unwrap();
        kept.extend(texts(&rotated));
    }
    kept.extend(texts(&journal));
    kept.retain(|text| !text.starts_with('{'));
    assert_eq!(kept.len() as u64, writers * each);
}
