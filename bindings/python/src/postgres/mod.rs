//! The store on PostgreSQL. The crate `untorn-postgres` does the work, with a driver of the
//! caller's in Python.

mod call;
mod closed;
mod document;
mod driver;
mod ending;
mod fold;
mod journal;
mod lease;
mod names;
mod opening;
mod reconcile;
mod rewrite;
mod session;
mod store;
mod transaction;

pub use call::{PostgresCall, ask, run, token};
pub use document::{PostgresDocument, PostgresUpdate};
pub use ending::forked;
pub use fold::{PostgresFold, PostgresFoldTurn};
pub use journal::PostgresJournal;
pub use lease::PostgresLease;
pub use opening::{postgres_migrate, postgres_selftest};
pub use reconcile::PostgresTurn;
pub use rewrite::PostgresRewrite;
pub use session::PostgresSession;
pub use store::PostgresStore;
pub use transaction::PostgresTransaction;
