//! The keys that `--json` prints are those that `untorn help json` lists.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;

use crate::run;

/// The keys of each command, by `help json`. Words in parentheses explain.
fn documented(dir: &Path) -> BTreeMap<String, BTreeSet<String>> {
    let (_, text, _) = run(dir, &["help", "json"]);
    let mut keys = BTreeMap::new();
    let lines = text.lines().filter_map(|line| line.strip_prefix("  "));
    for line in lines.filter(|line| !line.starts_with(' ')) {
        let (commands, rest) = line.split_once("  ").expect("a command and its keys");
        let mut list = String::new();
        let mut depth = 0;
        for letter in rest.chars() {
            match letter {
                '(' => depth += 1,
                ')' => depth -= 1,
                _ if depth == 0 => list.push(letter),
                _ => {}
            }
        }
        let set: BTreeSet<_> = list.split(',').map(|key| key.trim().to_owned()).collect();
        for command in commands.split(", ") {
            keys.insert(command.to_owned(), set.clone());
        }
    }
    keys
}

#[test]
fn the_keys_are_documented() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let documented = documented(dir);
    let line = |words: &[&str]| -> BTreeSet<String> {
        let (status, out, err) = run(dir, &[words, &["--json"]].concat());
        assert!(status < 2, "{words:?}: {status} {err}");
        let first = out
            .lines()
            .next()
            .unwrap_or_else(|| panic!("{words:?}: {err}"));
        let object: Value = serde_json::from_str(first).expect("an object");
        object
            .as_object()
            .expect("an object")
            .keys()
            .cloned()
            .collect()
    };
    std::fs::write(
        dir.join("j.jsonl"),
        "{\"a\":1}\nx\n{\"b\":2}{\"c\":3}\n{\"t",
    )
    .unwrap();
    std::fs::write(dir.join("d.json"), "{\"a\":1}\n").unwrap();
    let store = untorn::Store::open(dir.join("store")).unwrap();
    let session = store.session("k").unwrap();
    let lease = session.claim("x").unwrap();
    let journal = session.journal().unwrap();
    journal.append(br#"{"text":"hello"}"#).unwrap();
    drop((journal, lease));
    let cases: &[(&str, &[&str])] = &[
        ("check", &["check", "j.jsonl"]),
        ("show", &["show", "j.jsonl:2"]),
        ("repair", &["repair", "--salvage", "--yes", "j.jsonl"]),
        ("torn", &["torn", "j.jsonl"]),
        ("append", &["append", "j.jsonl", "[1]"]),
        ("tail", &["tail", "j.jsonl"]),
        ("version", &["version"]),
        ("cat", &["cat", "j.jsonl"]),
        ("grep", &["grep", "a", "j.jsonl"]),
        ("get", &["get", "d.json"]),
        ("set", &["set", "d.json", ".b", "2"]),
        ("rm", &["rm", "d.json", ".b"]),
        ("edit", &["edit", "d.json"]),
        ("stats", &["stats", "j.jsonl"]),
        ("compact", &["compact", "j.jsonl"]),
        ("sync", &["sync", "j.jsonl"]),
        ("convert", &["convert", "j.jsonl", "j.json"]),
        ("rewind", &["rewind", "-n", "1", "j.jsonl"]),
        ("rotate", &["rotate", "j.jsonl"]),
        ("seal", &["seal", "j.jsonl"]),
        ("store ls", &["store", "ls", "store"]),
        ("store show", &["store", "show", "store", "k"]),
        ("store search", &["store", "search", "store", "hello"]),
        ("store reconcile", &["store", "reconcile", "store", "k"]),
        ("store rm", &["store", "rm", "--yes", "store", "k"]),
        ("selftest", &["selftest", "."]),
        ("watch", &["watch", "--times", "1", "."]),
    ];
    // The editor of the tests is a program of Unix.
    let here = |name: &str| cfg!(unix) || name != "edit";
    for (name, words) in cases.iter().filter(|(name, _)| here(name)) {
        let mut keys = line(words);
        let mut expected = documented[*name].clone();
        // A record, or with another format the text.
        if let Some(either) = expected.take("record") {
            expected.insert(either);
        }
        keys.retain(|key| !key.is_empty());
        assert_eq!(keys, expected, "{name}");
    }
    let held = untorn::FileLock::options()
        .label("x")
        .acquire(dir.join("d.json"))
        .unwrap();
    let mut expected = documented["who"].clone();
    let keys = line(&["who", "d.json"]);
    drop(held);
    // A namespace is Linux's.
    expected.remove("namespace");
    let keys: BTreeSet<_> = keys.into_iter().filter(|key| key != "namespace").collect();
    assert_eq!(keys, expected);
}
