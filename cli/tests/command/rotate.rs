//! What `rotate` does with old rotated files, and what `convert` makes of them.

use std::fs::{self, File};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use crate::run;

/// A journal with this many rotated files: `[1]` in the first, and so on.
fn journal(rotated: u32) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for n in 1..=rotated {
        add(dir.path(), n);
        let (status, out, err) = run(dir.path(), &["rotate", "j.jsonl"]);
        assert_eq!(status, 0, "{err}");
        assert!(out.ends_with(&format!("j_{n}.jsonl\n")), "{out}");
    }
    dir
}

fn add(dir: &Path, n: u32) {
    let (status, _, err) = run(dir, &["append", "j.jsonl", &format!("[{n}]")]);
    assert_eq!(status, 0, "{err}");
}

fn names(dir: &Path) -> Vec<String> {
    let names = fs::read_dir(dir).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.filter(|name| name.starts_with("j_")).collect();
    names.sort();
    names
}

fn make_old(path: &Path) {
    let file = File::options().append(true).open(path).unwrap();
    let day = Duration::from_secs(86_400);
    file.set_modified(SystemTime::now() - 2 * day).unwrap();
}

#[test]
fn old_rotated_files_go() {
    let dir = journal(4);
    let at = dir.path();
    fs::write(at.join("j_2025.jsonl"), "[1]\n").unwrap();
    make_old(&at.join("j_1.jsonl"));
    let (status, out, err) = run(at, &["rotate", "--older-than", "1d", "j.jsonl"]);
    assert_eq!((status, &*out), (0, "1 rotated file removed\n"), "{err}");
    assert_eq!(
        names(at),
        ["j_2.jsonl", "j_2025.jsonl", "j_3.jsonl", "j_4.jsonl"]
    );
    add(at, 5);
    let (status, out, err) = run(at, &["rotate", "--json", "--keep", "2", "j.jsonl"]);
    assert_eq!(status, 0, "{err}");
    let made: Value = serde_json::from_str(&out).unwrap();
    let expected =
        json!({ "path": "j.jsonl", "rotated": made["rotated"], "removed": 2, "compressed": [] });
    assert_eq!(made, expected);
    assert_eq!(names(at), ["j_2025.jsonl", "j_2026.jsonl", "j_4.jsonl"]);
    // Nothing to rotate and nothing to remove is fine, and said to a program.
    let (status, out, _) = run(at, &["rotate", "--json", "--keep", "2", "j.jsonl"]);
    let nothing = json!({ "path": "j.jsonl", "rotated": null, "removed": 0, "compressed": [] });
    assert_eq!((status, serde_json::from_str(&out).unwrap()), (0, nothing));
}

#[test]
fn a_compressed_copy_is_whole_before_its_file_goes() {
    let dir = journal(3);
    let at = dir.path();
    let (status, out, err) = run(at, &["rotate", "--gzip", "--keep", "1", "j.jsonl"]);
    let said = "2 rotated files removed, 2 compressed copies kept\n";
    assert_eq!((status, &*out), (0, said), "{err}");
    assert_eq!(names(at), ["j_1.jsonl.gz", "j_2.jsonl.gz", "j_3.jsonl"]);
    for (name, text) in [("j_1.jsonl.gz", "[1]\n"), ("j_2.jsonl.gz", "[2]\n")] {
        let unpacked = Command::new("gzip")
            .args(["-dc", name])
            .current_dir(at)
            .output();
        assert_eq!(unpacked.expect("gzip is installed").stdout, text.as_bytes());
    }
    // Numbers go on, and readers see no gz file.
    add(at, 4);
    let (_, out, _) = run(
        at,
        &["rotate", "--json", "--gzip", "--keep", "1", "j.jsonl"],
    );
    let made: Value = serde_json::from_str(&out).unwrap();
    let compressed = made["compressed"][0].as_str().unwrap();
    assert!(compressed.ends_with("j_3.jsonl.gz"), "{made}");
    let (status, out, err) = run(at, &["convert", "--rotated", "j.jsonl", "all.json"]);
    assert_eq!((status, &*out), (0, "1 record\n"), "{err}");
    let (status, ..) = run(at, &["check", "."]);
    assert_eq!(status, 0);
}

#[test]
fn a_file_without_a_copy_stays() {
    let dir = journal(2);
    let at = dir.path();
    fs::write(at.join("j_2.jsonl.gz"), "notes of mine").unwrap();
    let (status, _, err) = run(at, &["rotate", "--gzip", "--keep", "0", "j.jsonl"]);
    assert_eq!(status, 3, "{err}");
    assert!(
        err.contains("j_2.jsonl.gz exists, and has other contents"),
        "{err}"
    );
    assert_eq!(fs::read(at.join("j_2.jsonl.gz")).unwrap(), b"notes of mine");
    assert_eq!(fs::read(at.join("j_2.jsonl")).unwrap(), b"[2]\n");
    assert_eq!(fs::read(at.join("j_1.jsonl")).unwrap(), b"[1]\n");
    // The copy that was made already is used again.
    fs::remove_file(at.join("j_2.jsonl.gz")).unwrap();
    let (status, _, err) = run(at, &["rotate", "--gzip", "--keep", "0", "j.jsonl"]);
    assert_eq!(status, 0, "{err}");
    assert_eq!(names(at), ["j_1.jsonl.gz", "j_2.jsonl.gz"]);
    // Which files are old must be said.
    let (status, _, err) = run(at, &["rotate", "--gzip", "j.jsonl"]);
    assert_eq!(status, 2);
    assert!(err.contains("--keep"), "{err}");
}

#[test]
fn a_conversion_begins_with_the_rotated_files_and_no_others() {
    let dir = journal(10);
    let at = dir.path();
    add(at, 11);
    fs::write(at.join("j_2025.jsonl"), "[\"another journal\"]\n").unwrap();
    let (status, _, err) = run(at, &["convert", "--rotated", "j.jsonl", "all.json"]);
    assert_eq!(status, 0, "{err}");
    let all: Vec<(u32,)> = serde_json::from_slice(&fs::read(at.join("all.json")).unwrap()).unwrap();
    assert!(all.into_iter().map(|(n,)| n).eq(1..=11));
}
