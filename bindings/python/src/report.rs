//! `untorn.Report`.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use untorn::{Damage, Report};

use crate::position::Position;

static MAKE_REPORT: PyOnceLock<Py<PyAny>> = PyOnceLock::new();

/// Makes an `untorn.Report`, a plain value.
pub fn make_report<'py>(py: Python<'py>, report: &Report) -> PyResult<Bound<'py, PyAny>> {
    let one = |damage: &Damage| {
        (
            damage.kind.as_str(),
            damage.offset,
            damage.length,
            damage.line,
            damage.repairable,
        )
    };
    let damage: Vec<_> = report.damage.iter().map(one).collect();
    let notes: Vec<_> = report.notes.iter().map(one).collect();
    let repaired = report
        .repaired
        .map(|repair| (repair.offset, repair.cut, repair.newline_added));
    MAKE_REPORT
        .import(py, "untorn._types", "_make_report")?
        .call1((
            report.records,
            report.header,
            report.unsealed,
            report.bytes,
            Position::from(report.end),
            damage,
            report.damage_count,
            notes,
            repaired,
        ))
}
