//! Journals: append-only files of one-line records.
//!
//! ```text
//! options.rs    how a journal is opened; generated: option_fields.rs, words.rs
//! handle.rs     the handle; verbs.rs: its methods for reading, repair and sync
//! shared.rs     what the users of a handle share
//! record_policy.rs  what may be a record; json.rs: whether it is JSON
//! elsewhere.rs  reads a journal that is not a file; journal_bytes.rs: its bytes
//! data.rs       the file, open; one_name.rs: why it has one name
//! syncs.rs      which sync makes what durable, and how many run at once
//! append/       records made ready, one leader for many calls, one write, one sync
//! repair.rs     the torn tail; seal/: the checksum after each record
//! read/         forward, backward, and how far a journal is decided
//! header/       the first line, if it is a header
//! rewrite/      a new file in the journal's place; salvage/: one without the damage
//! follow/       records as they are appended
//! fold/         a state kept from the records
//! member.rs     what a transaction needs
//! ```

// In this order its documentation has the methods of `Journal`.
mod handle;

mod append;

mod verbs;

mod data;
mod elsewhere;
mod fold;
mod follow;
mod header;
mod journal_bytes;
mod json;
pub(crate) mod member;
mod one_name;
mod option_fields;
mod options;
mod read;
mod record_policy;
mod repair;
mod rewrite;
mod salvage;
mod seal;
mod shared;
mod syncs;
mod words;

pub use append::Batch;
pub use elsewhere::JournalReader;
pub use fold::{Fold, FoldCursor, FoldTurn, Folded};
pub use follow::{Follow, FollowItem};
pub use handle::Journal;
pub use journal_bytes::{JournalBytes, NextGeneration};
pub use options::{Format, HeaderMode, JournalOptions};
pub(crate) use read::Foreign;
pub use read::{Damage, DamageKind, OwnedRecord, Record, Records, Report};
pub use record_policy::inspect;
pub use repair::Repair;
pub use rewrite::{NewLines, RewindTo, Rewrite};
pub use salvage::{Salvage, SalvagedLine};
