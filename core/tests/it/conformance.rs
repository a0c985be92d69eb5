//! The cases of `conformance/*.json`, carried out through the Rust API. What
//! the data means: `conformance/README.md`.

#![allow(clippy::print_stdout, reason = "what was left out is said")]

#[path = "../../../conformance/rust/arguments.rs"]
mod arguments;
#[path = "../../../conformance/rust/data.rs"]
mod data;
#[path = "../../../conformance/rust/documents.rs"]
mod documents;
#[path = "../../../conformance/rust/following.rs"]
mod following;
#[path = "../../../conformance/rust/headers.rs"]
mod headers;
#[path = "../../../conformance/rust/options.rs"]
mod options;
#[path = "../../../conformance/rust/outcome.rs"]
mod outcome;
#[path = "../../../conformance/rust/pages.rs"]
mod pages;
#[path = "../../../conformance/rust/protocol.rs"]
mod protocol;
#[path = "../../../conformance/rust/rewrites.rs"]
mod rewrites;
#[path = "../../../conformance/rust/salvages.rs"]
mod salvages;
#[path = "../../../conformance/rust/sessions.rs"]
mod sessions;
#[path = "../../../conformance/rust/steps.rs"]
mod steps;
#[path = "../../../conformance/rust/transactions.rs"]
mod transactions;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use data::{bytes, same, same_bytes};
use outcome::{Kept, Outcome};
use serde_json::Value;
use steps::{Handle, Stage};
use untorn::{Alive, Error, OwnedRecord};

const LANGUAGE: &str = "rust";
const LANGUAGES: [&str; 6] = ["rust", "c", "python", "node", "node_sync", "postgres"];

macro_rules! topics {
    ($($topic:ident)*) => {
        const TOPICS: &[&str] = &[$(stringify!($topic)),*];
        $(#[test]
        fn $topic() {
            run(stringify!($topic));
        })*
    };
}

topics! {
    framing torn_tail append append_at reading documents locks errors rewrite transactions
    header sessions schemes follow seal foreign salvage
}

#[test]
fn every_file_is_run() {
    let there: BTreeSet<String> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter_map(|name| name.strip_suffix(".json").map(str::to_owned))
        .collect();
    let run: BTreeSet<String> = TOPICS.iter().map(|topic| (*topic).to_owned()).collect();
    assert_eq!(there, run);
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../conformance")
}

fn run(topic: &str) {
    let text = fs::read(folder().join(format!("{topic}.json"))).unwrap();
    let file: Value = serde_json::from_slice(&text).unwrap();
    let cases = file["cases"].as_array().expect("cases");
    assert!(!cases.is_empty());
    let (mut failed, mut left_out) = (Vec::new(), 0);
    for case in cases {
        let name = case["name"].as_str().expect("a case has a name");
        if let Some(why) = exception(case) {
            println!("left out: {name}: {why}");
            left_out += 1;
        } else if let Err(why) = carry_out(case) {
            failed.push(format!("{name}: {why}"));
        }
    }
    let ran = cases.len() - left_out;
    println!("{topic}: {ran} cases run, {left_out} left out");
    assert!(failed.is_empty(), "{topic}:\n{}", failed.join("\n"));
}

/// What `except` says for this language.
fn exception(of: &Value) -> Option<&Value> {
    let except = of.get("except")?;
    for language in except.as_object().expect("except").keys() {
        assert!(
            LANGUAGES.contains(&&language[..]),
            "no language: {language}"
        );
    }
    except.get(LANGUAGE)
}

fn carry_out(case: &Value) -> Result<(), String> {
    let dir = tempfile::tempdir().unwrap();
    for (name, entry) in case["files"].as_object().into_iter().flatten() {
        data::place(&dir.path().join(name), entry);
    }
    let mut stage = Stage {
        dir: dir.path().canonicalize().unwrap(),
        handles: BTreeMap::new(),
        kept: BTreeMap::new(),
    };
    let steps = case["steps"].as_array().expect("steps");
    for (number, step) in steps.iter().enumerate() {
        let mut step = step.clone();
        match exception(&step).cloned() {
            Some(Value::Object(changes)) => {
                for (key, value) in changes {
                    match value {
                        Value::Null => step.as_object_mut().unwrap().remove(&key),
                        value => step.as_object_mut().unwrap().insert(key, value),
                    };
                }
            }
            Some(_) => continue,
            None => {}
        }
        carry_out_step(&mut stage, &step)
            .map_err(|why| format!("step {}, {step}: {why}", number + 1))?;
    }
    for (_, handle) in std::mem::take(&mut stage.handles) {
        if let Handle::Foreign(child) = handle {
            steps::end_foreign(child);
        }
    }
    data::check_all(&stage.dir, case)
}

fn carry_out_step(stage: &mut Stage, step: &Value) -> Result<(), String> {
    match (stage.run(step), step["error"].as_str()) {
        (Ok(outcome), None) => {
            compare(stage, step, &outcome)?;
            if let (Some(name), Some(kept)) = (step["keep"].as_str(), outcome.kept) {
                stage.kept.insert(name.to_owned(), kept);
            }
            let starts = step["starts_keep"].as_array().into_iter().flatten();
            for (name, record) in starts.zip(outcome.records.iter().flatten()) {
                let name = name.as_str().expect("a name").to_owned();
                stage.kept.insert(name, Kept::Position(record.start));
            }
            Ok(())
        }
        (Ok(_), Some(code)) => Err(format!("it went well, and was to fail with {code}")),
        (Err(error), None) => Err(format!("{}: {error}", error.kind())),
        (Err(error), Some(code)) => {
            assert!(outcome::is_code(code), "no such code: {code}");
            same("the code", &error.kind().code(), &code)
                .and_then(|()| compare_error(stage, step, &error))
                .map_err(|why| format!("{why} ({error})"))
        }
    }
}

fn compare(stage: &Stage, step: &Value, outcome: &Outcome) -> Result<(), String> {
    if let Some(expected) = step["end"].as_u64() {
        let Some(Kept::Position(position)) = outcome.kept else {
            return Err("it gives no position".to_owned());
        };
        same("the offset", &position.offset, &expected)?;
        if let Some(other) = step.get("generation_of") {
            let other = stage.position(other).generation;
            same("the generation", &position.generation, &other)?;
        }
    }
    if let Some(expected) = step["version"].as_str() {
        let Some(Kept::Version(version)) = outcome.kept else {
            return Err("it gives no version".to_owned());
        };
        same("the version", &&version.to_string()[..], &expected)?;
    }
    let records = outcome.records.as_deref().unwrap_or_default();
    if let Some(expected) = step["records"].as_array()
        && outcome.records.is_some()
    {
        compare_records(records, expected)?;
    }
    if let Some(expected) = step.get("spans") {
        let spans = records
            .iter()
            .map(|record| serde_json::json!([record.start.offset, record.end.offset]))
            .collect();
        same("spans", &spans, expected)?;
    }
    if let Some(expected) = step.get("values") {
        let values = outcome.values.clone().map(Value::from);
        same("values", &values.unwrap_or_default(), expected)?;
    }
    if let Some(expected) = step.get("damage") {
        same("damage", &outcome::damage(&outcome.damage), expected)?;
    }
    if let Some(expected) = step["report"].as_object() {
        let report = outcome::report(outcome.report.as_ref().expect("a report"));
        for (key, value) in expected {
            same(key, &report[key], value)?;
        }
    }
    for key in ["value", "was"] {
        if let Some(expected) = step.get(key) {
            compare_value(outcome.value.clone().flatten(), expected)?;
        }
    }
    for (key, actual) in &outcome.more {
        if let Some(expected) = step.get(key) {
            same(key, actual, expected)?;
        }
    }
    if let Some(expected) = step["removed"].as_bool() {
        same("removed", &outcome.removed, &Some(expected))?;
    }
    Ok(())
}

fn compare_records(records: &[OwnedRecord], expected: &[Value]) -> Result<(), String> {
    for (record, expected) in records.iter().zip(expected) {
        same_bytes("a record", &record.bytes, &bytes(expected))?;
    }
    same("the number of records", &records.len(), &expected.len())
}

fn compare_value(actual: Option<Vec<u8>>, expected: &Value) -> Result<(), String> {
    match (actual, expected.is_null()) {
        (Some(actual), false) => same_bytes("the value", &actual, &bytes(expected)),
        (None, true) => Ok(()),
        (actual, _) => Err(format!("there is {actual:?}")),
    }
}

fn compare_error(stage: &Stage, step: &Value, error: &Error) -> Result<(), String> {
    if let Some(expected) = step["error_at"].as_u64() {
        let offset = error.position().map(|position| position.offset);
        same("the error's offset", &offset, &Some(expected))?;
    }
    if let Some(expected) = step["error_path"].as_str() {
        let expected = stage.dir.join(expected);
        same("the error's path", &error.path(), &expected.as_path())?;
    }
    if let Some(expected) = step["error_operation"].as_str() {
        same("the operation", &error.operation(), &expected)?;
    }
    let Some(expected) = step.get("error_holder") else {
        return Ok(());
    };
    let holder = error.holder().ok_or("the error names no holder")?;
    if let Some(label) = expected.get("label") {
        same("the label", &holder.label.as_deref(), &label.as_str())?;
    }
    if let Some(alive) = expected["alive"].as_str() {
        let actual: Alive = holder.alive();
        same("alive", &actual.as_str(), &alive)?;
    }
    if let Some(own) = expected["self"].as_bool() {
        same("self", &(holder.pid == std::process::id()), &own)?;
    }
    Ok(())
}
