//! Encodes objects of Python.

use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple};

use super::style::Style;
use super::text::quoted;
use super::{DEPTH, bytes_of, number};

/// Writes the value's text; `false` if it is left to `json`. No code of Python's runs on this thread meanwhile. In a
/// free-threaded Python another thread may change what is read: each dict is then read as it was at one moment, and
/// lists up to where they end by then.
pub fn encoded(value: &Bound<'_, PyAny>, style: &Style<'_>, out: &mut Vec<u8>) -> bool {
    let mut encoder = Encoder {
        style,
        out,
        outer: Vec::new(),
    };
    encoder.value(value).is_some()
}

struct Encoder<'a> {
    style: &'a Style<'a>,
    out: &'a mut Vec<u8>,
    /// The containers around the present value: none may contain itself.
    outer: Vec<usize>,
}

impl Encoder<'_> {
    /// `None`: it is left to `json`.
    fn value(&mut self, value: &Bound<'_, PyAny>) -> Option<()> {
        if let Ok(text) = value.cast_exact::<PyString>() {
            self.text(text)
        } else if let Ok(number) = value.cast_exact::<PyInt>() {
            self.integer(number)
        } else if let Ok(dict) = value.cast_exact::<PyDict>() {
            self.dict(dict)
        } else if let Ok(list) = value.cast_exact::<PyList>() {
            self.sequence(value, list.len(), list.iter())
        } else if value.is_none() {
            self.word(b"null")
        } else if let Ok(flag) = value.cast_exact::<PyBool>() {
            self.word(word(flag))
        } else if let Ok(float) = value.cast_exact::<PyFloat>() {
            self.float(float.value())
        } else if let Ok(tuple) = value.cast_exact::<PyTuple>() {
            self.sequence(value, tuple.len(), tuple.iter())
        } else {
            None
        }
    }

    fn word(&mut self, word: &[u8]) -> Option<()> {
        self.out.extend_from_slice(word);
        Some(())
    }

    fn text(&mut self, text: &Bound<'_, PyString>) -> Option<()> {
        quoted(bytes_of(text)?, self.style, self.out);
        Some(())
    }

    fn integer(&mut self, integer: &Bound<'_, PyInt>) -> Option<()> {
        match integer.extract::<i64>() {
            Ok(small) => number::integer(small, self.out),
            // Python has a limit for such texts.
            Err(_) => self.out.extend_from_slice(bytes_of(&integer.str().ok()?)?),
        }
        Some(())
    }

    fn float(&mut self, float: f64) -> Option<()> {
        if float.is_finite() {
            number::float(float, self.out);
            return Some(());
        }
        if !self.style.nan {
            return None;
        }
        self.word(match float {
            f64::INFINITY => b"Infinity",
            f64::NEG_INFINITY => b"-Infinity",
            _ => b"NaN",
        })
    }

    fn sequence<'py>(
        &mut self,
        value: &Bound<'py, PyAny>,
        len: usize,
        entries: impl Iterator<Item = Bound<'py, PyAny>>,
    ) -> Option<()> {
        if len == 0 {
            return self.word(b"[]");
        }
        self.begin(value, b'[')?;
        let mut between: &[u8] = b"";
        for entry in entries {
            self.out.extend_from_slice(between);
            self.line();
            self.value(&entry)?;
            between = self.style.item;
        }
        self.end(b']');
        Some(())
    }

    fn dict(&mut self, dict: &Bound<'_, PyDict>) -> Option<()> {
        if dict.is_empty() {
            return self.word(b"{}");
        }
        self.begin(dict, b'{')?;
        let mut between: &[u8] = b"";
        if self.style.sorted {
            let mut entries = Vec::with_capacity(dict.len());
            for (name, value) in entries_of(dict) {
                entries.push((name.cast_into_exact::<PyString>().ok()?, value));
            }
            for (name, _) in &entries {
                bytes_of(name)?;
            }
            // The order of UTF-8 is that of the code points.
            entries.sort_by(|(one, _), (other, _)| bytes_of(one).cmp(&bytes_of(other)));
            for (name, value) in entries {
                self.entry(between, name.as_any(), &value)?;
                between = self.style.item;
            }
        } else {
            for (name, value) in entries_of(dict) {
                self.entry(between, &name, &value)?;
                between = self.style.item;
            }
        }
        self.end(b'}');
        Some(())
    }

    fn entry(
        &mut self,
        between: &[u8],
        name: &Bound<'_, PyAny>,
        value: &Bound<'_, PyAny>,
    ) -> Option<()> {
        self.out.extend_from_slice(between);
        self.line();
        self.name(name)?;
        self.out.extend_from_slice(self.style.name);
        self.value(value)
    }

    fn name(&mut self, name: &Bound<'_, PyAny>) -> Option<()> {
        if let Ok(text) = name.cast_exact::<PyString>() {
            return self.text(text);
        }
        self.out.push(b'"');
        if let Ok(integer) = name.cast_exact::<PyInt>() {
            self.integer(integer)?;
        } else if let Ok(flag) = name.cast_exact::<PyBool>() {
            self.word(word(flag))?;
        } else if name.is_none() {
            self.word(b"null")?;
        } else {
            self.float(name.cast_exact::<PyFloat>().ok()?.value())?;
        }
        self.out.push(b'"');
        Some(())
    }

    fn begin(&mut self, container: &Bound<'_, PyAny>, bracket: u8) -> Option<()> {
        let address = container.as_ptr() as usize;
        if self.outer.len() == DEPTH || self.outer.contains(&address) {
            return None;
        }
        self.outer.push(address);
        self.out.push(bracket);
        Some(())
    }

    fn end(&mut self, bracket: u8) {
        self.outer.pop();
        self.line();
        self.out.push(bracket);
    }

    /// Begins a line, if each entry has one.
    fn line(&mut self) {
        if let Some(indent) = self.style.indent {
            self.out.push(b'\n');
            for _ in &self.outer {
                self.out.extend_from_slice(indent);
            }
        }
    }
}

type Entry<'py> = (Bound<'py, PyAny>, Bound<'py, PyAny>);

#[cfg(not(Py_GIL_DISABLED))]
fn entries_of<'py>(dict: &Bound<'py, PyDict>) -> impl Iterator<Item = Entry<'py>> {
    dict.iter()
}

/// A copy: PyO3 panics when another thread changes the size of what it iterates over.
#[cfg(Py_GIL_DISABLED)]
fn entries_of<'py>(dict: &Bound<'py, PyDict>) -> impl Iterator<Item = Entry<'py>> {
    dict.items()
        .into_iter()
        .filter_map(|pair| pair.extract().ok())
}

fn word(flag: &Bound<'_, PyBool>) -> &'static [u8] {
    if flag.is_true() { b"true" } else { b"false" }
}
