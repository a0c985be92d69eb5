//! The arguments of a step.

use std::time::Duration;

use serde_json::Value;
use untorn::{Durability, Format, Journal, JournalOptions, Scheme};

use super::data;

pub fn name(step: &Value) -> &str {
    step["on"].as_str().expect("on")
}

pub fn timeout(step: &Value) -> Option<Duration> {
    step["timeout"].as_u64().map(Duration::from_millis)
}

pub fn scheme(step: &Value) -> Option<Scheme> {
    let word = step["scheme"].as_str()?;
    Some(word.parse().expect("a scheme"))
}

pub fn durability(step: &Value) -> Durability {
    let word = step["durability"].as_str().unwrap_or("process");
    word.parse().expect("a durability")
}

pub fn journal_options(step: &Value) -> JournalOptions {
    let mut options = Journal::options()
        .durability(durability(step))
        .create(step["create"] != false)
        .mode(step.get("mode").map(data::mode))
        .parents(step["parents"] == true)
        .timeout(timeout(step));
    if let Some(bytes) = step["max_record"].as_u64() {
        options = options.max_record(bytes);
    }
    if let Some(scheme) = scheme(step) {
        options = options.scheme(scheme);
    }
    if step["sealed"] == true {
        options = options.sealed(true);
    }
    if step["cut_foreign_tail"] == true {
        options = options.cut_foreign_tail(true);
    }
    if let Some(prefix) = step.get("header_prefix") {
        options = options.header_prefix(data::bytes(prefix));
    }
    if let Some(bytes) = step["header_reserve"].as_u64() {
        options = options.header_reserve(usize::try_from(bytes).expect("header_reserve"));
    }
    if let Some(mode) = step["header_mode"].as_str() {
        options = options.header_mode(mode.parse().expect("a header mode"));
    }
    if let Some(bytes) = step["max_bytes"].as_u64() {
        options = options.max_bytes(Some(bytes));
    }
    if let Some(number) = step["keep_files"].as_u64() {
        options = options.keep(Some(u32::try_from(number).expect("keep")));
    }
    match step["format"].as_str() {
        None | Some("json") => options,
        Some("lines") => options.format(Format::Lines),
        Some(other) => panic!("no such format: {other}"),
    }
}
