//! The verifier must see every way in which a journal can be wrong.

use super::*;
use serde_json::json;

const RECORDS: [&str; 3] = [r#"{"a":"x"}"#, "[1,2]", "\"three\""];

fn transcript() -> Vec<u64> {
    RECORDS
        .iter()
        .map(|r| fingerprint(&serde_json::from_str(r).expect("JSON")))
        .collect()
}

fn line(writer: &str, seq: usize, start: usize) -> String {
    let record: Value = serde_json::from_str(RECORDS[(start + seq) % RECORDS.len()]).expect("JSON");
    format!(
        "{}\n",
        json!({ "writer": writer, "seq": seq, "record": record })
    )
}

/// Two writers: "p" had 5 appends acknowledged, "k" 4 before it was killed.
fn writers() -> Vec<Writer> {
    let writer = |name: &str, start, appended, killed| Writer {
        name: name.into(),
        start,
        appended,
        updated: 2,
        killed,
    };
    vec![writer("p", 0, 5, false), writer("k", 2, 4, true)]
}

fn whole() -> Vec<String> {
    let mut lines: Vec<String> = (0..5).map(|seq| line("p", seq, 0)).collect();
    lines.extend((0..4).map(|seq| line("k", seq, 2)));
    lines
}

fn check(lines: &[String]) -> Verdict {
    let mut verdict = Verdict::default();
    journal(
        lines.concat().as_bytes(),
        &writers(),
        &transcript(),
        &mut verdict,
    )
    .expect("read");
    verdict
}

#[track_caller]
fn fault(lines: &[String], expected: &str) {
    let faults = check(lines).faults;
    assert!(
        faults.iter().any(|f| f.contains(expected)),
        "no fault says {expected:?}: {faults:?}"
    );
}

#[test]
fn a_whole_journal_has_no_fault() {
    let verdict = check(&whole());
    assert_eq!(verdict.faults, Vec::<String>::new());
    assert_eq!(verdict.found, [5, 4]);
    assert_eq!(verdict.torn_tail, 0);
}

#[test]
fn the_order_among_writers_is_free() {
    let mut lines = whole();
    lines.rotate_left(5);
    assert_eq!(check(&lines).faults, Vec::<String>::new());
}

#[test]
fn a_killed_writer_may_have_one_record_more_and_no_other_may() {
    let mut lines = whole();
    lines.push(line("k", 4, 2));
    let verdict = check(&lines);
    assert_eq!(verdict.faults, Vec::<String>::new());
    assert_eq!(verdict.found, [5, 5]);

    lines.push(line("k", 5, 2));
    fault(&lines, "k has 6 records");

    let mut lines = whole();
    lines.push(line("p", 5, 0));
    fault(&lines, "p has 6 records");
}

#[test]
fn a_lost_record_is_seen_wherever_it_was() {
    for lost in 0..whole().len() {
        let mut lines = whole();
        lines.remove(lost);
        fault(&lines, "are lost");
    }
}

#[test]
fn a_doubled_record_is_seen() {
    for doubled in 0..whole().len() {
        let mut lines = whole();
        lines.push(lines[doubled].clone());
        fault(&lines, "is there twice");
    }
}

#[test]
fn a_record_out_of_order_is_seen() {
    let mut lines = whole();
    lines.swap(1, 2);
    fault(&lines, "record 1 of p comes after a later one");
}

#[test]
fn a_torn_record_is_seen_at_every_cut() {
    let all = whole();
    for cut in 1..all[2].len() - 1 {
        let mut lines = all.clone();
        lines[2] = format!("{}\n", &all[2][..cut]);
        fault(&lines, "line 3 is torn");
        // Glued to its neighbour, as an append after a torn tail would leave it.
        lines[2].pop();
        fault(&lines, "line 3 is torn");
    }
}

#[test]
fn two_records_on_one_line_are_seen() {
    let mut lines = whole();
    lines[2].pop();
    fault(&lines, "line 3 is torn");
    fault(&lines, "are lost");
}

#[test]
fn a_torn_tail_is_no_fault_unless_it_was_acknowledged() {
    let mut lines = whole();
    let half = line("k", 4, 2)[..10].to_owned();
    lines.push(half);
    let verdict = check(&lines);
    assert_eq!(verdict.faults, Vec::<String>::new());
    assert_eq!(verdict.torn_tail, 10);

    let mut lines = whole();
    lines[8].pop();
    fault(&lines, "of k are lost");
}

#[test]
fn a_changed_record_is_seen() {
    let mut lines = whole();
    lines[0] = lines[0].replace("\"x\"", "\"y\"");
    fault(&lines, "record 0 of p is not whole");
}

#[test]
fn a_record_of_nobody_is_seen() {
    let mut lines = whole();
    lines.push(line("stranger", 0, 0));
    lines.push("{}\n".into());
    lines.push(line("p", usize::MAX >> 1, 0));
    let faults = check(&lines).faults;
    assert_eq!(faults.len(), 3, "{faults:?}");
}

fn count(text: &str) -> Vec<String> {
    let mut verdict = Verdict::default();
    document(text.as_bytes(), &writers(), &mut verdict);
    assert_eq!(verdict.counted.len(), 2);
    verdict.faults
}

#[test]
fn the_count_is_exact() {
    assert_eq!(count(r#"{"total":4,"p":2,"k":2}"#), Vec::<String>::new());
    assert_eq!(count(r#"{"total":5,"p":2,"k":3}"#), Vec::<String>::new());
    for wrong in [
        r#"{"total":4,"p":1,"k":3}"#,
        r#"{"total":5,"p":3,"k":2}"#,
        r#"{"total":6,"p":2,"k":4}"#,
        r#"{"total":3,"p":2,"k":1}"#,
        r#"{"total":5,"p":2,"k":2}"#,
        r#"{"total":4,"p":2,"k":2,"x":0}"#,
        r#"{"p":2,"k":2}"#,
        r#"{"total":4,"p":2,"k":"#,
        "",
    ] {
        assert!(!count(wrong).is_empty(), "{wrong}");
    }
}
