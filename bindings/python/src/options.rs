//! The options of handles. The Python files pass them as a dictionary. They have the
//! signatures, and the core has the defaults.

use std::path::Path;
use std::time::Duration;

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use untorn::{DocumentOptions, JournalOptions, StoreOptions, TransactionOptions};

use crate::given::Given;
use crate::option_arms;
use crate::timeout::Timeout;

/// Passes each option to `set`.
fn each<'py, T>(
    path: &Path,
    options: &Bound<'py, PyDict>,
    mut made: T,
    set: impl Fn(T, &str, &Given<'_, 'py>) -> PyResult<T>,
) -> PyResult<T> {
    for (name, value) in options {
        let name = name.cast::<PyString>()?;
        let name = name.to_cow()?;
        made = set(made, &name, &Given::new(path, &name, &value))?;
    }
    Ok(made)
}

/// The options of a journal. Other names are ignored: other handles have them.
pub fn journal(path: &Path, options: &Bound<'_, PyDict>) -> PyResult<JournalOptions> {
    each(
        path,
        options,
        JournalOptions::default(),
        option_arms::journal,
    )
}

pub fn document(path: &Path, options: &Bound<'_, PyDict>) -> PyResult<DocumentOptions> {
    each(
        path,
        options,
        DocumentOptions::default(),
        option_arms::document,
    )
}

/// The options of a transaction. Other names are those of its journals.
pub fn transaction(path: &Path, options: &Bound<'_, PyDict>) -> PyResult<TransactionOptions> {
    let made = TransactionOptions::default().journals(journal(path, options)?);
    each(path, options, made, |made, name, given| {
        Ok(match name {
            "durability" => made.durability(given.word()?),
            "mode" => made.mode(given.is()?),
            "timeout" => made.timeout(given.timeout()?),
            "parents" => made.parents(given.is()?),
            _ => made,
        })
    })
}

/// The options of a store. Other names are those of its journals and documents.
pub fn store(path: &Path, options: &Bound<'_, PyDict>) -> PyResult<StoreOptions> {
    // The store's own `create` does not apply to its journals and documents.
    let files = options.copy()?;
    let _ = files.del_item("create");
    let made = StoreOptions::default()
        .journal(journal(path, &files)?)
        .document(document(path, &files)?);
    each(path, options, made, |made, name, given| {
        Ok(match name {
            "journal_name" => made.journal_name(given.is::<String>()?),
            "state_name" => made.state_name(given.is::<String>()?),
            "durability" => made.durability(given.word()?),
            "timeout" => made.timeout(given.timeout()?),
            "create" => made.create(given.is()?),
            _ => made,
        })
    })
}

/// The timeout among the options: the core's options have no getter for it.
pub fn timeout(options: &Bound<'_, PyDict>) -> PyResult<Option<Duration>> {
    match options.get_item("timeout")? {
        Some(value) => value.extract::<Timeout>().map(Timeout::of_handle),
        None => Ok(None),
    }
}
