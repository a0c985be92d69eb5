//! `untorn.Process`.

use pyo3::prelude::*;

use crate::argument::{Text, Value};
use crate::error::check;

/// The identity of a process, which outlives its pid: pids repeat.
///
/// `Process.current()` is this process, `Process.of(pid)` the one that has that
/// pid now. You can compare, hash and pickle it, and store it as text (`to_json`,
/// `from_json`, the same in every language). `alive` says whether it lives.
#[pyclass(module = "untorn", frozen, eq, hash)]
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Process(pub untorn::Process);

#[pymethods]
impl Process {
    /// Returns this process.
    #[staticmethod]
    fn current() -> Process {
        Process(untorn::Process::current())
    }

    /// Returns the process that has this pid now; its `start` is `None` if none
    /// has.
    #[staticmethod]
    fn of(pid: Value<u32>) -> Process {
        Process(untorn::Process::of(pid.0))
    }

    /// Reads a process that `to_json` wrote.
    #[staticmethod]
    fn from_json(py: Python<'_>, text: Text) -> PyResult<Process> {
        check(py, untorn::Process::from_json(&text)).map(Process)
    }

    /// Returns the identity as one line of JSON.
    fn to_json(&self) -> String {
        self.0.to_json()
    }

    /// Its pid.
    #[getter]
    fn pid(&self) -> u32 {
        self.0.pid
    }

    /// When it started, in the system's own unit.
    #[getter]
    fn start(&self) -> Option<u64> {
        self.0.start
    }

    /// The id of the machine's boot.
    #[getter]
    fn boot(&self) -> Option<&str> {
        self.0.boot.as_deref()
    }

    /// The namespace of its pid: in another container the same pid is another
    /// process.
    #[getter]
    fn namespace(&self) -> Option<&str> {
        self.0.namespace.as_deref()
    }

    /// The name of its host.
    #[getter]
    fn host(&self) -> Option<&str> {
        self.0.host.as_deref()
    }

    /// Whether this very process lives now: `"alive"`, `"dead"`, or `"unknown"`,
    /// for example on another host.
    #[getter]
    fn alive(&self, py: Python<'_>) -> &'static str {
        py.detach(|| self.0.alive()).as_str()
    }

    fn __str__(&self, py: Python<'_>) -> String {
        py.detach(|| self.0.to_string())
    }

    fn __repr__(&self) -> String {
        format!("Process.from_json({:?})", self.0.to_json())
    }

    fn __reduce__(slf: &Bound<'_, Self>) -> PyResult<(Py<PyAny>, (String,))> {
        let again = slf.get_type().getattr("from_json")?.unbind();
        Ok((again, (slf.get().to_json(),)))
    }
}
