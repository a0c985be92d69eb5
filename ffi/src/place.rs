//! Where the sessions of a handle are: in files or in a database. Both have the same
//! verbs, so a handle of C's is one type, and its functions work on both.

use std::path::Path;

use untorn::Result;

/// A handle of the core, or the one of the engine with the same verbs.
#[derive(Clone, Copy)]
pub(crate) enum Place<F, D> {
    Files(F),
    Database(D),
}

impl<F, D> Place<F, D> {
    /// Returns the handle for a verb that only files have.
    pub fn files(&self, operation: &'static str, name: &Path) -> Result<&F> {
        match self {
            Place::Files(files) => Ok(files),
            Place::Database(_) => Err(untorn::engine::unsupported(operation, name)),
        }
    }
}

/// Calls a verb that both have. It gives the same type.
macro_rules! both {
    ($place:expr, $it:pat => $do:expr) => {
        match $place {
            $crate::place::Place::Files($it) => $do,
            $crate::place::Place::Database($it) => $do,
        }
    };
}

/// Calls a verb that both have. It gives another handle, in the same place.
macro_rules! each {
    ($place:expr, $it:pat => $do:expr) => {
        match $place {
            $crate::place::Place::Files($it) => $crate::place::Place::Files($do),
            $crate::place::Place::Database($it) => $crate::place::Place::Database($do),
        }
    };
}

pub(crate) use {both, each};
