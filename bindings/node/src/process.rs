//! Processes as lines of JSON, of which the JavaScript side makes objects.

use napi_derive::napi;
use untorn::Process;

use crate::failure;

/// Returns this process, or the one that has this pid now.
#[napi(catch_unwind)]
#[cfg_attr(test, allow(dead_code, reason = "only JavaScript calls it"))]
pub fn process_of(pid: Option<u32>) -> String {
    pid.map_or_else(Process::current, Process::of).to_json()
}

/// Checks a process that came from elsewhere.
#[napi(catch_unwind)]
#[cfg_attr(test, allow(dead_code, reason = "only JavaScript calls it"))]
pub fn process_from(json: String) -> napi::Result<String> {
    of(&json).map(|process| process.to_json())
}

/// Returns `"alive"`, `"dead"` or `"unknown"`.
#[napi(catch_unwind)]
#[cfg_attr(test, allow(dead_code, reason = "only JavaScript calls it"))]
pub fn process_alive(json: String) -> napi::Result<&'static str> {
    of(&json).map(|process| process.alive().as_str())
}

/// Reads a process that the JavaScript side passed.
pub fn of(json: &str) -> napi::Result<Process> {
    Process::from_json(json).map_err(|error| failure::thrown(&error))
}
