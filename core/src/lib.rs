//! Locked journal appends and atomic session saves, for programs that keep their
//! work in plain files which several processes share.
//!
//! ```
//! use untorn::{Document, Journal};
//! # let dir = tempfile::tempdir()?;
//! # let path = dir.path().join("session.jsonl");
//! # let state_path = dir.path().join("session.json");
//!
//! // Any number of processes and threads append. No record is torn or lost.
//! let journal = Journal::open(&path)?;
//! journal.append(br#"{"role":"user","text":"hello"}"#)?;
//! for record in journal.records()? {
//!     println!("{}", String::from_utf8_lossy(&record?.bytes));
//! }
//!
//! // Two processes never lose each other's update.
//! let state = Document::open(&state_path)?;
//! state.update(|old| {
//!     let turns = old.map_or(0, |bytes| bytes.len());
//!     Ok(format!("{{\"turns\":{turns}}}").into_bytes())
//! })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Which type when
//!
//! | you keep | type |
//! | --- | --- |
//! | records, one after another | [`Journal`] |
//! | a state that is computed from the records | [`Fold`] |
//! | the records as they come, in another process | [`Follow`] |
//! | one value that is always replaced whole | [`Document`] |
//! | several files of a directory that change together, or not at all | [`Transaction`]; [`snapshot()`] reads them so |
//! | a directory per conversation, with one live owner | [`Store`] and [`Session`] |
//! | a file of your own format | [`FileLock`] |
//!
//! # How a call waits
//!
//! A call without a timeout waits until it has the lock. [`CallOptions`] gives one call a timeout,
//! a [`CancelToken`], or a lock that the caller holds. Each type has options with a timeout
//! for all its calls. Reading takes no lock. [`events`] tell whom a call waits for, and what
//! was repaired.
//!
//! # What survives
//!
//! [`Durability`] says which failure a finished call survives: the death of the process, or
//! a power cut. An [`Error`] has an [`ErrorKind`], and a message that says what to do.
//!
//! # The files
//!
//! They stay plain: JSON Lines and JSON. A file `P` may have `P.lock`, `P.holder` and
//! `P.torn` next to it; see `docs/protocol.md`.
//!
//! # Asynchronous programs
//!
//! All calls block. Under tokio, run them with `spawn_blocking`, and cancel the call's token
//! when the future is dropped: `examples/tokio` has that in thirty lines.
//!
//! # Features
//!
//! `serde`: values of your types in journals and documents, the module `typed`. `tracing`:
//! [`events`] for your subscriber. None is on by default.

mod background;
mod beside;
mod clock;
mod document;
mod durability;
#[doc(hidden)]
pub mod engine;
mod error;
mod error_kind;
pub mod events;
mod holder;
mod journal;
mod lock;
mod lockfile;
mod one_shot;
mod oslock;
mod position;
mod process;
mod process_json;
mod recovery;
mod rotated;
mod seal;
mod selftest;
mod session;
mod sync;
mod sys;
mod target;
#[doc(hidden)]
pub mod tasks;
mod temporary;
mod torn;
mod transaction;
#[cfg(feature = "serde")]
pub mod typed;

pub use document::{Document, DocumentOptions, Expect, Update, Version, document_json};
pub use durability::Durability;
pub use error::{Error, ErrorKind, Result};
pub use events::{Event, EventKind, Severity};
pub use holder::Holder;
pub use journal::{
    Batch, Damage, DamageKind, Fold, Follow, FollowItem, Format, HeaderMode, Journal, JournalBytes,
    JournalOptions, JournalReader, NextGeneration, OwnedRecord, Record, Records, Repair, Report,
    Rewrite, Salvage, SalvagedLine, inspect,
};
#[doc(hidden)]
pub use journal::{FoldCursor, FoldTurn, Folded};
pub use lock::{CallOptions, FileLock, Held, LockGuard, LockOptions, held_below, holder, waiters};
pub use one_shot::{append, load, save};
#[doc(hidden)]
pub use oslock::Caller;
pub use oslock::{CancelToken, OnUnsupported, Progress, Scheme};
pub use position::Position;
pub use process::{Alive, Process};
pub use selftest::{Check, Outcome, SelfTest, selftest, selftest_with};
pub use session::{
    Hit, Lease, Reconcile, ReconcileStart, Reconciled, Search, Session, Store, StoreOptions,
};
#[cfg(feature = "fault")]
#[doc(hidden)]
pub use sys::fault;
#[cfg(untorn_interleaved)]
pub use sys::interleaved;
#[doc(hidden)]
pub use target::absolute;
pub use torn::TornEntry;
pub use transaction::{Snapshot, Transaction, TransactionOptions, snapshot, snapshot_with};

/// Returns this library's version.
#[must_use]
pub fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}

/// Compiles the quickstart's Rust with the documentation tests.
#[cfg(doctest)]
#[doc = include_str!("../../docs/quickstart.md")]
struct Quickstart;
