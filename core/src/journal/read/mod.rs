//! Reads forward: without a lock, in constant memory, and never half a record.
//!
//! ```text
//! records.rs   the reader; skip.rs: bytes that are passed over
//! source.rs    which file is read; in_place.rs: one that is being rewritten
//! decided.rs   how far it is decided
//! fill.rs      lines, out of a file that may change meanwhile; line.rs
//! advance.rs   which of them are records; record.rs: what is yielded
//! tail.rs      the last records, backwards from the end (backward.rs)
//! tail_kind.rs what the bytes after the last newline are
//! verify.rs    every record checked; damage.rs: what can be wrong
//! notes.rs     what other programs stumble over
//! foreign.rs   files that are not journals
//! ```

mod advance;
mod backward;
mod damage;
mod decided;
mod fill;
mod foreign;
mod in_place;
pub(crate) mod line;
mod notes;
mod record;
mod records;
mod skip;
mod source;
pub(crate) mod tail;
mod tail_kind;
mod verify;

pub use damage::{Damage, DamageKind};
pub use record::{OwnedRecord, Record};
pub use records::Records;
pub use verify::Report;
pub(crate) use verify::verify;

pub(crate) use advance::Step;
pub(crate) use backward::{Backward, Bytes};
pub(crate) use decided::Decided;
pub(crate) use foreign::{Foreign, HEAD};
pub(crate) use line::{byte_order_mark, byte_order_mark_length};
pub(crate) use records::Place;
pub(crate) use source::Source;
