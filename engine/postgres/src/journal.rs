//! A journal in the database.

use std::io;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use postgres::Client;
use untorn::{Batch, JournalBytes, JournalOptions, JournalReader, Position};

use crate::Error;
use crate::connections::Connections;

/// The sessions of one schema, by the caller's own connections.
#[derive(Clone)]
pub struct Store {
    connections: Connections,
    /// Quoted.
    schema: String,
}

impl Store {
    /// Makes a store of this schema. `connect` returns a connection for one statement:
    /// one of a pool, or a new one. It must not be within a transaction.
    ///
    /// A statement whose connection broke is sent again on another one, up to ten
    /// times. It carries an id, so that it is never carried out twice.
    pub fn new<C, E>(
        connect: impl Fn() -> Result<C, E> + Send + Sync + 'static,
        schema: &str,
    ) -> Store
    where
        C: DerefMut<Target = Client>,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        Store {
            connections: Connections::new(connect),
            schema: format!("\"{}\"", schema.replace('"', "\"\"")),
        }
    }

    /// Returns the journal `name` of the session `key`. The first append creates both.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for options that only files have.
    pub fn journal(
        &self,
        key: &str,
        name: &str,
        options: JournalOptions,
    ) -> Result<Journal, Error> {
        let kept = Arc::new(Kept {
            connections: self.connections.clone(),
            key: key.to_owned(),
            name: name.to_owned(),
            shown: format!("{}/{key}/{name}", self.schema),
            schema: self.schema.clone(),
        });
        let reader = options.reader(&kept.shown, kept.clone())?;
        Ok(Journal { reader, kept })
    }
}

/// The conditions of an append, and its durability.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// Appends only if the journal ends here.
    pub at: Option<Position>,
    /// Appends only under the lease of this token.
    pub token: Option<i64>,
    /// Returns when the records are on the server's medium; else when a crash of this
    /// process can't lose them.
    pub durable: bool,
}

impl Default for Terms {
    fn default() -> Terms {
        Terms {
            at: None,
            token: None,
            durable: true,
        }
    }
}

/// A journal of a session in the database. It reads as a [`JournalReader`] does: the
/// same records, damage, seals and positions as of a file.
///
/// ```no_run
/// use postgres::{Client, NoTls};
/// use untorn_postgres::Store;
///
/// struct Own(Client);
/// # impl std::ops::Deref for Own { type Target = Client; fn deref(&self) -> &Client { &self.0 } }
/// # impl std::ops::DerefMut for Own { fn deref_mut(&mut self) -> &mut Client { &mut self.0 } }
///
/// let store = Store::new(|| Client::connect("host=db dbname=app", NoTls).map(Own), "untorn");
/// let journal = store.journal("chat:42", "session.jsonl", untorn::Journal::options())?;
/// journal.append(b"{\"role\":\"user\"}")?;
/// for record in journal.tail(20)? {
///     println!("{}", String::from_utf8_lossy(&record.bytes));
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Journal {
    reader: JournalReader,
    kept: Arc<Kept>,
}

impl Journal {
    /// Appends one record, durably, and returns the end after it.
    ///
    /// # Errors
    /// As [`Journal::append_batch`].
    pub fn append(&self, record: &[u8]) -> Result<Position, Error> {
        let mut batch = self.reader.batch();
        batch.push(record)?;
        self.append_batch(&batch, Terms::default())
    }

    /// Appends the records of a batch from [`JournalReader::batch`], all or none, and
    /// returns the end after them.
    ///
    /// # Errors
    /// [`Error::Refused`]: the journal does not end at `at`, or the lease is lost.
    /// [`Error::Unknown`]: no connection brought an answer.
    pub fn append_batch(&self, batch: &Batch, terms: Terms) -> Result<Position, Error> {
        if batch.is_empty() {
            return Ok(self.reader.end()?);
        }
        let kept = &self.kept;
        let sql = format!(
            "call {}.append($1, $2, $3, $4, $5, $6, $7::text::uuid, $8)",
            kept.schema
        );
        let at = terms.at.map(|at| (at.generation as i64, at.offset as i64));
        let (generation, end) = (at.map(|at| at.0), at.map(|at| at.1));
        let id = new_id();
        let row = kept.connections.call(&kept.shown, |client| {
            client.query_one(
                &sql,
                &[
                    &kept.key,
                    &kept.name,
                    &batch.bytes(),
                    &generation,
                    &end,
                    &terms.token,
                    &id,
                    &terms.durable,
                ],
            )
        })?;
        Ok(Position {
            generation: row.get::<_, i64>("generation") as u64,
            offset: row.get::<_, i64>("end_after") as u64,
        })
    }
}

impl Deref for Journal {
    type Target = JournalReader;

    fn deref(&self) -> &JournalReader {
        &self.reader
    }
}

/// An answer of `read`. No bytes: the journal has another generation.
struct ReadRow {
    generation: i64,
    size: i64,
    bytes: Option<Vec<u8>>,
}

struct Kept {
    connections: Connections,
    schema: String,
    key: String,
    name: String,
    /// The name in messages.
    shown: String,
}

impl Kept {
    fn read_row(&self, generation: Option<i64>, at: i64, most: i32) -> io::Result<Option<ReadRow>> {
        let sql = format!(
            "select generation_now, size, bytes from {}.read($1, $2, $3, $4, $5)",
            self.schema
        );
        self.connections
            .call(&self.shown, |client| {
                let row =
                    client.query_opt(&sql, &[&self.key, &self.name, &at, &most, &generation])?;
                Ok(row.map(|row| ReadRow {
                    generation: row.get(0),
                    size: row.get(1),
                    bytes: row.get(2),
                }))
            })
            .map_err(io::Error::other)
    }
}

impl JournalBytes for Kept {
    fn look(&self) -> io::Result<Option<(u64, u64)>> {
        let row = self.read_row(None, 0, 0)?;
        Ok(row.map(|row| (row.generation as u64, row.size as u64)))
    }

    fn read(&self, generation: u64, at: u64, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        let most = i32::try_from(buffer.len()).unwrap_or(1 << 30);
        let row = self.read_row(Some(generation as i64), at as i64, most)?;
        Ok(row.and_then(|row| row.bytes).map(|bytes| {
            buffer[..bytes.len()].copy_from_slice(&bytes);
            bytes.len()
        }))
    }
}

/// Returns an id that no other append has: time, process and count in 122 bits, mixed
/// with the random state of std's hash maps.
fn new_id() -> String {
    use std::hash::{BuildHasher, RandomState};
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let time = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    // Each state has keys of its own, the first of a thread from the system.
    let random = RandomState::new().hash_one((count, std::process::id(), time));
    // In the order of time, so that the index of ids grows at its end.
    let millis = time.as_millis() as u64 & 0xffff_ffff_ffff;
    let more = RandomState::new().hash_one((random, count));
    format!(
        "{:08x}-{:04x}-7{:03x}-{:04x}-{:012x}",
        millis >> 16,
        millis & 0xffff,
        more & 0xfff,
        0x8000 | (more >> 12) & 0x3fff,
        random & 0xffff_ffff_ffff
    )
}
