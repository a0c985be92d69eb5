//! The native half of `untorn.aio`: a thread of the library carries out the calls
//! while the event loop goes on.

mod append;
mod document;
mod event_loop;
mod fold;
mod follow;
mod journal;
mod lock;
mod open;
mod outstanding;
mod promise;
mod reader;
mod request;
mod rewrite;
mod salvage;
mod snapshot;
mod store;
mod transaction;
mod waker;

pub use append::Encoded;
pub use document::LaterDocument;
pub use fold::{LaterFold, LaterTurn};
pub use follow::LaterFollow;
pub use journal::LaterJournal;
pub use lock::{Taken, acquire_later, holder_later, release_later, transfer_later};
pub use open::{open_document_later, open_journal_later, open_store_later};
pub use outstanding::finish_appends;
pub use reader::LaterReader;
pub use rewrite::LaterRewrite;
pub use salvage::{
    held_below_later, prune_torn_later, restore_torn_later, salvage_later, torn_bytes_later,
    torn_later, waiters_later,
};
pub use snapshot::{snapshot_load_later, snapshot_reader_later, take_snapshot_later};
pub use store::{
    LaterSession, lease_release_later, lease_transfer_later, selftest_later, store_keys_later,
    store_remove_later, store_search_later,
};
pub use transaction::LaterTransaction;

use pyo3::prelude::*;

use request::Request;

fn none(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    Ok(py.None().into_bound(py))
}
