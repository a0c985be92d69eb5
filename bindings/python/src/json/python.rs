//! The functions that Python's files call.

use std::cell::Cell;

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyEllipsis};

use super::decode::Decoder;
use super::encode::encoded;
use super::style::Style;

/// A buffer that one long value has made large is not kept.
const KEPT: usize = 1 << 20;

thread_local!(static BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) });

/// Works with an empty buffer of this thread. A nested call gets another one.
pub fn with_buffer<R>(work: impl FnOnce(&mut Vec<u8>) -> R) -> R {
    let mut buffer = BUFFER.take();
    buffer.clear();
    let result = work(&mut buffer);
    if buffer.capacity() <= KEPT {
        BUFFER.set(buffer);
    }
    result
}

/// Encodes a value as one line of JSON in UTF-8, as `json.JSONEncoder(ensure_ascii=False, separators=(",", ":"),
/// allow_nan=False)` does; `None` if it is left to `json`.
#[pyfunction]
pub fn json_line<'py>(value: &Bound<'py, PyAny>) -> Option<Bound<'py, PyBytes>> {
    with_buffer(|line| encoded(value, &Style::LINE, line).then(|| PyBytes::new(value.py(), line)))
}

/// Encodes a value as `json.dump` does with these options; `None` if it is left to `json`.
#[pyfunction]
#[pyo3(signature = (value, ensure_ascii, allow_nan, sort_keys, indent, item, name))]
pub fn json_text<'py>(
    value: &Bound<'py, PyAny>,
    ensure_ascii: bool,
    allow_nan: bool,
    sort_keys: bool,
    indent: Option<&str>,
    item: &str,
    name: &str,
) -> Option<Bound<'py, PyBytes>> {
    let style = Style {
        ascii: ensure_ascii,
        nan: allow_nan,
        sorted: sort_keys,
        indent: indent.map(str::as_bytes),
        item: item.as_bytes(),
        name: name.as_bytes(),
    };
    with_buffer(|text| encoded(value, &style, text).then(|| PyBytes::new(value.py(), text)))
}

/// Decodes one JSON value; `...` if it is left to `json`.
#[pyfunction]
pub fn json_value<'py>(py: Python<'py>, data: &Bound<'py, PyAny>) -> Bound<'py, PyAny> {
    let decoded = match data.cast::<PyBytes>() {
        Ok(bytes) => decoded(py, bytes.as_bytes()),
        Err(_) => None,
    };
    decoded.unwrap_or_else(|| PyEllipsis::get(py).to_owned().into_any())
}

/// Decodes one JSON value; `None` if it is left to `json`.
pub fn decoded<'py>(py: Python<'py>, data: &[u8]) -> Option<Bound<'py, PyAny>> {
    Decoder::new(py, data).whole()
}
