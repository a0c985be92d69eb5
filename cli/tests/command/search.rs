//! What `grep` finds and prints.

use crate::run;

const RECORDS: &str = "\
{\"n\":1}
{\"n\":2,\"text\":\"\\u00dcber\"}
{\"n\":3}
{\"n\":4}
{\"n\":5}
{\"n\":6,\"text\":\"über\"}
{\"n\":7,\"text\":\"über\"}
{\"n\":8}
";

fn journals() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("a.jsonl"), RECORDS).unwrap();
    std::fs::write(
        dir.path().join("b.jsonl"),
        "{\"n\":9}\n{\"text\":\"ÜBER\"}\n",
    )
    .unwrap();
    dir
}

#[test]
fn case_counts_only_if_it_is_to() {
    let dir = journals();
    let count = |words: &[&str]| run(dir.path(), &[&["grep", "-c"], words].concat());
    let (status, out, _) = count(&["Über", "a.jsonl"]);
    assert_eq!((status, &*out), (0, "a.jsonl:3\n"));
    let (status, out, _) = count(&["-i", "Über", "a.jsonl"]);
    assert_eq!((status, &*out), (0, "a.jsonl:3\n"));
    let (status, out, _) = count(&["--case-sensitive", "Über", "a.jsonl"]);
    assert_eq!((status, &*out), (0, "a.jsonl:1\n"));
    let (status, out, _) = count(&["--case-sensitive", "ÜBEr", "a.jsonl"]);
    assert_eq!((status, &*out), (1, "a.jsonl:0\n"));
    // The last of the two counts, as it does for grep.
    let (_, out, _) = count(&["--case-sensitive", "-i", "ÜBEr", "a.jsonl"]);
    assert_eq!(out, "a.jsonl:3\n");
}

#[test]
fn names_and_counts_are_objects_for_a_program() {
    let dir = journals();
    let grep = |words: &[&str]| -> Vec<serde_json::Value> {
        let words = [&["grep", "--json", "über"], words, &["a.jsonl", "b.jsonl"]].concat();
        let (_, out, _) = run(dir.path(), &words);
        let object = |line| serde_json::from_str(line).expect("an object");
        out.lines().map(object).collect()
    };
    let counts = serde_json::json!([{ "path": "a.jsonl", "matches": 3 }, { "path": "b.jsonl", "matches": 1 }]);
    assert_eq!(serde_json::Value::from(grep(&["-c"])), counts);
    let names = serde_json::json!([{ "path": "a.jsonl" }, { "path": "b.jsonl" }]);
    assert_eq!(serde_json::Value::from(grep(&["-l"])), names);
}

#[test]
fn neighbours_are_printed_once_and_groups_are_apart() {
    let dir = journals();
    let grep = |words: &[&str]| {
        let (status, out, err) = run(dir.path(), &[&["grep", "über"], words].concat());
        assert_eq!(status, 0, "{err}");
        out
    };
    let expected = "  {\"n\":1}
> {\"n\":2,\"text\":\"Über\"}
  {\"n\":3}
--
  {\"n\":5}
> {\"n\":6,\"text\":\"über\"}
> {\"n\":7,\"text\":\"über\"}
  {\"n\":8}
";
    assert_eq!(grep(&["-C", "1", "a.jsonl"]), expected);
    // No record lies between the two groups now.
    let all = grep(&["-C", "2", "a.jsonl"]);
    assert_eq!(all.lines().count(), 8, "{all}");
    // The neighbours after the last match that --max lets through belong to it.
    let limited = grep(&["-C", "1", "--max", "1", "a.jsonl"]);
    assert_eq!(limited, expected[..expected.find("--").unwrap()]);
    // Other files are other groups.
    let two = grep(&["-C", "1", "--max", "1", "a.jsonl", "b.jsonl"]);
    assert!(two.ends_with("--\n  b.jsonl@0: {\"n\":9}\n> b.jsonl@8: {\"text\":\"ÜBER\"}\n"));
    let json = grep(&["-C", "1", "--max", "1", "--json", "a.jsonl"]);
    let context: Vec<_> = json
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["context"].clone())
        .collect();
    assert_eq!(context, [true, false, true]);
    assert_eq!(grep(&["-C", "1", "-c", "a.jsonl"]), "a.jsonl:3\n");
    assert_eq!(grep(&["-C", "1", "-l", "a.jsonl"]), "a.jsonl\n");
}
