// Generated from spec/options.toml by `cargo xtask generate`. Do not edit.
//! The options of a step.

use std::time::Duration;

use serde_json::Value;
use untorn::{Document, DocumentOptions, Durability, Journal, JournalOptions};

use super::data;

pub fn journal(step: &Value) -> JournalOptions {
    let mut options = Journal::options().durability(Durability::Process);
    if let Some(given) = step["timeout"].as_u64() {
        options = options.timeout(Some(Duration::from_millis(given)));
    }
    if let Some(given) = step["max_record"].as_u64() {
        options = options.max_record(given);
    }
    if let Some(given) = step.get("mode") {
        options = options.mode(Some(data::mode(given)));
    }
    if let Some(given) = step["durability"].as_str() {
        options = options.durability(given.parse().expect("durability"));
    }
    if let Some(given) = step["format"].as_str() {
        options = options.format(given.parse().expect("format"));
    }
    if let Some(given) = step["create"].as_bool() {
        options = options.create(given);
    }
    if let Some(given) = step["parents"].as_bool() {
        options = options.parents(given);
    }
    if let Some(given) = step["cut_foreign_tail"].as_bool() {
        options = options.cut_foreign_tail(given);
    }
    if let Some(given) = step["scheme"].as_str() {
        options = options.scheme(given.parse().expect("scheme"));
    }
    if let Some(given) = step["on_unsupported"].as_str() {
        options = options.on_unsupported(given.parse().expect("on_unsupported"));
    }
    if let Some(given) = step["stale"].as_u64() {
        options = options.stale(Duration::from_millis(given));
    }
    if let Some(given) = step["max_bytes"].as_u64() {
        options = options.max_bytes(Some(given));
    }
    if let Some(given) = step["keep_files"].as_u64() {
        options = options.keep(Some(u32::try_from(given).expect("keep_files")));
    }
    if let Some(given) = step.get("header_prefix") {
        options = options.header_prefix(data::bytes(given));
    }
    if let Some(given) = step["header_reserve"].as_u64() {
        options = options.header_reserve(usize::try_from(given).expect("header_reserve"));
    }
    if let Some(given) = step["header_mode"].as_str() {
        options = options.header_mode(given.parse().expect("header_mode"));
    }
    if let Some(given) = step["sealed"].as_bool() {
        options = options.sealed(given);
    }
    options
}

pub fn document(step: &Value) -> DocumentOptions {
    let mut options = Document::options().durability(Durability::Process);
    if let Some(given) = step["timeout"].as_u64() {
        options = options.timeout(Some(Duration::from_millis(given)));
    }
    if let Some(given) = step.get("mode") {
        options = options.mode(Some(data::mode(given)));
    }
    if let Some(given) = step["durability"].as_str() {
        options = options.durability(given.parse().expect("durability"));
    }
    if let Some(given) = step["parents"].as_bool() {
        options = options.parents(given);
    }
    if let Some(given) = step["scheme"].as_str() {
        options = options.scheme(given.parse().expect("scheme"));
    }
    if let Some(given) = step["on_unsupported"].as_str() {
        options = options.on_unsupported(given.parse().expect("on_unsupported"));
    }
    if let Some(given) = step["stale"].as_u64() {
        options = options.stale(Duration::from_millis(given));
    }
    options
}
