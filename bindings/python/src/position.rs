//! `untorn.Position`.

use std::str::FromStr;

use pyo3::prelude::*;

use crate::argument::{Text, Value};
use crate::refusal::invalid;

/// A place in a journal: a generation, and a byte offset at the end of a record.
///
/// A position from before the journal was rewritten or replaced never matches the
/// new file. You can compare, hash and pickle it, and store it as text:
/// `str(position)` and `Position.parse(text)`.
#[pyclass(module = "untorn", frozen, eq, ord, hash)]
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// Which of the files that had this name; 0: no file existed.
    #[pyo3(get)]
    generation: u64,
    /// Bytes from the start of the file.
    #[pyo3(get)]
    offset: u64,
}

#[pymethods]
impl Position {
    #[classattr]
    #[pyo3(name = "__match_args__")]
    const MATCH_ARGS: (&'static str, &'static str) = ("generation", "offset");

    #[new]
    fn new(generation: Value<u64>, offset: Value<u64>) -> Position {
        Position {
            generation: generation.0,
            offset: offset.0,
        }
    }

    /// Reads the position that `str` wrote: `generation:offset`.
    #[staticmethod]
    fn parse(py: Python<'_>, text: Text) -> PyResult<Position> {
        untorn::Position::from_str(&text)
            .map(Position::from)
            .map_err(|why| invalid(py, why))
    }

    fn __str__(&self) -> String {
        self.core().to_string()
    }

    fn __repr__(&self) -> String {
        format!(
            "Position(generation={}, offset={})",
            self.generation, self.offset
        )
    }

    fn __getnewargs__(&self) -> (u64, u64) {
        (self.generation, self.offset)
    }
}

impl Position {
    pub fn core(self) -> untorn::Position {
        untorn::Position {
            generation: self.generation,
            offset: self.offset,
        }
    }
}

impl From<untorn::Position> for Position {
    fn from(position: untorn::Position) -> Position {
        Position {
            generation: position.generation,
            offset: position.offset,
        }
    }
}
