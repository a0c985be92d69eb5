//! What `check` finds and `repair` mends, in a directory of transcripts.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde_json::Value;

use crate::run;

fn found(text: &str) -> BTreeSet<(PathBuf, String)> {
    text.lines()
        .map(|line| {
            let object: Value = serde_json::from_str(line).expect("an object a line");
            let text = |key: &str| object[key].as_str().expect(key).to_owned();
            (PathBuf::from(text("path")), text("kind"))
        })
        .collect()
}

#[test]
fn thirty_of_thirty_and_no_false_alarm() {
    let dir = tempfile::tempdir().unwrap();
    let made = untorn_transcripts::make(dir.path(), 120, 4_000, 3).unwrap();
    assert_eq!(made.len(), 30);
    let place = dir.path().to_str().unwrap();
    let (status, out, err) = run(dir.path(), &["check", "--json", place]);
    assert_eq!(status, 1, "{err}");
    let expected: BTreeSet<_> = made
        .iter()
        .map(|damaged| (damaged.path.clone(), damaged.kind.to_owned()))
        .collect();
    assert_eq!(found(&out), expected);
    // All that is damaged is mended, and nothing else is touched.
    let (status, _, err) = run(dir.path(), &["repair", "--salvage", "--yes", "-q", place]);
    assert_eq!(status, 0, "{err}");
    let (status, out, _) = run(dir.path(), &["check", "--json", place]);
    let notes = ["byte_order_mark", "carriage_return", "lone_surrogate"];
    assert_eq!(status, 0);
    assert!(
        found(&out)
            .iter()
            .all(|(_, kind)| notes.contains(&&kind[..]))
    );
    assert_eq!(found(&out).len(), 9);
    let torn = std::fs::read_dir(dir.path()).unwrap().flat_map(|entry| {
        let inner = std::fs::read_dir(entry.unwrap().path()).unwrap();
        inner.map(|entry| entry.unwrap().file_name().into_string().unwrap())
    });
    // Torn, NULs twice, half a line, not UTF-8. Glued records and a newline lose nothing.
    assert_eq!(torn.filter(|name| name.ends_with(".torn")).count(), 15);
}

#[test]
fn a_check_only_reads() {
    let dir = tempfile::tempdir().unwrap();
    untorn_transcripts::make(dir.path(), 10, 1_000, 1).unwrap();
    let home = dir.path().join("home");
    std::fs::create_dir_all(home.join("sessions")).unwrap();
    std::fs::write(home.join("sessions/rollout-1.jsonl"), "{\"a\":1}\n{\"b").unwrap();
    let names = || -> BTreeSet<_> {
        let all = walk(dir.path());
        let of = |path: PathBuf| (std::fs::read(&path).unwrap(), path);
        all.into_iter().map(of).collect()
    };
    let before = names();
    let check = crate::untorn(dir.path())
        .args(["check", "--tool", "codex", "--json"])
        .env("CODEX_HOME", &home)
        .output()
        .unwrap();
    let (status, out, err) = crate::said(check);
    assert_eq!(status, 1, "{err}");
    assert_eq!(found(&out).len(), 1);
    assert_eq!(run(dir.path(), &["repair", "--salvage", "."]).0, 1);
    assert_eq!(run(dir.path(), &["check", "."]).0, 1);
    assert_eq!(names(), before);
}

fn walk(dir: &std::path::Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| match path.is_dir() {
            true => walk(&path),
            false => vec![path],
        })
        .collect()
}
