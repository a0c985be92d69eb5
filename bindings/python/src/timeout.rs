//! How long a call waits, and which version it expects.

use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use pyo3::prelude::*;
use pyo3::types::{PyBool, PyEllipsis, PyFloat};
use untorn::{Error, Expect, Version};

use crate::argument::{Text, Value};
use crate::error::check;
use crate::refusal::invalid;

/// `timeout=`: seconds; `None` waits without a limit, `...` uses the handle's.
#[derive(Clone, Copy, PartialEq, Eq)]
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
        if object.is_instance_of::<PyBool>() {
            // Of other locks, the first argument is `blocking`.
            return Err(invalid(
                object.py(),
                format!("expected a number of seconds, not {}", *object),
            ));
        }
        let Value(seconds): Value<f64> = object.extract()?;
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
    /// With `blocking=False`, which tries once. A timeout contradicts that.
    pub fn unless(self, py: Python<'_>, once: bool) -> PyResult<Timeout> {
        match (once, self) {
            (false, _) => Ok(self),
            (true, Timeout::Handles) => Ok(Timeout::ONCE),
            (true, Timeout::Is(_)) => Err(invalid(
                py,
                "blocking=False tries once: pass no timeout with it",
            )),
        }
    }

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
        let Text(text) = object.extract()?;
        match Version::from_str(&text) {
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

/// The timeout of a call with `blocking`: as `FileLock.acquire`, for `untorn.aio`.
#[pyfunction]
pub fn patience<'py>(
    timeout: Bound<'py, PyAny>,
    blocking: Value<bool>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = timeout.py();
    match timeout.extract::<Timeout>()?.unless(py, !blocking.0)? {
        Timeout::ONCE => Ok(PyFloat::new(py, 0.0).into_any()),
        _ => Ok(timeout),
    }
}

/// Returns a time in the past, in seconds before now.
pub fn age(py: Python<'_>, seconds: f64) -> PyResult<std::time::Duration> {
    std::time::Duration::try_from_secs_f64(seconds).map_err(|_| {
        invalid(
            py,
            format!("an age is in seconds, 0 or more; not {seconds}"),
        )
    })
}
