//! `untorn.Process`.

use pyo3::prelude::*;

use crate::error::check;

/// A process, named for longer than its pid does it: pids repeat.
///
/// `Process.current()` is this one, `Process.of(pid)` the one that has that pid
/// now. It can be compared, hashed, pickled, stored as text (`to_json`,
/// `from_json`, the same in every language), and asked whether it is `alive`.
#[pyclass(module = "untorn", frozen, eq, hash)]
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Process(pub untorn::Process);

#[pymethods]
impl Process {
    /// This process.
    #[staticmethod]
    fn current() -> Process {
        Process(untorn::Process::current())
    }

    /// The process that has this pid now; `start` is `None` if nobody has it.
    #[staticmethod]
    fn of(pid: u32) -> Process {
        Process(untorn::Process::of(pid))
    }

    /// What `to_json` gave.
    #[staticmethod]
    fn from_json(py: Python<'_>, text: &str) -> PyResult<Process> {
        check(py, untorn::Process::from_json(text)).map(Process)
    }

    /// One line of JSON.
    fn to_json(&self) -> String {
        self.0.to_json()
    }

    /// The number that the system gave it.
    #[getter]
    fn pid(&self) -> u32 {
        self.0.pid
    }

    /// When it started, in the system's own unit.
    #[getter]
    fn start(&self) -> Option<u64> {
        self.0.start
    }

    /// Which start of the machine.
    #[getter]
    fn boot(&self) -> Option<&str> {
        self.0.boot.as_deref()
    }

    /// Within which pids are counted: in another container the same pid is
    /// another process.
    #[getter]
    fn namespace(&self) -> Option<&str> {
        self.0.namespace.as_deref()
    }

    /// On which host.
    #[getter]
    fn host(&self) -> Option<&str> {
        self.0.host.as_deref()
    }

    /// Whether this very process lives now: `"alive"`, `"dead"`, or `"unknown"`,
    /// as for one on another host.
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
