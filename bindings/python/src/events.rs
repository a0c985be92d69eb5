//! Events: what happens without a call asking for it.

use std::time::Duration;

use pyo3::prelude::*;
use untorn::Event;

use crate::argument::Value;
use crate::error::make_holder;
use crate::given::seconds;

/// Reports the events of this process to a function; to none for `None`.
#[pyfunction]
pub fn set_event_sink(py: Python<'_>, sink: Option<Py<PyAny>>) {
    // Detached: an earlier sink may be running just now, and must end first.
    py.detach(|| match sink {
        Some(sink) => untorn::events::set_sink(move |event| deliver(&sink, event)),
        None => untorn::events::remove_sink(),
    });
}

fn deliver(sink: &Py<PyAny>, event: &Event) {
    // An interpreter that is ending takes no events any more.
    Python::try_attach(|py| {
        if let Err(error) = called(sink.bind(py), event) {
            error.write_unraisable(py, Some(sink.bind(py)));
        }
    });
}

fn called(sink: &Bound<'_, PyAny>, event: &Event) -> PyResult<()> {
    let py = sink.py();
    let holder = event.holder.as_ref();
    let fields = (
        event.kind.as_str(),
        event.severity().as_str(),
        event.operation,
        &event.path,
        event.to_string(),
        holder.map(|holder| make_holder(py, holder)).transpose()?,
        event.waited.map(|waited| waited.as_secs_f64()),
        event.offset,
        event.bytes,
        event.count,
        event.kept.as_ref(),
        event.damage,
    );
    sink.call1(fields).map(drop)
}

/// Waits until the receiver of events has had all that happened so far. Returns
/// `False` if that took longer than `timeout`, in seconds.
#[pyfunction]
#[pyo3(signature = (timeout=Value(5.0)), text_signature = "(timeout=5.0)")]
pub fn flush_events(py: Python<'_>, timeout: Value<f64>) -> PyResult<bool> {
    let timeout = limit(py, timeout)?;
    Ok(py.detach(|| untorn::events::flush(timeout)))
}

/// Sets after how many seconds a call that waits for a lock without a limit is
/// reported: 2 at first. It applies to the whole process.
#[pyfunction]
pub fn set_wait_threshold(py: Python<'_>, seconds: Value<f64>) -> PyResult<()> {
    untorn::events::set_wait_threshold(limit(py, seconds)?);
    Ok(())
}

fn limit(py: Python<'_>, given: Value<f64>) -> PyResult<Duration> {
    seconds(py, std::path::Path::new(""), given.0)
}
