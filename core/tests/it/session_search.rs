//! Searching all sessions of a store.

use std::fs;

use crate::scene::Scene;
use crate::scene::lane::rounds;
#[cfg(unix)]
use crate::scene::program::say;
use untorn::fault::{Op, Plan};
use untorn::{CallOptions, CancelToken, Durability, ErrorKind, Format, Hit, Store};

fn store(scene: &Scene) -> Store {
    Store::options()
        .durability(Durability::Process)
        .open(scene.dir())
        .unwrap()
}

fn write(store: &Store, key: &str, records: &[&str]) {
    let journal = store.session(key).unwrap().journal().unwrap();
    journal.append_all(records).unwrap();
}

fn matched(hit: &Hit) -> &str {
    &hit.snippet[hit.range.0..hit.range.1]
}

#[test]
fn in_all_sessions_in_any_case() {
    let scene = Scene::new();
    let store = store(&scene);
    write(&store, "b", &[r#"{"t":"no"}"#, r#"{"t":"The Needle"}"#]);
    write(
        &store,
        "A",
        &[r#"{"t":"NEEDLE and needle"}"#, r#"{"t":"n\u0065edle"}"#],
    );
    store.session("empty").unwrap().media("x").unwrap();
    let hits = store.search("needle").run().unwrap();
    let found: Vec<_> = hits
        .iter()
        .map(|hit| (&hit.key[..], matched(hit)))
        .collect();
    assert_eq!(found, [("A", "NEEDLE"), ("A", "needle"), ("b", "Needle")]);
    assert_eq!(hits[0].snippet, r#"{"t":"NEEDLE and needle"}"#);
    // The position leads to the record.
    let journal = store.session("b").unwrap().journal().unwrap();
    let mut records = journal.records_from(hits[2].position).unwrap();
    let record = records.next_record().unwrap().unwrap();
    assert_eq!(record.bytes, br#"{"t":"The Needle"}"#);
    assert_eq!(store.search("needle").max_hits(2).run().unwrap(), hits[..2]);
    assert_eq!(store.search("needle").max_hits(0).run().unwrap(), []);
    assert_eq!(store.search("absent").run().unwrap(), []);
    let error = store.search("").run().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
}

#[test]
fn snippets_are_cut_between_characters() {
    let scene = Scene::new();
    let store = store(&scene);
    let crabs = "\u{1f980}".repeat(500);
    let escaped = r"\ud83e\udd80".repeat(500);
    write(&store, "raw", &[&format!("[\"{crabs}K\u{e4}se{crabs}\"]")]);
    write(
        &store,
        "escaped",
        &[&format!("[\"{escaped}k\\u00e4se{escaped}\"]")],
    );
    write(&store, "short", &["[\"k\u{c4}SE\"]"]);
    let hits = store.search("K\u{c4}SE").run().unwrap();
    assert_eq!(hits.len(), 3);
    for hit in &hits {
        assert_eq!(matched(hit).to_lowercase(), "k\u{e4}se");
        if hit.key != "short" {
            let before = &hit.snippet[..hit.range.0];
            let behind = &hit.snippet[hit.range.1..];
            assert!(before.chars().count() == 60, "{before:?}");
            assert_eq!(behind.chars().count(), 60);
            assert!(
                before.chars().all(|letter| letter == '\u{1f980}'),
                "{before:?}"
            );
            assert!(
                behind.chars().all(|letter| letter == '\u{1f980}'),
                "{behind:?}"
            );
        }
    }
}

/// A journal that is longer than a piece, found by each number of threads the
/// same; also where a line is longer than a piece.
#[test]
fn a_long_journal_is_shared_out() {
    let scene = Scene::new();
    let store = store(&scene);
    let path = store.session("long").unwrap().media("x").unwrap();
    let path = path.parent().unwrap().with_file_name("journal.jsonl");
    let mut file = String::new();
    let mut expected = Vec::new();
    let mut fillers = Vec::new();
    let filler = "f".repeat(1000);
    for n in 0..12_000 {
        if n == 8_000 {
            file.push_str(&format!("[\"{}\"]\n", "g".repeat(9 << 20)));
        }
        if n % 1000 == 7 {
            expected.push(file.len() as u64);
            file.push_str(&format!("[{n},\"the Needle\"]\n"));
        } else {
            fillers.push(file.len() as u64);
            file.push_str(&format!("[{n},\"{filler}\"]\n"));
        }
    }
    fs::write(&path, &file).unwrap();
    // Also the records at the ends of the pieces: each once.
    let hits = store.search("FFF").max_hits(usize::MAX).run().unwrap();
    let found: Vec<u64> = hits.iter().map(|hit| hit.position.offset).collect();
    assert_eq!(found, fillers);
    for threads in [1, 3] {
        for most in [usize::MAX, 5] {
            let hits = store
                .search("needle")
                .threads(threads)
                .max_hits(most)
                .run()
                .unwrap();
            let found: Vec<u64> = hits.iter().map(|hit| hit.position.offset).collect();
            assert_eq!(
                found,
                expected[..most.min(expected.len())],
                "{threads} {most}"
            );
        }
    }
}

/// Short records, long ones, and what lies across the ends of buffers.
#[test]
fn every_record_is_looked_at() {
    let scene = Scene::new();
    let store = store(&scene);
    let mut expected = Vec::new();
    let session = store.session("s").unwrap();
    let journal = session.journal().unwrap();
    let mut batch = journal.batch();
    for n in 0..3000_usize {
        let record = format!("[\"{}nEEdle{n}\"]", "x".repeat(n % 700));
        batch.push(record.as_bytes()).unwrap();
        expected.push(format!("needle{n}"));
    }
    journal
        .append_batch(&batch, None, &CallOptions::new())
        .unwrap();
    let hits = store.search("needle").max_hits(usize::MAX).run().unwrap();
    assert_eq!(hits.len(), expected.len());
    for (hit, expected) in hits.iter().zip(&expected) {
        assert!(
            hit.snippet.to_lowercase().contains(expected),
            "{}",
            hit.snippet
        );
    }
}

#[test]
fn lines_are_what_they_are() {
    let scene = Scene::new();
    let store = Store::options()
        .format(Format::Lines)
        .journal_name("log.txt")
        .open(scene.dir())
        .unwrap();
    write(&store, "s", &[r"a\u0041", r"C:\New", "\u{c4}rger"]);
    let find = |text: &str| store.search(text).run().unwrap().len();
    assert_eq!(find(r"\u0041"), 1);
    assert_eq!(find("aA"), 0);
    assert_eq!(find(r":\n"), 1);
    assert_eq!(find("\u{e4}RGER"), 1);
}

#[test]
fn what_is_damaged_or_gone_is_no_hindrance() {
    let scene = Scene::new();
    let store = store(&scene);
    let path = store.session("s").unwrap().media("x").unwrap();
    let path = path.parent().unwrap().with_file_name("journal.jsonl");
    fs::write(path, b"\0\0needle\n[\"needle\xff\"]\n\n[\"torn needle").unwrap();
    let hits = store.search("needle").run().unwrap();
    assert_eq!(hits.len(), 1);
    assert_eq!(hits[0].snippet, "[\"needle\u{fffd}\"]");
}

/// In a large store, most journals are short and don't have the text.
#[test]
fn a_short_journal_without_the_text_is_read_and_not_opened_as_a_journal() {
    let scene = Scene::new();
    let store = store(&scene);
    for key in ["a", "b", "c"] {
        write(&store, key, &[r#"{"t":"no"}"#]);
    }
    let search = store.search("needle").threads(1);
    let (hits, calls) = Plan::new().run(|| search.run());
    assert_eq!(hits.unwrap(), []);
    let mut expected = vec![Op::List];
    expected.extend([Op::Open, Op::Read, Op::Read].repeat(3));
    assert_eq!(calls, expected);
    write(&store, "b", &[r#"{"t":"needle"}"#]);
    assert_eq!(store.search("needle").run().unwrap()[0].key, "b");
}

#[test]
fn a_journal_that_is_another_kind_of_file_ends_the_search() {
    let scene = Scene::new();
    let store = store(&scene);
    write(&store, "a", &["1"]);
    let journal = store.session("a").unwrap().journal().unwrap();
    fs::write(journal.path(), b"\x1f\x8b\x08\0\0\0\0\0\0\x03").unwrap();
    let refused = journal.records().unwrap().next_record().unwrap_err();
    let error = store.search("needle").run().unwrap_err();
    assert_eq!(error.to_string(), refused.to_string());
}

#[test]
fn a_search_can_be_cancelled() {
    let scene = Scene::new();
    let store = store(&scene);
    let path = store.session("s").unwrap().media("x").unwrap();
    let path = path.parent().unwrap().with_file_name("journal.jsonl");
    fs::write(path, "[\"some text\"]\n".repeat(1 << 20)).unwrap();
    let token = CancelToken::new();
    token.cancel();
    let error = store
        .search("needle")
        .run_with(&CallOptions::new().cancel(&token))
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled);
}

/// While sessions come, go, grow and are rewritten.
#[test]
fn among_writers() {
    let scene = Scene::new();
    let store = store(&scene);
    write(&store, "still", &["[\"needle\"]"]);
    let big = store.session("big").unwrap();
    let filler = format!("[\"{}\"]", "f".repeat(1 << 20));
    write(&store, "big", &[&filler[..]; 12]);
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|threads| {
        threads.spawn(|| {
            for n in 0.. {
                if stop.load(std::sync::atomic::Ordering::Relaxed) {
                    break;
                }
                write(&store, "short-lived", &["[\"needle\"]"; 50]);
                write(&store, "big", &[&filler]);
                if n % 4 == 0 {
                    big.journal().unwrap().replace([&filler; 12]).unwrap();
                }
                assert!(store.remove("short-lived").unwrap());
            }
        });
        for _ in 0..rounds(2, 6) {
            match store.search("needle").run() {
                Ok(hits) => {
                    assert!(hits.iter().any(|hit| hit.key == "still"));
                    assert!(hits.iter().all(|hit| matched(hit) == "needle"));
                }
                // Another thread rewrites all the time.
                Err(error) => assert_eq!(error.kind(), ErrorKind::Conflict, "{error}"),
            }
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
    });
}

/// What was measured for the documentation, in bytes a second of one processor,
/// as the machine has other work too: `cargo test --release -p untorn --test
/// session_search -- --ignored --nocapture`.
#[cfg(unix)]
#[test]
#[ignore = "a measurement"]
fn speed() {
    let words = [
        "alpha",
        "beta",
        "\\u00fcber",
        "gamma",
        "{}",
        "error",
        "the",
        "user\\n",
    ];
    for (sessions, length) in [(100, 400), (2000, 400), (100, 60), (4, 5000)] {
        let scene = Scene::new();
        let store = store(&scene);
        let mut total = 0;
        for n in 0..sessions {
            let path = store.session(&format!("s{n}")).unwrap().media("x").unwrap();
            let path = path.parent().unwrap().with_file_name("journal.jsonl");
            let mut text = String::new();
            while text.len() < 200_000_000 / sessions {
                text.push_str("{\"role\":\"user\",\"text\":\"");
                let start = text.len();
                while text.len() < start + length {
                    text.push_str(words[fastrand::usize(..words.len())]);
                    text.push(' ');
                }
                text.push_str("\"}\n");
            }
            total += text.len();
            fs::write(path, &text).unwrap();
        }
        for needle in ["needle in a haystack", "zzz", "gamma delta", "\u{fc}bel"] {
            let search = store.search(needle).threads(2);
            let spent = (0..3)
                .map(|_| {
                    let before = processor_time();
                    assert_eq!(search.run().unwrap(), []);
                    processor_time() - before
                })
                .fold(f64::INFINITY, f64::min);
            let speed = total as f64 / spent / 1e9;
            say(&format!(
                "{sessions} sessions, records of {length}, {needle:?}: {speed:.2} GB/s"
            ));
        }
    }
}

/// Seconds of this process so far.
#[cfg(unix)]
fn processor_time() -> f64 {
    // SAFETY: zeros are a value of it, and it is ours.
    let used = unsafe {
        let mut used: libc::rusage = std::mem::zeroed();
        assert_eq!(libc::getrusage(libc::RUSAGE_SELF, &raw mut used), 0);
        used
    };
    let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 / 1e6;
    seconds(used.ru_utime) + seconds(used.ru_stime)
}
