//! The arguments of a step.

use std::time::Duration;

use serde_json::Value;
use untorn::{Durability, Scheme};

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
