//! Followers, folds and searches of the crate.

use std::time::Duration;

use untorn::{CallOptions, ErrorKind, FollowItem, Position};

use crate::sessions::{sessions, texts};
use crate::store::store;

fn records(follow: &mut untorn::Follow, n: usize) -> Vec<String> {
    let mut found = Vec::new();
    while found.len() < n {
        match follow.next(&CallOptions::new()).unwrap() {
            Some(FollowItem::Record(record)) => {
                found.push(String::from_utf8(record.bytes).unwrap());
            }
            other => panic!("{other:?}"),
        }
    }
    found
}

#[test]
fn a_follower_yields_each_record_once_from_where_it_left_off() {
    let store = store();
    let journal = sessions(&store).session("k").unwrap().journal().unwrap();
    let nothing = Position {
        generation: 0,
        offset: 0,
    };
    let mut all = journal.follow(Some(nothing)).unwrap();
    let now = CallOptions::new().timeout(Some(Duration::ZERO));
    assert!(all.next(&now).unwrap().is_none());
    let writer = {
        let journal = sessions(&store).session("k").unwrap().journal().unwrap();
        std::thread::spawn(move || {
            for n in 0..100 {
                journal.append(n.to_string().as_bytes()).unwrap();
            }
        })
    };
    let expected: Vec<_> = (0..100).map(|n| n.to_string()).collect();
    assert_eq!(records(&mut all, 40), expected[..40]);
    let mut rest = journal.follow(Some(all.position())).unwrap();
    assert_eq!(records(&mut rest, 60), expected[40..]);
    assert_eq!(records(&mut all, 60), expected[40..]);
    writer.join().unwrap();
    let mut news = journal.follow(None).unwrap();
    assert!(news.next(&now).unwrap().is_none());
    journal.append(b"\"new\"").unwrap();
    assert_eq!(records(&mut news, 1), ["\"new\""]);
}

#[test]
fn a_follower_reports_a_rewrite_a_removal_and_a_new_journal() {
    let store = store();
    let sessions = sessions(&store);
    let journal = sessions.session("k").unwrap().journal().unwrap();
    journal.append_all(["1", "2"]).unwrap();
    let mut follow = journal
        .follow(Some(Position {
            generation: 0,
            offset: 0,
        }))
        .unwrap();
    assert_eq!(records(&mut follow, 2), ["1", "2"]);
    let before = follow.position();
    journal.replace(["3"]).unwrap();
    let Some(FollowItem::Rewound { from, to }) = follow.next(&CallOptions::new()).unwrap() else {
        panic!("what was yielded is gone");
    };
    assert_eq!((from, to.offset), (before, 0));
    assert_eq!(records(&mut follow, 1), ["3"]);
    sessions.remove("k").unwrap();
    let gone = follow.next(&CallOptions::new()).unwrap();
    assert!(matches!(gone, Some(FollowItem::Rewound { .. })), "{gone:?}");
    journal.append(b"4").unwrap();
    assert_eq!(records(&mut follow, 1), ["4"]);
    // A stored position of a journal that was rewritten.
    let mut late = journal.follow(Some(before)).unwrap();
    assert!(matches!(
        late.next(&CallOptions::new()).unwrap(),
        Some(FollowItem::Rewound { .. })
    ));
    assert_eq!(records(&mut late, 1), ["4"]);
}

#[test]
fn a_waiting_follower_ends_when_its_call_is_cancelled_or_the_journal_closed() {
    let store = store();
    let journal = sessions(&store).session("k").unwrap().journal().unwrap();
    let token = untorn::CancelToken::new();
    let mut follow = journal.follow(None).unwrap();
    std::thread::scope(|threads| {
        let waiting = threads.spawn(|| {
            let cancelled = follow.next(&CallOptions::new().cancel(&token)).unwrap_err();
            assert_eq!(cancelled.kind(), ErrorKind::Cancelled);
            assert!(follow.next(&CallOptions::new()).unwrap().is_none());
            assert!(follow.is_closed());
        });
        token.cancel();
        journal.close();
        waiting.join().unwrap();
    });
}

#[test]
fn folds_of_many_callers_decide_by_the_whole_journal() {
    let store = store();
    let total = |journal: &untorn_postgres::Journal| {
        journal
            .fold(
                || 0_u64,
                |total, record| {
                    *total += std::str::from_utf8(record.bytes)?.parse::<u64>()?;
                    Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
                },
            )
            .unwrap()
    };
    let callers: Vec<_> = (0..5)
        .map(|_| {
            let fold = total(&sessions(&store).session("k").unwrap().journal().unwrap());
            std::thread::spawn(move || {
                for _ in 0..20 {
                    // Only while the budget lasts.
                    fold.update(|total| Ok::<_, untorn::Error>((*total < 50).then_some(b"1")))
                        .unwrap();
                }
            })
        })
        .collect();
    for caller in callers {
        caller.join().unwrap();
    }
    let journal = sessions(&store).session("k").unwrap().journal().unwrap();
    assert_eq!(texts(&journal).len(), 50);
    let fold = total(&journal);
    assert_eq!(fold.read(|total| *total).unwrap(), 50);
    assert_eq!(fold.position(), Some(journal.end().unwrap()));
    // A rewrite makes the state again.
    journal.replace(["7"]).unwrap();
    assert_eq!(fold.append(b"3").unwrap(), journal.end().unwrap());
    assert_eq!(fold.read(|total| *total).unwrap(), 10);
    // A record that `apply` refuses.
    let refused = fold.append(b"\"x\"").unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::InvalidRecord);
    assert!(std::error::Error::source(&refused).is_some());
    assert_eq!(
        fold.read(|total| *total).unwrap_err().kind(),
        ErrorKind::InvalidRecord
    );
}

#[test]
fn a_search_finds_what_it_finds_in_files() {
    let store = store();
    let sessions = sessions(&store);
    let dir = tempfile::tempdir().unwrap();
    let files = untorn::Store::options()
        .journal_name("session.jsonl")
        .open(dir.path())
        .unwrap();
    let lines = [
        r#"{"text":"Gr\u00fc\u00dfe"}"#,
        r#"{"text":"GRÜN"}"#,
        r#"{"text":"x"}"#,
    ];
    for key in ["b", "a", "../x"] {
        files
            .session(key)
            .unwrap()
            .journal()
            .unwrap()
            .append_all(lines)
            .unwrap();
        sessions
            .session(key)
            .unwrap()
            .journal()
            .unwrap()
            .append_all(lines)
            .unwrap();
    }
    for most in [1, 3, 100] {
        let plain = |hits: Vec<untorn::Hit>| -> Vec<_> {
            hits.into_iter()
                .map(|hit| (hit.key, hit.position.offset, hit.snippet, hit.range))
                .collect()
        };
        assert_eq!(
            plain(sessions.search("grü").max_hits(most).run().unwrap()),
            plain(files.search("grü").max_hits(most).run().unwrap())
        );
    }
    assert_eq!(
        sessions.search("").run().unwrap_err().kind(),
        ErrorKind::InvalidArgument
    );
    // It reports how far it is, and is cancelled in the middle.
    let all = 3 * (lines.iter().map(|line| line.len() as u64 + 1).sum::<u64>());
    let told = std::sync::Mutex::new(Vec::new());
    let tell = |progress: untorn::Progress| told.lock().unwrap().push(progress);
    let search = sessions.search("x");
    search
        .run_with(&CallOptions::new().progress(&tell))
        .unwrap();
    let last = *told.lock().unwrap().last().unwrap();
    assert_eq!((last.done, last.total), (all, all));
    let token = untorn::CancelToken::new();
    token.cancel();
    let cancelled = search.run_with(&CallOptions::new().cancel(&token));
    assert_eq!(cancelled.unwrap_err().kind(), ErrorKind::Cancelled);
}
