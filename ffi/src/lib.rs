//! The C interface. cbindgen writes `include/untorn.h` from this crate, so the
//! documentation comments here speak of C.
//!
//! This crate decides nothing. Each function converts its arguments, calls the
//! core within [`guard::guard`], and converts the result.
//!
//! ```text
//! guard.rs  argument.rs  options.rs  text.rs      the border
//! code.rs  codes.rs  error.rs  holder.rs         failures
//! position.rs  version.rs  bytes.rs  buffer.rs    values
//! process.rs  selftest.rs  event.rs
//! call.rs  cancel.rs  lock.rs  held.rs  scheme.rs waiting
//! words.rs  option_structs.rs  inits.rs           options
//! journal.rs  records.rs  report.rs  damage.rs
//! header.rs  rewrite.rs  rotated.rs  salvage.rs
//! follow.rs  fold.rs
//! document.rs  update.rs  transaction.rs  snapshot.rs  one_shot.rs
//! store.rs  session.rs  reconcile.rs  search.rs
//! place.rs: files or a database; postgres/       PostgreSQL through a driver of C's
//! ```

// cbindgen would copy a `# Safety` section into the header, where it means
// nothing: the header itself says what each pointer must be.
#![allow(clippy::missing_safety_doc)]

mod buffer;
mod bytes;
mod call;
mod cancel;
mod code;
mod codes;
mod damage;
mod document;
mod error;
mod event;
mod fold;
mod follow;
mod header;
mod held;
mod holder;
mod inits;
mod journal;
mod known_holder;
mod lock;
mod one_shot;
mod option_structs;
mod position;
mod process;
mod reconcile;
mod records;
mod report;
mod rewrite;
mod rotated;
mod salvage;
mod search;
mod selftest;
mod session;
mod snapshot;
mod store;
mod transaction;
mod update;
mod version;
mod words;

mod argument;
mod guard;
mod options;
mod place;
mod postgres;
mod scheme;
mod text;
