//! untorn's protocol on PostgreSQL: the schema that makes a database a store of
//! sessions, which many hosts share.
//!
//! The verbs are functions and procedures of the database. Every driver calls
//! them, and so does `psql`: `docs/protocol-postgres.md` describes them and what
//! they promise. This crate brings the migrations that create them, and journals:
//! [`Store::journal`] reads and appends as with a file.
//!
//! ```no_run
//! use postgres::{Client, NoTls};
//!
//! let mut client = Client::connect("host=db user=owner dbname=app", NoTls)?;
//! untorn_postgres::migrate(&mut client, "untorn")?;
//! client.batch_execute("call untorn.allow('app')")?;
//!
//! let record = b"{\"role\":\"user\"}\n".as_slice();
//! let row = client.query_one(
//!     "call untorn.append($1, 'session.jsonl', $2)",
//!     &[&"chat:42", &record],
//! )?;
//! let end: i64 = row.get("end_after");
//! # let _ = end;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod connections;
mod error;
mod journal;
mod migrations;

pub use error::Error;
pub use journal::{Journal, Store, Terms};
pub use migrations::{MIGRATIONS, Migration, migrate};
