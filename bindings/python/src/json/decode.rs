//! Decodes one JSON value to objects of Python.

use std::cell::RefCell;

use pyo3::IntoPyObjectExt;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyString};

use super::DEPTH;
use super::escapes::unescape;
use super::text::plain_run;

/// Names that are longer are not remembered.
const LONGEST: usize = 40;
const NAMES: usize = 1024;

/// The names of entries: they repeat from record to record.
type Names = Vec<Option<(Box<[u8]>, Py<PyString>)>>;

thread_local!(static KNOWN: RefCell<Names> = const { RefCell::new(Vec::new()) });

/// `None`, from any of these functions: it is left to `json`.
pub struct Decoder<'py, 'a> {
    py: Python<'py>,
    data: &'a [u8],
    at: usize,
    depth: usize,
    /// A text whose escapes are replaced.
    unescaped: Vec<u8>,
}

impl<'py, 'a> Decoder<'py, 'a> {
    pub fn new(py: Python<'py>, data: &'a [u8]) -> Decoder<'py, 'a> {
        Decoder {
            py,
            data,
            at: 0,
            depth: 0,
            unescaped: Vec::new(),
        }
    }

    /// The value, if nothing but space is around it.
    pub fn whole(mut self) -> Option<Bound<'py, PyAny>> {
        let value = self.value()?;
        self.space();
        (self.at == self.data.len()).then_some(value)
    }

    fn next(&self) -> Option<u8> {
        self.data.get(self.at).copied()
    }

    fn space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.next() {
            self.at += 1;
        }
    }

    /// Takes this byte, if it comes next.
    fn takes(&mut self, byte: u8) -> bool {
        let comes = self.next() == Some(byte);
        self.at += usize::from(comes);
        comes
    }

    fn word(&mut self, word: &[u8]) -> Option<()> {
        let comes = self.data[self.at..].starts_with(word);
        self.at += word.len();
        comes.then_some(())
    }

    fn value(&mut self) -> Option<Bound<'py, PyAny>> {
        self.space();
        match self.next()? {
            b'"' => Some(self.text()?.into_any()),
            b'{' => self.dict(),
            b'[' => self.list(),
            b'-' | b'0'..=b'9' => self.number(),
            b't' => self.word(b"true").map(|()| self.flag(true)),
            b'f' => self.word(b"false").map(|()| self.flag(false)),
            b'n' => self
                .word(b"null")
                .map(|()| self.py.None().into_bound(self.py)),
            _ => None,
        }
    }

    fn flag(&self, flag: bool) -> Bound<'py, PyAny> {
        PyBool::new(self.py, flag).to_owned().into_any()
    }

    fn begin(&mut self) -> Option<()> {
        self.at += 1;
        self.depth += 1;
        self.space();
        (self.depth <= DEPTH).then_some(())
    }

    fn dict(&mut self) -> Option<Bound<'py, PyAny>> {
        self.begin()?;
        let dict = PyDict::new(self.py);
        if !self.takes(b'}') {
            loop {
                self.space();
                let name = self.name()?;
                self.space();
                if !self.takes(b':') {
                    return None;
                }
                let value = self.value()?;
                dict.set_item(name, value).ok()?;
                self.space();
                if self.takes(b'}') {
                    break;
                }
                if !self.takes(b',') {
                    return None;
                }
            }
        }
        self.depth -= 1;
        Some(dict.into_any())
    }

    fn list(&mut self) -> Option<Bound<'py, PyAny>> {
        self.begin()?;
        let list = PyList::empty(self.py);
        if !self.takes(b']') {
            loop {
                let value = self.value()?;
                list.append(value).ok()?;
                self.space();
                if self.takes(b']') {
                    break;
                }
                if !self.takes(b',') {
                    return None;
                }
            }
        }
        self.depth -= 1;
        Some(list.into_any())
    }

    /// The bytes between two quotes, and whether they have escapes.
    fn quoted(&mut self) -> Option<(&'a [u8], bool)> {
        if !self.takes(b'"') {
            return None;
        }
        let start = self.at;
        let mut escapes = false;
        loop {
            self.at += plain_run(self.data.get(self.at..)?, false);
            match self.next()? {
                b'"' => break,
                b'\\' => {
                    escapes = true;
                    self.at += 2;
                }
                _ => return None,
            }
        }
        let text = &self.data[start..self.at];
        self.at += 1;
        Some((text, escapes))
    }

    fn text(&mut self) -> Option<Bound<'py, PyString>> {
        let (text, escapes) = self.quoted()?;
        self.made(text, escapes)
    }

    fn made(&mut self, text: &[u8], escapes: bool) -> Option<Bound<'py, PyString>> {
        let text = std::str::from_utf8(text).ok()?;
        if !escapes {
            return Some(PyString::new(self.py, text));
        }
        let mut unescaped = std::mem::take(&mut self.unescaped);
        unescaped.clear();
        let made = unescape(text.as_bytes(), &mut unescaped)
            .and_then(|()| std::str::from_utf8(&unescaped).ok())
            .map(|text| PyString::new(self.py, text));
        self.unescaped = unescaped;
        made
    }

    fn name(&mut self) -> Option<Bound<'py, PyString>> {
        let (text, escapes) = self.quoted()?;
        if escapes || text.len() > LONGEST {
            return self.made(text, escapes);
        }
        let place = place(text);
        let known = KNOWN.with_borrow(|names| match names.get(place) {
            Some(Some((name, known))) if **name == *text => Some(known.clone_ref(self.py)),
            _ => None,
        });
        if let Some(known) = known {
            return Some(known.into_bound(self.py));
        }
        let made = PyString::new(self.py, std::str::from_utf8(text).ok()?);
        let entry = Some((text.into(), made.clone().unbind()));
        let old = KNOWN.with_borrow_mut(|names| {
            if names.is_empty() {
                names.resize_with(NAMES, || None);
            }
            std::mem::replace(&mut names[place], entry)
        });
        drop(old);
        Some(made)
    }

    fn digits(&mut self) -> Option<()> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.next() {
            self.at += 1;
        }
        (self.at > start).then_some(())
    }

    fn number(&mut self) -> Option<Bound<'py, PyAny>> {
        let start = self.at;
        self.takes(b'-');
        if !self.takes(b'0') {
            self.digits()?;
        }
        let mut is_float = false;
        if self.takes(b'.') {
            is_float = true;
            self.digits()?;
        }
        if self.takes(b'e') || self.takes(b'E') {
            is_float = true;
            let _ = self.takes(b'+') || self.takes(b'-');
            self.digits()?;
        }
        let spelled = std::str::from_utf8(&self.data[start..self.at]).ok()?;
        if is_float {
            let number: f64 = spelled.parse().ok()?;
            // A number beyond Python's floats may have to keep its spelling.
            return number
                .is_finite()
                .then(|| PyFloat::new(self.py, number).into_any());
        }
        match spelled.parse::<i64>() {
            Ok(number) => number.into_bound_py_any(self.py).ok(),
            // Python has a limit for such numbers.
            Err(_) => large(self.py, spelled).ok(),
        }
    }
}

fn large<'py>(py: Python<'py>, spelled: &str) -> PyResult<Bound<'py, PyAny>> {
    let number = py.get_type::<PyInt>().call1((spelled,))?;
    match number.is_exact_instance_of::<PyInt>() {
        true => Ok(number),
        false => Err(PyValueError::new_err("not an int")),
    }
}

/// Where a name is remembered.
fn place(name: &[u8]) -> usize {
    let mut hash = 0xcbf2_9ce4_8422_2325 ^ name.len() as u64;
    for word in name.chunks(8) {
        let mut bytes = [0; 8];
        bytes[..word.len()].copy_from_slice(word);
        hash = (hash ^ u64::from_le_bytes(bytes)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        hash ^= hash >> 32;
    }
    usize::try_from(hash % NAMES as u64).unwrap_or(0)
}
