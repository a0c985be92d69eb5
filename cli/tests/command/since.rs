//! What `tail --since` prints: records by their own time.

use std::fs;
use std::time::{Duration, SystemTime};

use crate::run;

/// Seconds since 1970, this many minutes ago.
fn ago(minutes: u64) -> u64 {
    let then = SystemTime::now() - Duration::from_secs(minutes * 60);
    then.duration_since(SystemTime::UNIX_EPOCH)
        .unwrap()
        .as_secs()
}

#[test]
fn records_are_printed_by_their_time() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    let text = |name: &str, unit: u64| {
        let line =
            |minutes: u64| format!("{{\"{name}\":{},\"n\":{minutes}}}\n", ago(minutes) * unit);
        let lines: String = [300, 90, 50, 20, 1].map(line).concat();
        lines
    };
    let tail = |words: &[&str]| {
        let words = [&["tail", "--select", ".n", "j.jsonl"], words].concat();
        let (status, out, err) = run(at, &words);
        assert_eq!(status, 0, "{err}");
        (out, err)
    };
    for (name, unit) in [
        ("time", 1),
        ("timestamp", 1000),
        ("ts", 1_000_000),
        ("created_at", 1),
    ] {
        fs::write(at.join("j.jsonl"), text(name, unit)).unwrap();
        assert_eq!(tail(&["--since", "1h"]).0, "50\n20\n1\n", "{name}");
        assert_eq!(tail(&["--since", "1h", "-n", "2"]).0, "20\n1\n");
        assert_eq!(tail(&["--since", "1s"]).0, "");
        assert_eq!(tail(&["--since", "1d"]).0, "300\n90\n50\n20\n1\n");
    }
    // A member that has another name, and a record that has no time.
    let nested = text("at", 1)
        .replace("\"at\":", "\"meta\":{\"at\":")
        .replace(",\"n\"", "},\"n\"");
    fs::write(at.join("j.jsonl"), nested + "{\"n\":7}\n").unwrap();
    let (out, _) = tail(&["--since", "30m", "--time", ".meta.at"]);
    assert_eq!(out, "20\n1\n7\n");
    // Without any time it says so.
    let (out, err) = tail(&["--since", "30m"]);
    assert_eq!(out.lines().count(), 6);
    assert!(err.contains("--time PATH"), "{err}");
}

#[test]
fn a_long_journal_is_read_from_where_the_time_begins() {
    let dir = tempfile::tempdir().unwrap();
    let line = |n: u64| format!("{{\"ts\":{},\"n\":{n}}}\n", ago(10_000 - n));
    let lines: String = (0..10_000).map(line).collect();
    fs::write(dir.path().join("j.jsonl"), lines).unwrap();
    // Near the end, and farther than the search for it goes.
    for minutes in [5, 100, 5_000] {
        let since = format!("{}s", minutes * 60 + 30);
        let (status, out, _) = run(
            dir.path(),
            &["tail", "--since", &since, "--select", ".n", "j.jsonl"],
        );
        let found: Vec<u64> = out.lines().map(|line| line.parse().unwrap()).collect();
        assert_eq!(status, 0);
        assert!(found.into_iter().eq(10_000 - minutes..10_000), "{minutes}");
    }
}

#[test]
fn the_header_comes_first_on_request() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("j.jsonl"), "{\"h\":1}\n[1]\n[2]\n").unwrap();
    let tail = |words: &[&str]| {
        let words = [
            &["tail", "-n", "1", "--header-prefix", "{\"h\":", "j.jsonl"],
            words,
        ]
        .concat();
        run(dir.path(), &words).1
    };
    assert_eq!(tail(&[]), "[2]\n");
    assert_eq!(tail(&["--header"]), "{\"h\":1}\n[2]\n");
    let json = tail(&["--header", "--json"]);
    let first = "{\"header\":{\"h\":1},\"path\":\"j.jsonl\"}";
    assert_eq!(json.lines().next(), Some(first));
}

#[test]
fn files_that_did_not_change_since_are_left_out() {
    let dir = tempfile::tempdir().unwrap();
    let old = fs::File::create(dir.path().join("old.jsonl")).unwrap();
    old.set_modified(SystemTime::now() - Duration::from_secs(7200))
        .unwrap();
    fs::write(
        dir.path().join("new.jsonl"),
        format!("{{\"ts\":{}}}\n", ago(1)),
    )
    .unwrap();
    let (_, out, _) = run(dir.path(), &["tail", "--json", "--since", "1h", "."]);
    assert_eq!(out.lines().count(), 1, "{out}");
    assert!(out.contains("new.jsonl"));
}
