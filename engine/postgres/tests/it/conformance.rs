//! The cases of `conformance/*.json` on the store in the database. Their files are the
//! files of one session.

#![allow(clippy::print_stdout, reason = "what was left out is said")]

#[path = "../../../../conformance/rust/data.rs"]
#[allow(dead_code, reason = "files of a directory")]
mod data;
#[path = "../../../../conformance/rust/options.rs"]
#[allow(dead_code, reason = "the options of documents are those of files")]
mod options;
#[path = "../../../../conformance/rust/outcome.rs"]
#[allow(dead_code, reason = "what this runner does not compare")]
mod outcome;
#[path = "conformance/rewrites.rs"]
mod rewrites;
#[path = "conformance/steps.rs"]
mod steps;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use data::{bytes, same, same_bytes};
use outcome::{Kept, Outcome};
use serde_json::Value;
use steps::Stage;

use crate::client::read_all;
use crate::store::{Store, store};

/// The operations that a store in a database has.
const OPS: &[&str] = &[
    "journal_open",
    "append",
    "append_all",
    "append_at",
    "end",
    "records",
    "values",
    "tail",
    "verify",
    "document_open",
    "load",
    "save",
    "create",
    "update",
    "remove",
    "follow",
    "next",
    "fold",
    "fold_refresh",
    "fold_append",
    "rewind",
    "replace",
    "rotate",
    "clear",
    "rotated",
    "prune_rotated",
    "compact",
    "header",
    "set_header",
    "sync",
    "file_remove",
    "file_replace",
    "load_json",
    "transaction",
    "tx_load",
    "tx_save",
    "tx_create",
    "tx_append",
    "tx_set_header",
    "tx_remove",
    "commit",
    "rollback",
    "store",
    "keys",
    "store_remove",
    "search",
    "session",
    "session_journal",
    "session_state",
    "session_document",
    "session_holder",
    "claim",
    "release",
    "reconcile",
];
/// By which drivers each case is carried out: whether its clients are asynchronous.
#[cfg(feature = "tokio-postgres")]
const DRIVERS: &[bool] = &[false, true];
#[cfg(not(feature = "tokio-postgres"))]
const DRIVERS: &[bool] = &[false];

/// Arguments and options that only files have.
const FILES_ONLY: &[&str] = &[
    "lock",
    "mode",
    "parents",
    "cut_foreign_tail",
    "scheme",
    "on_unsupported",
    "stale",
];

macro_rules! topics {
    ($($topic:ident $least:literal)*) => {
        const TOPICS: &[&str] = &[$(stringify!($topic)),*];
        $(#[test]
        fn $topic() {
            run(stringify!($topic), $least);
        })*
    };
}

// With the cases that must be carried out: what is left out must not grow unseen.
topics! {
    framing 30 torn_tail 1 append 27 append_at 13 reading 22 documents 43 locks 0 errors 4 rewrite 19
    transactions 5 header 14 sessions 6 schemes 0 follow 4 seal 2 foreign 1 salvage 0
}

#[test]
fn every_file_is_run() {
    let there: BTreeSet<String> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter_map(|name| name.strip_suffix(".json").map(str::to_owned))
        .collect();
    assert_eq!(
        there,
        TOPICS.iter().map(|topic| (*topic).to_owned()).collect()
    );
}

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../conformance")
}

fn run(topic: &str, least: usize) {
    let text = std::fs::read(folder().join(format!("{topic}.json"))).unwrap();
    let file: Value = serde_json::from_slice(&text).unwrap();
    let cases = file["cases"].as_array().expect("cases");
    let (mut failed, mut ran) = (Vec::new(), 0);
    let mut schema = None;
    for (number, case) in cases.iter().enumerate() {
        let name = case["name"].as_str().expect("a case has a name");
        if let Some(why) = left_out(case) {
            println!("left out: {name}: {why}");
            continue;
        }
        ran += 1;
        for is_async in DRIVERS {
            // A store of a case's own has all of a schema.
            if steps_of(case).any(|step| step["op"] == "store") {
                schema = None;
            }
            let store = schema.get_or_insert_with(store);
            let key = format!("case {number} {is_async}");
            if let Err(why) = carry_out(store, &key, case, *is_async) {
                failed.push(format!("{name}, asynchronous: {is_async}: {why}"));
            }
        }
    }
    println!("{topic}: {ran} cases run, {} left out", cases.len() - ran);
    assert!(failed.is_empty(), "{topic}:\n{}", failed.join("\n"));
    assert!(ran >= least, "{topic}: only {ran} cases are carried out");
}

fn steps_of(case: &Value) -> impl Iterator<Item = &Value> {
    case["steps"].as_array().expect("steps").iter()
}

/// The reason why a case can't be carried out in a database.
fn left_out(case: &Value) -> Option<String> {
    if let Some(why) = case["except"].get("postgres") {
        return Some(why.to_string());
    }
    let has_files = case["files"]
        .as_object()
        .is_some_and(|files| !files.is_empty());
    let has_store = steps_of(case).any(|step| step["op"] == "store");
    if has_store && has_files {
        return Some("its files are in the directories of sessions".to_owned());
    }
    for list in ["files", "after"] {
        // The directories of a store's sessions are compared by their verbs.
        let entries = case[list].as_object().filter(|_| !has_store);
        for (name, entry) in entries.into_iter().flatten() {
            if name.contains('/') || entry.is_object() || untorn::engine::is_own_file(name) {
                return Some(format!("{name} needs a directory"));
            }
        }
    }
    for step in steps_of(case) {
        let op = step["op"].as_str().expect("op");
        if step["except"]["postgres"].is_string() {
            continue;
        }
        if !OPS.contains(&op) {
            return Some(format!("a session of a database has no {op}"));
        }
        if op == "store" && step.get("create").is_some() {
            return Some("a schema that is missing is never made by itself".to_owned());
        }
        if let Some(key) = FILES_ONLY.iter().find(|key| step.get(**key).is_some()) {
            return Some(format!("a session of a database has no {key}"));
        }
        let path = step["path"].as_str().unwrap_or("plain");
        if op == "transaction" && path != "." || op != "store" && path.contains('/') {
            return Some(format!("{path} needs a directory"));
        }
    }
    None
}

fn carry_out(store: &Store, key: &str, case: &Value, is_async: bool) -> Result<(), String> {
    let mut c = store.connect();
    for (name, entry) in case["files"].as_object().into_iter().flatten() {
        let put = "call put($1, $2, $3)";
        c.execute(put, &[&key, name, &bytes(entry)]).unwrap();
    }
    let mut stage = Stage::new(store, key, is_async);
    for (number, step) in steps_of(case).enumerate() {
        let mut step = step.clone();
        match step["except"].get("postgres").cloned() {
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
    drop(stage);
    if steps_of(case).any(|step| step["op"] == "store") {
        return Ok(());
    }
    let mut expected: BTreeMap<&String, &Value> = BTreeMap::new();
    for list in ["files", "after"] {
        expected.extend(case[list].as_object().into_iter().flatten());
    }
    for (name, entry) in &expected {
        match (read_all(&mut c, key, name, 1 << 20), entry.is_null()) {
            (None, true) => {}
            (Some(actual), false) => same_bytes(name, &actual, &bytes(entry))?,
            (actual, _) => return Err(format!("{name} is {actual:?}")),
        }
    }
    for row in c.query("select name from stat($1)", &[&key]).unwrap() {
        let name: String = row.get(0);
        if !expected.contains_key(&name) {
            return Err(format!("{name} was left behind"));
        }
    }
    Ok(())
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
            same("the code", &error.kind().code(), &code)
                .map_err(|why| format!("{why} ({error})"))?;
            let offset = error.position().map(|position| position.offset);
            if let Some(expected) = step["error_at"].as_u64() {
                same("the error's offset", &offset, &Some(expected))?;
            }
            if let Some(expected) = step["error_operation"].as_str() {
                same("the operation", &error.operation(), &expected)?;
            }
            if let Some(label) = step["error_holder"].get("label") {
                let holder = error.holder().ok_or("the error names no holder")?;
                same("the label", &holder.label.as_deref(), &label.as_str())?;
            }
            Ok(())
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
        for (record, expected) in records.iter().zip(expected) {
            same_bytes("a record", &record.bytes, &bytes(expected))?;
        }
        same("the number of records", &records.len(), &expected.len())?;
    }
    if let Some(expected) = step.get("spans") {
        let spans: Value = records
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
        let Some(expected) = step.get(key) else {
            continue;
        };
        match (outcome.value.clone().flatten(), expected.is_null()) {
            (Some(actual), false) => same_bytes("the value", &actual, &bytes(expected))?,
            (None, true) => {}
            (actual, _) => return Err(format!("the value is {actual:?}")),
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
