//! JSON between Python's objects and bytes, as Python's own `json` has it.
//!
//! What is not covered here is left to `json`: subclasses, other types, values that it refuses, and deep nesting. So
//! a text is never another one than `json` writes, and an error is always the one that `json` raises.

mod decode;
mod encode;
mod escapes;
mod number;
mod python;
mod style;
mod text;

use pyo3::prelude::*;
use pyo3::types::PyString;

pub use encode::encoded;
pub use python::{decoded, json_line, json_text, json_value, with_buffer};
pub use style::Style;

/// Deeper values are left to `json`, which knows how deep Python's stack may be.
const DEPTH: usize = 200;

/// The bytes of a text; `None` for one with half of a surrogate pair.
fn bytes_of<'a>(text: &'a Bound<'_, PyString>) -> Option<&'a [u8]> {
    text.to_str().ok().map(str::as_bytes)
}
