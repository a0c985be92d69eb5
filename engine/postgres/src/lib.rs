//! untorn's store on PostgreSQL: sessions with journals, documents and leases, which
//! many hosts share. It has the verbs of the store of files.
//!
//! The protocol is functions and procedures of the database, which every driver and
//! `psql` call too: `docs/protocol-postgres.md` describes them and what they promise.
//! This crate brings the migrations that create them, and [`Store`].
//!
//! ```no_run
//! use postgres::{Client, NoTls};
//! use untorn_postgres::{Connections, Store};
//!
//! let connect = || Client::connect("host=db user=owner dbname=app", NoTls);
//! untorn_postgres::migrate(&mut connect()?, "untorn")?;
//!
//! let store = Store::open(Connections::new(move || connect().map(Box::new)), "untorn")?;
//! let session = store.session("chat:42")?;
//! let lease = session.claim("worker 3")?;
//! session.journal()?.append(b"{\"role\":\"user\"}")?;
//! session.state()?.update(|_| Ok(b"{\"turns\":1}".to_vec()))?;
//! lease.release()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! ```text
//! driver.rs       the seam to a driver; connections.rs: the one of the crate `postgres`;
//!                 tokio_connections.rs: of `tokio-postgres`; typed.rs: what both share
//! link.rs         one statement with its retries; error.rs: what failures mean
//! kept.rs         what the handles of a session share: the fence, lost answers, commits; shared.rs:
//!                 what those of a store share
//! store.rs        the sessions by their keys; session.rs: one; search.rs
//! journal.rs  rewrite/  document.rs  transaction.rs
//! fold.rs         a state that is kept; fold_cursor.rs: one without its state; fold_source.rs:
//!                 the records for both
//! lease.rs        one live owner; beat.rs renews; lost.rs: the loss; own_connection.rs;
//!                 reconcile.rs settles after a dead one; dropped.rs: a drop ends both
//! listen.rs       wakes followers
//! stop.rs         ends a statement of a cancelled call
//! copy/           a tree of files to the database, and back
//! selftest.rs     what a server or a pooler lacks
//! migrations.rs   the schema
//! ```

mod appends;
mod beat;
#[cfg(feature = "postgres")]
mod connections;
mod copy;
mod document;
mod driver;
mod dropped;
mod error;
mod fold;
mod fold_cursor;
mod fold_source;
mod id;
mod journal;
mod kept;
mod lease;
mod link;
mod listen;
mod lost;
mod migrations;
mod options;
mod own_connection;
mod owner;
#[cfg(feature = "postgres")]
mod prepared;
mod reconcile;
mod rewrite;
mod search;
mod selftest;
mod session;
mod shared;
mod stop;
mod store;
#[cfg(feature = "tokio-postgres")]
mod tokio_connections;
mod transaction;
#[cfg(any(feature = "postgres", feature = "tokio-postgres"))]
mod typed;
mod way;

#[cfg(feature = "postgres")]
pub use connections::Connections;
pub use copy::{Copied, Skipped};
pub use document::{Document, Update};
pub use driver::{Connection, Driver, Failure, Param, Refusal, Row, Value};
pub use fold::Fold;
pub use fold_cursor::{FoldCursor, FoldTurn};
pub use journal::Journal;
pub use lease::Lease;
#[cfg(feature = "postgres")]
pub use migrations::migrate;
pub use migrations::{MIGRATIONS, Migration, migrate_with};
pub use options::StoreOptions;
#[cfg(feature = "postgres")]
pub use prepared::Prepared;
pub use reconcile::{Reconcile, ReconcileStart};
pub use rewrite::Rewrite;
pub use search::Search;
pub use selftest::{Check, selftest};
pub use session::{Session, Stat};
pub use stop::stoppable;
pub use store::{Keys, Store};
#[cfg(feature = "tokio-postgres")]
pub use tokio_connections::TokioConnections;
pub use transaction::Transaction;
pub use untorn::{Error, ErrorKind};
