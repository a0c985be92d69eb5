// Generated from spec/options.toml by `cargo xtask generate`. Do not edit.
//! The core's option for each option of a dictionary.

use pyo3::prelude::*;
use untorn::{DocumentOptions, JournalOptions};

use crate::given::Given;

/// Sets the option of this name. A name that is not an option of a journal is ignored.
pub fn journal(
    made: JournalOptions,
    name: &str,
    given: &Given<'_, '_>,
) -> PyResult<JournalOptions> {
    Ok(match name {
        "timeout" => made.timeout(given.timeout()?),
        "max_record" => made.max_record(given.is()?),
        "mode" => made.mode(given.is()?),
        "durability" => made.durability(given.word()?),
        "format" => made.format(given.word()?),
        "create" => made.create(given.is()?),
        "parents" => made.parents(given.is()?),
        "cut_foreign_tail" => made.cut_foreign_tail(given.is()?),
        "scheme" => made.scheme(given.word()?),
        "on_unsupported" => made.on_unsupported(given.word()?),
        "stale" => made.stale(given.seconds()?),
        "max_bytes" => made.max_bytes(given.is()?),
        "keep" => made.keep(given.is()?),
        "header_prefix" if given.is_none() => made,
        "header_prefix" => made.header_prefix(given.data()?.bytes()),
        "header_reserve" => made.header_reserve(given.is()?),
        "header_mode" => made.header_mode(given.word()?),
        "sealed" => made.sealed(given.is()?),
        _ => made,
    })
}

/// Sets the option of this name. A name that is not an option of a document is ignored.
pub fn document(
    made: DocumentOptions,
    name: &str,
    given: &Given<'_, '_>,
) -> PyResult<DocumentOptions> {
    Ok(match name {
        "timeout" => made.timeout(given.timeout()?),
        "mode" => made.mode(given.is()?),
        "durability" => made.durability(given.word()?),
        "parents" => made.parents(given.is()?),
        "scheme" => made.scheme(given.word()?),
        "on_unsupported" => made.on_unsupported(given.word()?),
        "stale" => made.stale(given.seconds()?),
        _ => made,
    })
}
