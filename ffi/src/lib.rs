//! The C interface: `include/untorn.h` is made from this crate by cbindgen,
//! so that the documentation comments here speak of C.
//!
//! Nothing is decided here. Each function turns its arguments into the core's,
//! calls it within [`guard::guard`], and turns back what comes out.
//!
//! ```text
//! guard.rs  argument.rs  options.rs  text.rs      the border
//! code.rs  codes.rs  error.rs  holder.rs            what went wrong
//! position.rs  version.rs  bytes.rs  buffer.rs    values
//! process.rs  selftest.rs
//! call.rs  cancel.rs  lock.rs  scheme.rs         waiting
//! journal.rs  journal_options.rs  records.rs  report.rs  damage.rs
//! header.rs  rewrite.rs
//! follow.rs  fold.rs
//! document.rs  update.rs  transaction.rs  snapshot.rs  one_shot.rs
//! store.rs  session.rs  reconcile.rs  search.rs
//! ```

// A `# Safety` section would be copied into the header, where it means
// nothing: the header says itself what each pointer must be.
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
mod fold;
mod follow;
mod header;
mod holder;
mod journal;
mod journal_options;
mod lock;
mod one_shot;
mod position;
mod process;
mod reconcile;
mod records;
mod report;
mod rewrite;
mod search;
mod selftest;
mod session;
mod snapshot;
mod store;
mod transaction;
mod update;
mod version;

mod argument;
mod guard;
mod options;
mod scheme;
mod text;
