//! The Node.js addon: turns values and errors, and lets the event loop go.
//!
//! ```text
//! waker.rs       how a thread of the library wakes the event loop
//! port.rs        what one event loop waits for
//! call.rs        asynchronous calls, by `untorn::tasks`
//! failure.rs     errors, as the JavaScript side reads them
//! values.rs      positions, options and reports; scheme.rs: those of locks
//! journal.rs  batch.rs  records.rs  rewrite.rs  salvage.rs  follow.rs  fold.rs
//! news.rs        the events and progress for one loop; events.rs: what is set of them
//! document.rs  one_shot.rs  lock.rs  selftest.rs
//! postgres/      the store in a database
//! transaction.rs  snapshot.rs  store.rs  session.rs  process.rs
//! ```
//!
//! Nothing here is public to users: `lib/*.js` is the face.
#![allow(missing_docs, reason = "the face is documented in types/*.d.ts")]

mod appending;
mod batch;
mod call;
mod document;
mod events;
mod failure;
mod fold;
mod follow;
mod journal;
mod lock;
mod news;
mod one_shot;
mod open_options;
mod port;
mod postgres;
mod process;
mod records;
mod rewrite;
mod salvage;
mod scheme;
mod selftest;
mod session;
mod snapshot;
mod spelling;
mod store;
mod transaction;
mod values;
mod waker;

use napi_derive::napi;

/// Runs the command `untorn` with these arguments, the program's name first, and
/// returns its exit status. It changes how this process reacts to signals, and
/// blocks.
#[napi(catch_unwind)]
pub fn command(args: Vec<String>) -> u8 {
    untorn_cli::main(args.into_iter().map(std::ffi::OsString::from))
}

#[napi(catch_unwind)]
pub fn version() -> &'static str {
    untorn::version()
}
