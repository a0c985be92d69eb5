//! Arguments that PyO3 does not convert by itself.

use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use pyo3::buffer::PyBuffer;
use pyo3::exceptions::{PyOverflowError, PyTypeError, PyUnicodeEncodeError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyEllipsis, PyString};
use untorn::{Error, Expect, Version};

use crate::error::{check, invalid, refused};

/// Bytes from a caller. `bytes` and `str` never change, so they are used without
/// a copy. Any other buffer may change, and is copied.
pub enum Data<'a> {
    Lent(&'a [u8]),
    Copied(Vec<u8>),
}

impl Data<'_> {
    pub fn bytes(&self) -> &[u8] {
        match self {
            Data::Lent(bytes) => bytes,
            Data::Copied(bytes) => bytes,
        }
    }
}

impl<'a, 'py> FromPyObject<'a, 'py> for Data<'a> {
    type Error = PyErr;

    fn extract(object: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        if object.is_instance_of::<PyBytes>() {
            return object.extract().map(Data::Lent).map_err(PyErr::from);
        }
        if object.is_instance_of::<PyString>() {
            let text: PyResult<&'a str> = object.extract();
            return match text {
                Ok(text) => Ok(Data::Lent(text.as_bytes())),
                Err(error) => Err(no_utf8(object.py(), &error, "InvalidRecord")),
            };
        }
        match PyBuffer::<u8>::get(&object) {
            Ok(buffer) => Ok(Data::Copied(buffer.to_vec(object.py())?)),
            Err(_) => Err(PyTypeError::new_err(format!(
                "expected bytes, bytearray, memoryview or str, not {}",
                object.get_type().name()?
            ))),
        }
    }
}

/// A name, a key, a label: any text that UTF-8 can hold.
pub struct Text(pub String);

impl FromPyObject<'_, '_> for Text {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        object.extract().map(Text).map_err(|error: PyErr| {
            if error.is_instance_of::<PyUnicodeEncodeError>(object.py()) {
                return no_utf8(object.py(), &error, "InvalidArgument");
            }
            error
        })
    }
}

impl std::ops::Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

/// Refuses a text that would become another text in the file, or equal to others.
#[cold]
fn no_utf8(py: Python<'_>, error: &PyErr, class: &str) -> PyErr {
    let detail = "the text has half of a surrogate pair, which UTF-8 can't hold";
    let refused = refused(py, class, format!("{detail}: {error}"));
    refused.set_cause(py, Some(error.clone_ref(py)));
    refused
}

/// `timeout=`: seconds; `None` waits without a limit, `...` uses the handle's.
#[derive(Clone, Copy)]
pub enum Timeout {
    Handles,
    Is(Option<Duration>),
}

impl<'py> FromPyObject<'_, 'py> for Timeout {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        if object.is_none() {
            return Ok(Timeout::Is(None));
        }
        if object.cast::<PyEllipsis>().is_ok() {
            return Ok(Timeout::Handles);
        }
        let seconds: f64 = object.extract()?;
        if seconds.is_nan() || seconds < 0.0 {
            return Err(invalid(
                object.py(),
                format!(
                    "a timeout is in seconds: 0 tries once, None waits without a limit; not {seconds}"
                ),
            ));
        }
        // Longer than the clock runs means without a limit.
        Ok(Timeout::Is(Duration::try_from_secs_f64(seconds).ok()))
    }
}

impl Timeout {
    pub const ONCE: Timeout = Timeout::Is(Some(Duration::ZERO));

    /// For a call on a handle whose timeout is `own`.
    pub fn or(self, own: Option<Duration>) -> Option<Duration> {
        match self {
            Timeout::Handles => own,
            Timeout::Is(limit) => limit,
        }
    }

    /// For a handle, which has no other handle to take it from.
    pub fn of_handle(self) -> Option<Duration> {
        self.or(None)
    }
}

/// `expect=`: a version, `None` for a document that must not exist, `...` for
/// any.
pub struct Expected(pub Expect);

impl<'py> FromPyObject<'_, 'py> for Expected {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        if object.is_none() {
            return Ok(Expected(Expect::Absent));
        }
        if object.cast::<PyEllipsis>().is_ok() {
            return Ok(Expected(Expect::Anything));
        }
        let text: &str = object.extract()?;
        match Version::from_str(text) {
            Ok(version) => Ok(Expected(Expect::Version(version))),
            Err(why) => Err(invalid(object.py(), why)),
        }
    }
}

impl Expected {
    /// For a removal, which needs a document that exists.
    pub fn of_removal(self, py: Python<'_>, path: &Path) -> PyResult<Expect> {
        if self.0 != Expect::Absent {
            return Ok(self.0);
        }
        let detail =
            "expect= must be a version here: a document that does not exist can't be removed";
        check(py, Err(Error::invalid_argument("remove", path, detail)))
    }
}

/// A number of records or bytes.
#[derive(Clone, Copy)]
pub struct Count(pub u64);

impl<'py> FromPyObject<'_, 'py> for Count {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        object.extract().map(Count).map_err(|error: PyErr| {
            if error.is_instance_of::<PyOverflowError>(object.py()) {
                return invalid(object.py(), "expected a number from 0 to 2**64 - 1");
            }
            error
        })
    }
}
