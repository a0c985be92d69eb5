//! Salvage, what `.torn` holds, and who waits for a lock.

use std::path::PathBuf;

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyBytes;
use untorn::{Held, Salvage, TornEntry};

use crate::argument::Instance;
use crate::call::{Wait, plain, wait};
use crate::error::make_holder;
use crate::journal::RawJournal;
use crate::lock::{FileLock, given};
use crate::position::Position;
use crate::process::Process;
use crate::timeout::{Timeout, age};

static MAKE_SALVAGE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
static MAKE_TORN: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
static MAKE_HELD: PyOnceLock<Py<PyAny>> = PyOnceLock::new();

/// Mends a journal, or returns the plan.
#[pyfunction]
pub fn salvage<'py>(
    py: Python<'py>,
    journal: &Bound<'py, RawJournal>,
    plan: bool,
    timeout: Timeout,
    lock: Option<Instance<'_, '_, FileLock>>,
) -> PyResult<Bound<'py, PyAny>> {
    let core = journal.get().core();
    let done = if plan {
        plain(py, core.path(), || core.salvage_plan())?
    } else {
        let patience = Wait::new(timeout, given(py, "salvage", lock)?);
        wait(py, core.path(), &patience, |call| core.salvage_with(call))?
    };
    make_salvage(py, &done)
}

/// Lists what repairs have cut off a journal.
#[pyfunction]
pub fn torn<'py>(
    py: Python<'py>,
    journal: &Bound<'py, RawJournal>,
) -> PyResult<Vec<Bound<'py, PyAny>>> {
    let core = journal.get().core();
    let found = plain(py, core.path(), || core.torn())?;
    make_torn(py, &found)
}

/// Returns the bytes of an entry.
#[pyfunction]
pub fn torn_bytes<'py>(
    py: Python<'py>,
    journal: &Bound<'py, RawJournal>,
    number: u64,
) -> PyResult<Bound<'py, PyBytes>> {
    let core = journal.get().core();
    let bytes = plain(py, core.path(), || core.torn_bytes(number))?;
    Ok(PyBytes::new(py, &bytes))
}

/// Appends an entry as records.
#[pyfunction]
pub fn restore_torn<'py>(
    py: Python<'py>,
    journal: &Bound<'py, RawJournal>,
    number: u64,
    timeout: Timeout,
    lock: Option<Instance<'_, '_, FileLock>>,
) -> PyResult<Position> {
    let core = journal.get().core();
    let patience = Wait::new(timeout, given(py, "append", lock)?);
    wait(py, core.path(), &patience, |call| {
        core.restore_torn_with(number, call)
    })
    .map(Position::from)
}

/// Forgets old entries.
#[pyfunction]
pub fn prune_torn<'py>(
    py: Python<'py>,
    journal: &Bound<'py, RawJournal>,
    older_than: f64,
    timeout: Timeout,
    lock: Option<Instance<'_, '_, FileLock>>,
) -> PyResult<u64> {
    let core = journal.get().core();
    let age = age(py, older_than)?;
    let patience = Wait::new(timeout, given(py, "prune_torn", lock)?);
    wait(py, core.path(), &patience, |call| {
        core.prune_torn_with(age, call)
    })
}

/// Returns the processes that wait for the lock of the file `path`. Only Linux reports
/// them. Processes that wait in the scheme `pid-file` are not known.
#[pyfunction]
pub fn waiters(py: Python<'_>, path: PathBuf) -> PyResult<Vec<Process>> {
    let found = plain(py, &path, || untorn::waiters(&path))?;
    Ok(found.into_iter().map(Process).collect())
}

/// Returns all locks below a directory that a process holds, in order of path.
/// Elsewhere than on Linux, only those whose holder left its name are known.
#[pyfunction]
pub fn held_below(py: Python<'_>, dir: PathBuf) -> PyResult<Vec<Bound<'_, PyAny>>> {
    let found = plain(py, &dir, || untorn::held_below(&dir))?;
    make_held(py, found)
}

pub fn make_salvage<'py>(py: Python<'py>, done: &Salvage) -> PyResult<Bound<'py, PyAny>> {
    let lines: Vec<_> = done
        .lines
        .iter()
        .map(|line| {
            (
                line.kind.as_str(),
                line.offset,
                line.length,
                line.line,
                line.records,
                line.kept,
                line.nuls,
            )
        })
        .collect();
    let tail = done
        .tail
        .map(|repair| (repair.offset, repair.cut, repair.newline_added));
    MAKE_SALVAGE
        .import(py, "untorn._salvage", "make_salvage")?
        .call1((
            lines,
            done.line_count,
            done.records,
            done.kept,
            done.nuls,
            done.left,
            tail,
        ))
}

pub fn make_torn<'py>(py: Python<'py>, found: &[TornEntry]) -> PyResult<Vec<Bound<'py, PyAny>>> {
    let class = MAKE_TORN.import(py, "untorn._salvage", "TornEntry")?;
    let entries = found.iter().map(|entry| {
        class.call1((
            entry.number,
            &entry.time,
            entry.offset,
            entry.length,
            entry.nuls,
            entry.why.as_deref(),
        ))
    });
    entries.collect()
}

pub fn make_held(py: Python<'_>, found: Vec<Held>) -> PyResult<Vec<Bound<'_, PyAny>>> {
    let class = MAKE_HELD.import(py, "untorn._salvage", "Held")?;
    let made = found.into_iter().map(|held| {
        let waiters: Vec<_> = held.waiters.into_iter().map(Process).collect();
        class.call1((held.path, make_holder(py, &held.holder)?, waiters))
    });
    made.collect()
}
