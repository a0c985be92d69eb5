//! Locked journal appends and atomic session saves, for programs that keep their
//! work in plain files which several processes share.
//!
//! - [`Journal`]: an append-only file of one-line records. Any number of
//!   processes and threads append to it. No record is torn, interleaved, glued to
//!   its neighbour or lost. The next append repairs the remains of a crash.
//!
//! - [`Document`]: one value in one file, always replaced whole, under a lock.
//!   Two writers never lose each other's update.
//!
//! - [`Transaction`]: several documents and journals of one directory that change
//!   together or not at all, whichever process dies.
//!
//! - [`Store`] and [`Session`]: directories with a journal and a state, found by
//!   any key, with one live owner each.
//!
//! - [`FileLock`]: the lock itself, which the kernel frees when its holder dies.
//!
//! [`Durability`] says which failure a finished call survives. The files stay
//! plain: JSON Lines and JSON. A file `P` may have `P.lock`, `P.holder` and
//! `P.torn` next to it; see `docs/protocol.md`.

mod background;
mod beside;
mod clock;
mod document;
mod durability;
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
    Batch, Damage, DamageKind, Fold, FoldCursor, FoldTurn, Folded, Follow, Followed, Format,
    HeaderMode, Journal, JournalOptions, OwnedRecord, Record, Records, Repair, Report, Rewrite,
    Salvage, SalvagedLine, inspect,
};
pub use lock::{Call, FileLock, Held, LockGuard, LockOptions, held_below, holder, waiters};
pub use one_shot::{append, load, save};
pub use oslock::{Caller, CancelToken, OnUnsupported, Progress, Scheme};
pub use position::Position;
pub use process::{Alive, Process};
pub use selftest::{Check, Outcome, SelfTest, selftest, selftest_with};
pub use session::{Begun, Hit, Lease, Reconcile, Reconciled, Search, Session, Store, StoreOptions};
#[cfg(feature = "fault")]
pub use sys::fault;
#[cfg(untorn_interleaved)]
pub use sys::interleaved;
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
