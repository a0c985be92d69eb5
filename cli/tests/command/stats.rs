//! What `stats` counts.

use std::fs;

use serde_json::{Value, json};

use crate::run;

#[test]
fn top_limits_and_nothing_else_cuts_in_a_pipe() {
    let dir = tempfile::tempdir().unwrap();
    for n in 0..30 {
        fs::write(dir.path().join(format!("{n}.jsonl")), "[1]\n").unwrap();
    }
    let lines = |words: &[&str]| {
        let (status, out, err) = run(dir.path(), &[&["stats", "."], words].concat());
        assert_eq!(status, 0, "{err}");
        out.lines().count()
    };
    assert_eq!(lines(&["--json"]), 30);
    assert_eq!(lines(&["--json", "--top", "3"]), 3);
    // The head and the sums.
    assert_eq!(lines(&[]), 32);
    // And a line for what is left out.
    assert_eq!(lines(&["--top", "3"]), 6);
}

#[test]
fn the_times_and_the_rotated_files_of_a_journal() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    let text = "{\"ts\":5}\n{\"ts\":9}\n{\"time\":\"1970-01-01T00:00:07.5Z\"}\n";
    fs::write(at.join("j.jsonl"), text).unwrap();
    assert_eq!(run(at, &["rotate", "j.jsonl"]).0, 0);
    fs::write(at.join("j.jsonl"), text).unwrap();
    let (_, out, err) = run(at, &["stats", "--json", "j.jsonl"]);
    let row: Value = serde_json::from_str(&out).expect(&err);
    let found = [&row["rotated"], &row["first"], &row["last"]];
    assert_eq!(found, [&json!(1), &json!(5.0), &json!(7.5)]);
    let (_, out, _) = run(at, &["stats", "--json", "--by-dir", "."]);
    let row: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&row["rotated"], &row["first"]), (&json!(1), &json!(5.0)));
}

#[test]
fn the_sums_of_directories_are_those_of_their_journals() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    fs::create_dir_all(at.join("a/b")).unwrap();
    fs::write(at.join("a/1.jsonl"), "[1]\n[22]\n").unwrap();
    fs::write(at.join("a/2.jsonl"), "[1]\nx\n").unwrap();
    fs::write(at.join("a/2.jsonl.torn"), "12345").unwrap();
    fs::write(at.join("a/b/3.jsonl"), "[4444]\n").unwrap();
    fs::write(at.join("4.jsonl"), "[5]\n").unwrap();
    let rows = |words: &[&str]| -> Vec<Value> {
        let words = [&["stats", "--by-dir", "--json", "--sort", "path"], words].concat();
        let (status, out, err) = run(at, &words);
        assert_eq!(status, 0, "{err}");
        let object = |line| {
            let mut object: Value = serde_json::from_str(line).expect("an object");
            assert!(object["modified"].take().is_u64());
            object
        };
        out.lines().map(object).collect()
    };
    let row = |path: &str, journals: u64, figures: [u64; 5]| {
        let [records, bytes, largest, damage, torn] = figures;
        json!({ "path": path, "journals": journals, "records": records, "bytes": bytes,
            "largest": largest, "damage": damage, "torn": torn, "rotated": 0,
            "first": null, "last": null, "modified": null })
    };
    let sub = std::path::Path::new("a").join("b");
    let expected = [
        row(".", 1, [1, 4, 3, 0, 0]),
        row("a", 2, [3, 15, 4, 1, 5]),
        row(sub.to_str().unwrap(), 1, [1, 7, 6, 0, 0]),
    ];
    assert_eq!(rows(&["a", "4.jsonl"]), expected);
    let (_, out, _) = run(at, &["stats", "--by-dir", "--sort", "records", "a"]);
    let ends: Vec<_> = out
        .lines()
        .map(|line| line.rsplit("  ").next().unwrap().trim())
        .collect();
    let below = format!("{}: 1 journal", sub.display());
    assert_eq!(ends[1..], ["a: 2 journals", &below, "3 journals"], "{out}");
}
