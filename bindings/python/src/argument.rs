//! Arguments that PyO3 does not convert by itself.

use std::path::PathBuf;

use pyo3::PyClass;
use pyo3::buffer::PyBuffer;
use pyo3::exceptions::{PyTypeError, PyUnicodeEncodeError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};

use crate::refusal::{refused, unexpected};

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
            Err(_) => Err(unexpected(
                &object,
                "bytes, bytearray, memoryview or str",
                PyTypeError::new_err("not bytes"),
            )),
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
            unexpected(&object, "str", error)
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

/// A path.
pub struct Place(pub PathBuf);

impl FromPyObject<'_, '_> for Place {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        let wanted = "a path (str, bytes or os.PathLike)";
        let path: PyResult<PathBuf> = object.extract();
        path.map(Place)
            .map_err(|error| unexpected(&object, wanted, error))
    }
}

/// A type of plain arguments, in the words of Python.
pub trait Wanted: for<'a, 'py> FromPyObject<'a, 'py, Error: Into<PyErr>> {
    const WORDS: &str;
}

impl Wanted for bool {
    const WORDS: &str = "True or False";
}

impl Wanted for u32 {
    const WORDS: &str = "a whole number from 0 to 2**32 - 1";
}

impl Wanted for u64 {
    const WORDS: &str = "a whole number from 0 to 2**64 - 1";
}

impl Wanted for usize {
    const WORDS: &str = u64::WORDS;
}

impl Wanted for f64 {
    const WORDS: &str = "a number of seconds";
}

impl Wanted for String {
    const WORDS: &str = "str";
}

impl<T: Wanted> Wanted for Option<T> {
    const WORDS: &str = T::WORDS;
}

/// A plain argument.
#[derive(Clone, Copy)]
pub struct Value<T>(pub T);

impl<T: Wanted> FromPyObject<'_, '_> for Value<T> {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        let value = object.extract::<T>().map_err(Into::into);
        value
            .map(Value)
            .map_err(|error| unexpected(&object, T::WORDS, error))
    }
}

/// A number of records or bytes.
pub type Count = Value<u64>;

/// An object of one of our classes.
#[derive(Clone, Copy)]
pub struct Instance<'a, 'py, T>(Borrowed<'a, 'py, T>);

impl<'a, 'py, T: PyClass> FromPyObject<'a, 'py> for Instance<'a, 'py, T> {
    type Error = PyErr;

    fn extract(object: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        object.cast::<T>().map(Instance).map_err(|error| {
            let wanted = format!("an untorn.{}", <T as PyClass>::NAME);
            unexpected(&object, &wanted, error.into())
        })
    }
}

impl<T: PyClass<Frozen = pyo3::pyclass::boolean_struct::True> + Sync> Instance<'_, '_, T> {
    pub fn get(&self) -> &T {
        self.0.get()
    }
}
