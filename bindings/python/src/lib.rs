//! The extension module `untorn._untorn`: values, errors and the hand-over of the
//! interpreter's lock. The crate `untorn` does the work. The Python files next to
//! this encode and decode objects.

// PyO3's macros make public items of their own.
#![allow(missing_docs)]

mod acquired;
mod aio;
mod argument;
mod batch;
mod call;
mod document;
mod dropped;
mod error;
mod events;
mod fold;
mod follow;
mod given;
mod guards;
mod holder;
mod interpreter;
mod journal;
mod json;
mod lease;
mod lock;
mod one_shot;
mod option_arms;
mod options;
mod position;
mod postgres;
mod process;
mod reader;
mod reading;
mod reconcile;
mod refusal;
mod report;
mod rewrite;
mod salvage;
mod search;
mod selftest;
mod slot;
mod snapshot;
mod store;
mod timeout;
mod transaction;

use std::path::PathBuf;

use pyo3::prelude::*;

/// Returns what is wrong with bytes that should be one JSON value; `None` if
/// nothing is.
#[pyfunction]
fn inspect(record: &[u8]) -> Option<&'static str> {
    untorn::inspect(record).map(untorn::DamageKind::as_str)
}

/// Raises `Corrupt`, and says what it is instead, unless a document is one JSON value.
#[pyfunction]
fn document_json(py: Python<'_>, path: PathBuf, data: &[u8]) -> PyResult<()> {
    call::plain(py, &path, || untorn::document_json(&path, data).map(drop))
}

/// Runs the command `untorn` with these arguments, the program's name first, and
/// returns its exit status. It changes how this process reacts to signals.
#[pyfunction]
fn command(py: Python<'_>, args: Vec<std::ffi::OsString>) -> u8 {
    py.detach(|| untorn_cli::main(args))
}

/// The package's version, as Python spells it: pre-releases without a dash.
#[pyfunction]
fn version() -> String {
    let ours = env!("CARGO_PKG_VERSION");
    ours.replace("-alpha.", "a")
        .replace("-beta.", "b")
        .replace("-rc.", "rc")
}

// `entry` is what Python imports, under this name without the end.
#[pymodule(name = "_untorn_of_main")]
mod _untorn {
    use pyo3::prelude::*;
    use pyo3::types::PyDict;

    #[pymodule_export]
    use super::acquired::Acquired;
    #[pymodule_export]
    use super::aio::finish_appends;
    #[pymodule_export]
    use super::aio::{
        Encoded, LaterDocument, LaterFold, LaterFollow, LaterJournal, LaterReader, LaterRewrite,
        LaterSession, LaterTransaction, LaterTurn, Taken,
    };
    #[pymodule_export]
    use super::aio::{acquire_later, holder_later, release_later, transfer_later};
    #[pymodule_export]
    use super::aio::{
        held_below_later, prune_torn_later, restore_torn_later, salvage_later, torn_bytes_later,
        torn_later, waiters_later,
    };
    #[pymodule_export]
    use super::aio::{
        lease_release_later, lease_transfer_later, selftest_later, store_keys_later,
        store_remove_later, store_search_later,
    };
    #[pymodule_export]
    use super::aio::{open_document_later, open_journal_later, open_store_later};
    #[pymodule_export]
    use super::aio::{snapshot_load_later, snapshot_reader_later, take_snapshot_later};
    #[pymodule_export]
    use super::call::forked;
    #[pymodule_export]
    use super::document::{RawDocument, Update};
    #[pymodule_export]
    use super::document_json;
    #[pymodule_export]
    use super::events::{flush_events, set_event_sink, set_wait_threshold};
    #[pymodule_export]
    use super::fold::{RawFold, RawTurn};
    #[pymodule_export]
    use super::follow::RawFollow;
    #[pymodule_export]
    use super::holder::holder;
    #[pymodule_export]
    use super::inspect;
    #[pymodule_export]
    use super::journal::RawJournal;
    #[pymodule_export]
    use super::json::{json_line, json_text, json_value};
    #[pymodule_export]
    use super::lease::Lease;
    #[pymodule_export]
    use super::lock::FileLock;
    #[pymodule_export]
    use super::one_shot::append_once;
    #[pymodule_export]
    use super::position::Position;
    #[pymodule_export]
    use super::postgres::{
        PostgresCall, PostgresDocument, PostgresFold, PostgresFoldTurn, PostgresJournal,
        PostgresLease, PostgresRewrite, PostgresSession, PostgresStore, PostgresTransaction,
        PostgresTurn, PostgresUpdate, postgres_migrate, postgres_selftest,
    };
    #[pymodule_export]
    use super::process::Process;
    #[pymodule_export]
    use super::reader::Reader;
    #[pymodule_export]
    use super::reading::{count_records, read_header, read_journal, tail_journal};
    #[pymodule_export]
    use super::reconcile::Turn;
    #[pymodule_export]
    use super::rewrite::Rewrite;
    #[pymodule_export]
    use super::salvage::{
        held_below, prune_torn, restore_torn, salvage, torn, torn_bytes, waiters,
    };
    #[pymodule_export]
    use super::selftest::selftest;
    #[pymodule_export]
    use super::snapshot::{RawSnapshot, take_snapshot};
    #[pymodule_export]
    use super::store::{Opened, RawSession, RawStore};
    #[pymodule_export]
    use super::timeout::patience;
    #[pymodule_export]
    use super::transaction::RawTransaction;
    #[pymodule_export]
    use super::{command, version};

    mod entry {
        use pyo3::prelude::*;

        // A free-threaded Python keeps its lock off: what threads share here is behind locks of its own.
        #[pymodule(name = "_untorn", gil_used = false)]
        fn entry(module: &Bound<'_, PyModule>) -> PyResult<()> {
            crate::interpreter::refuse_others(module.py())?;
            super::__pyo3_pymodule(module)
        }
    }

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        let py = module.py();
        let hooks = PyDict::new(py);
        hooks.set_item("after_in_child", module.getattr("forked")?)?;
        // Windows has no fork, and Python has no such function there.
        if cfg!(unix) {
            py.import("os")?
                .call_method("register_at_fork", (), Some(&hooks))?;
        }
        Ok(())
    }
}
