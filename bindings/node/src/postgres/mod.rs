//! The store in a database. Statements travel to the event loop, where the caller's
//! own pool carries them.
//!
//! ```text
//! bridge.rs   statements on their way to JavaScript; the threads that wait for answers
//! answers.rs  JavaScript's answers on their way back
//! refusal.rs  what a server says when it refuses a statement
//! text.rs     parameters and columns, as the driver writes them
//! pool.rs     the seam of the crate `untorn-postgres`: the caller's pool
//! lane.rs     which thread a call runs on, and in which order
//! store.rs  session.rs  lease.rs  reconcile.rs
//! journal.rs  appends.rs  rewrite.rs  fold.rs  document.rs  transaction.rs
//! setup.rs    migrations and the self-test
//! ```
//!
//! No handle has a blocking twin: the event loop would wait for itself.

mod answers;
mod appends;
mod bridge;
mod document;
mod fold;
mod journal;
mod lane;
mod lease;
mod pool;
mod reconcile;
mod refusal;
mod rewrite;
mod session;
mod setup;
mod store;
mod text;
mod transaction;

pub use bridge::Statements;
