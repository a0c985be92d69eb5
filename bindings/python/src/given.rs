//! One option of a handle.

use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use untorn::Error;

use crate::argument::{Data, Text, Value, Wanted};
use crate::error::check;
use crate::timeout::Timeout;

/// One option, and the path that it is for.
pub struct Given<'a, 'py> {
    path: &'a Path,
    name: &'a str,
    value: &'a Bound<'py, PyAny>,
}

impl<'a, 'py> Given<'a, 'py> {
    pub fn new(path: &'a Path, name: &'a str, value: &'a Bound<'py, PyAny>) -> Given<'a, 'py> {
        Given { path, name, value }
    }

    pub fn is_none(&self) -> bool {
        self.value.is_none()
    }

    pub fn is<T: Wanted>(&self) -> PyResult<T> {
        self.extracted::<Value<T>>().map(|value| value.0)
    }

    pub fn data(&self) -> PyResult<Data<'_>> {
        self.extracted()
    }

    /// One of a few words.
    pub fn word<T: FromStr<Err = String>>(&self) -> PyResult<T> {
        let word: Text = self.extracted()?;
        checked(self.value.py(), self.path, word.parse())
    }

    pub fn timeout(&self) -> PyResult<Option<Duration>> {
        self.extracted::<Timeout>().map(Timeout::of_handle)
    }

    /// A number of seconds that is not infinite.
    pub fn seconds(&self) -> PyResult<Duration> {
        seconds(self.value.py(), self.path, self.is()?)
    }

    /// Names the option and the file, if the value is of a wrong type.
    fn extracted<'s, T: FromPyObject<'s, 'py, Error = PyErr>>(&'s self) -> PyResult<T> {
        self.value.extract().map_err(|error: PyErr| {
            let py = self.value.py();
            if !error.is_instance_of::<PyTypeError>(py) {
                return error;
            }
            let why = format!("{}: {}", self.name, error.value(py));
            let named = Error::invalid_argument("open", self.path, &why);
            check::<T>(py, Err(named)).err().unwrap_or(error)
        })
    }
}

pub fn seconds(py: Python<'_>, path: &Path, seconds: f64) -> PyResult<Duration> {
    let result = Duration::try_from_secs_f64(seconds)
        .map_err(|_| format!("a number of seconds is needed, 0 or more, not {seconds}"));
    checked(py, path, result)
}

pub fn checked<T>(py: Python<'_>, path: &Path, result: Result<T, String>) -> PyResult<T> {
    let refuse = |why| Error::invalid_argument("open", path, why);
    check(py, result.map_err(refuse))
}

/// An option that is a word; its default where it is not passed.
pub fn word<T: Default + FromStr<Err = String>>(word: Option<Text>) -> Result<T, String> {
    word.map_or_else(|| Ok(T::default()), |word| word.parse())
}
