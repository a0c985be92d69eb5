//! Histories of many callers at once, judged by judge.rs.

use std::sync::Arc;
use std::time::Instant;

use crate::client::{Terms, append_with, commit, kind, records};
use crate::judge::{self, Did, Event};
use crate::store::store;

#[test]
fn histories_of_appends_reads_and_swaps_are_linearizable() {
    let store = store();
    let mut c = store.connect();
    let made = commit(
        &mut c,
        "k",
        &[("create", "d", b"0", None, None)],
        None,
        None,
        false,
    )
    .unwrap();
    let first = made.get::<_, Vec<i64>>("generations")[0];
    append_with(&mut c, "k", b"first\n", &Terms::default()).unwrap();
    let began = Arc::new(Instant::now());
    let callers: Vec<_> = (0..6)
        .map(|caller| {
            let mut c = store.connect();
            let began = began.clone();
            std::thread::spawn(move || {
                let mut events = Vec::new();
                let mut random = fastrand::Rng::with_seed(caller);
                for i in 0..80 {
                    let now = || u64::try_from(began.elapsed().as_nanos()).unwrap();
                    let record = format!("\"{caller}-{i}-{}\"", "x".repeat(random.usize(..9)));
                    let line = format!("{record}\n").into_bytes();
                    let end = |c: &mut postgres::Client| -> i64 {
                        c.query_one("select size from read('k', 'session.jsonl', 0, 0)", &[])
                            .unwrap()
                            .get(0)
                    };
                    let choice = random.u8(..5);
                    let at = if choice == 1 { end(&mut c) } else { 0 };
                    let version: i64 = match choice {
                        2 => c
                            .query_one("select generation_now from read('k', 'd')", &[])
                            .unwrap()
                            .get(0),
                        _ => 0,
                    };
                    let start = now();
                    let did = match choice {
                        0 => {
                            let terms = Terms {
                                weak: random.bool(),
                                ..Terms::default()
                            };
                            let end = append_with(&mut c, "k", &line, &terms).unwrap().end;
                            Did::Append {
                                record,
                                end: Some(end),
                            }
                        }
                        1 => {
                            let terms = Terms {
                                end: Some(at),
                                ..Terms::default()
                            };
                            let done = append_with(&mut c, "k", &line, &terms);
                            if done.is_err() {
                                assert_eq!(kind(&done), "CONFLICT");
                            }
                            Did::AppendAt {
                                record,
                                at,
                                refused: done.is_err(),
                                end: done.ok().map(|done| done.end),
                            }
                        }
                        2 => match commit(
                            &mut c,
                            "k",
                            &[("put", "d", line.as_slice(), Some(version), None)],
                            None,
                            None,
                            false,
                        ) {
                            Ok(row) => Did::Swap {
                                from: version,
                                to: row.get::<_, Vec<i64>>("generations")[0],
                            },
                            refused => {
                                assert_eq!(kind(&refused), "CONFLICT");
                                continue;
                            }
                        },
                        3 => Did::Version(
                            c.query_one("select generation_now from read('k', 'd')", &[])
                                .unwrap()
                                .get(0),
                        ),
                        _ => Did::End(end(&mut c)),
                    };
                    events.push(Event {
                        time: start..now(),
                        did,
                    });
                }
                events
            })
        })
        .collect();
    let mut events: Vec<Event> = callers
        .into_iter()
        .flat_map(|caller| caller.join().unwrap())
        .collect();
    events.push(Event {
        time: 0..0,
        did: Did::Append {
            record: "first".into(),
            end: Some(6),
        },
    });
    let refused = events
        .iter()
        .filter(|event| matches!(event.did, Did::AppendAt { refused: true, .. }));
    assert!(refused.count() > 0, "no race: nothing was tried");
    judge::appends(&events, &records(&mut c, "k")).unwrap();
    judge::register(&events, first).unwrap();
}
