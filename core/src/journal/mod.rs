//! Journals: append-only files of one-line records.
//!
//! ```text
//! options.rs    how a journal is opened; shared.rs: what the users of a handle share
//! open.rs       the file that the path means now; one_name.rs: why it has one name
//! append/       records made ready, the lead among many calls, one write, one sync
//! repair.rs     the torn tail; seal/: the checksum behind each record
//! read/         forward, backward, and how far a journal is decided
//! header/       the first line, where it is no record
//! rewrite/      a new file in the journal's place
//! follow/       records as they come
//! fold/         a state kept from the records
//! member.rs     what a transaction needs
//! ```

pub(crate) mod append;
pub(crate) mod fold;
pub(crate) mod follow;
pub(crate) mod header;
pub(crate) mod member;
mod one_name;
mod open;
mod options;
pub(crate) mod read;
mod repair;
pub(crate) mod rewrite;
pub(crate) mod seal;
mod shared;

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

pub use append::Batch;
pub use fold::{Fold, FoldCursor, FoldTurn, Folded};
pub use follow::{Follow, Followed};
pub use options::{Format, HeaderMode, JournalOptions};
pub use read::{Damage, DamageKind, OwnedRecord, Record, Records, Report, inspect};
pub use repair::Repair;
pub use rewrite::Rewrite;

use crate::durability::Durability;
use crate::error::{Error, ErrorKind, Result};
use crate::journal::append::Epoch;
use crate::journal::append::Work;
use crate::journal::seal::Chain;
use crate::lock::Call;
use crate::oslock::{CancelToken, LockFile};
use crate::position::Position;
use crate::sys;
use shared::Shared;

/// An append-only file of one-line records that any number of processes and
/// threads append to.
///
/// No record is ever torn, interleaved with another or glued to it, and none
/// that `append` acknowledged is lost; what a crash leaves behind is repaired by
/// the next append. Reading takes no lock.
///
/// One handle serves many threads. It stays with the path: if the file is
/// replaced, rotated or deleted, the next append goes to the file that has the
/// name then.
///
/// ```
/// use untorn::Journal;
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("session.jsonl");
/// let journal = Journal::open(&path)?;
/// journal.append(br#"{"role":"user","text":"hello"}"#)?;
/// journal.append_all([r#"{"role":"tool"}"#, r#"{"role":"assistant"}"#])?;
///
/// for record in journal.records()? {
///     println!("{}", String::from_utf8_lossy(&record?.bytes));
/// }
/// assert_eq!(journal.tail(1)?[0].bytes, br#"{"role":"assistant"}"#);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Journal {
    shared: Arc<Shared>,
}

impl Journal {
    /// Durability, limits, timeout and so on.
    #[must_use]
    pub fn options() -> JournalOptions {
        JournalOptions::default()
    }

    /// Opens the journal at `path` with the default options.
    ///
    /// # Errors
    /// As [`JournalOptions::open`].
    pub fn open(path: impl AsRef<Path>) -> Result<Journal> {
        Journal::options().open(path)
    }

    fn with_options(path: &Path, options: JournalOptions) -> Result<Journal> {
        options.check(path)?;
        crate::target::check_mode("open", path, options.mode)?;
        let real = match &options.home {
            Some(_) => path.to_owned(),
            None => crate::target::resolve("open", path, options.parents, options.durability)?,
        };
        let stat = sys::stat(&real).map_err(|error| Error::os("open", path, error))?;
        match stat {
            Some(stat) if !stat.is_file => {
                return Err(Error::invalid_argument("open", path, "not a regular file"));
            }
            None if !options.create => {
                return Err(Error::new(
                    ErrorKind::NotFound,
                    "open",
                    path,
                    "the journal is not there, and this handle was not to make it",
                ));
            }
            _ => {}
        }
        Ok(Journal {
            shared: Arc::new(Shared::new(real, options)?),
        })
    }

    /// The file, with every symbolic link resolved.
    pub fn path(&self) -> &Path {
        &self.shared.path
    }

    /// Appends one record (without a newline) and gives the position behind it.
    ///
    /// # Errors
    /// `INVALID_RECORD` if it is not one JSON value in UTF-8 (format `json`) or
    /// holds a newline, `LIMIT_EXCEEDED` if it is longer than `max_record`,
    /// `LOCK_TIMEOUT`, `STORAGE_FULL` and other failures of the system: the
    /// journal is as it was. `NOT_DURABLE`: the record is in the file, but a
    /// power cut may lose it; from then on `POISONED`.
    pub fn append(&self, record: &[u8]) -> Result<Position> {
        self.append_with(record, &Call::new())
    }

    /// [`Journal::append`], with a way to wait, to cancel, or to work under a
    /// lock that is held already.
    ///
    /// # Errors
    /// The same, and `CANCELLED`.
    pub fn append_with(&self, record: &[u8], call: &Call<'_>) -> Result<Position> {
        self.shared.rules.check_no_header(record)?;
        self.shared.rules.check(record)?;
        // A record and its newline go with one write. The buffer is the
        // thread's own: no lock, and no allocation but the first.
        thread_local!(static LINE: std::cell::RefCell<Vec<u8>> = const { std::cell::RefCell::new(Vec::new()) });
        let mut line = LINE.take();
        line.clear();
        match self.shared.options.sealed {
            true => Chain::default().add(&mut line, record),
            false => {
                line.extend_from_slice(record);
                line.push(b'\n');
            }
        }
        let work = Work {
            lines: &line,
            records: 1,
            header: None,
            at: None,
        };
        let result = append::group_commit::commit::append(&self.shared, &work, call);
        if line.capacity() <= 1 << 16 {
            LINE.set(line);
        }
        result
    }

    /// Appends many records next to each other: all of them or none, whenever a
    /// process dies. (Across a power cut a part of them may be there, unless the
    /// journal is sealed.) Gives the position behind the last.
    ///
    /// # Errors
    /// As [`Journal::append`].
    pub fn append_all<I>(&self, records: I) -> Result<Position>
    where
        I: IntoIterator,
        I::Item: AsRef<[u8]>,
    {
        self.append_batch(&self.collect(records)?, None, &Call::new())
    }

    /// Appends only if the journal ends at `expected` (compare-and-swap).
    ///
    /// # Errors
    /// `CONFLICT`, whose position is the actual end; and as
    /// [`Journal::append`].
    pub fn append_at<I>(&self, expected: Position, records: I) -> Result<Position>
    where
        I: IntoIterator,
        I::Item: AsRef<[u8]>,
    {
        self.append_batch(&self.collect(records)?, Some(expected), &Call::new())
    }

    fn collect<I>(&self, records: I) -> Result<Batch>
    where
        I: IntoIterator,
        I::Item: AsRef<[u8]>,
    {
        let mut batch = self.batch();
        for record in records {
            batch.push(record.as_ref())?;
        }
        Ok(batch)
    }

    /// An empty batch for [`Journal::append_batch`].
    #[must_use]
    pub fn batch(&self) -> Batch {
        Batch::new(&self.shared.rules)
    }

    /// Appends a batch, all of it or nothing. An empty batch appends nothing,
    /// but the lock is taken, and `at` compared.
    ///
    /// # Errors
    /// As [`Journal::append_with`] and [`Journal::append_at`].
    pub fn append_batch(
        &self,
        batch: &Batch,
        at: Option<Position>,
        call: &Call<'_>,
    ) -> Result<Position> {
        self.check_batch(batch)?;
        append::group_commit::commit::append(&self.shared, &batch.work(at), call)
    }

    /// Queues a batch and returns at once; `done` is called on a thread of the
    /// library's own. Calls on one handle keep their order, and what queues up
    /// while one is being written is committed together.
    pub fn append_queued(
        &self,
        batch: Batch,
        at: Option<Position>,
        timeout: Option<Option<Duration>>,
        cancel: Option<CancelToken>,
        done: impl FnOnce(Result<Position>) + Send + 'static,
    ) {
        if let Err(error) = self.check_batch(&batch) {
            return done(Err(error));
        }
        append::group_commit::append_queued(
            &self.shared,
            batch,
            at,
            timeout,
            cancel,
            Box::new(done),
        );
    }

    fn check_batch(&self, batch: &Batch) -> Result<()> {
        if batch.is_for(&self.shared.rules) {
            return Ok(());
        }
        Err(Error::invalid_argument(
            "append",
            self.path(),
            "the batch was made by another journal, and checked for that one",
        ))
    }

    /// Where the last whole record ends, and never within an append of many.
    /// Takes no lock: an append that is in flight may count or not.
    ///
    /// # Errors
    /// `NOT_FOUND` without `create`, and failures of the system.
    pub fn end(&self) -> Result<Position> {
        read::tail::end(&self.shared)
    }

    /// Reads all records.
    ///
    /// # Errors
    /// `NOT_FOUND` without `create`, and failures of the system.
    pub fn records(&self) -> Result<Records> {
        Records::open(&self.shared, None)
    }

    /// Reads the records from `position` on.
    ///
    /// # Errors
    /// `CONFLICT` if the position is not one of this file's; and as
    /// [`Journal::records`].
    pub fn records_from(&self, position: Position) -> Result<Records> {
        Records::open(&self.shared, Some(position))
    }

    /// The last `n` records, oldest first, read backwards from the end: it
    /// costs the same however long the journal is.
    ///
    /// # Errors
    /// As [`Journal::records`].
    pub fn tail(&self, n: usize) -> Result<Vec<OwnedRecord>> {
        self.tail_with(n, &Call::new())
    }

    /// [`Journal::tail`], with a way to end it: the last million takes its time.
    ///
    /// # Errors
    /// The same, and `CANCELLED`.
    pub fn tail_with(&self, n: usize, call: &Call<'_>) -> Result<Vec<OwnedRecord>> {
        read::tail::tail(&self.shared, n, call)
    }

    /// Yields the records behind `position`, and then those that are appended
    /// from now on, by whichever process, as they come: see [`Follow`]. `None`:
    /// from the end on.
    ///
    /// # Errors
    /// `CONFLICT` if the position is in the middle of a record or behind the
    /// end; and as [`Journal::records`]. (That the file has been rewritten or
    /// replaced since is no error: the first thing that [`Follow::next`] gives
    /// tells so.)
    pub fn follow(&self, position: Option<Position>) -> Result<Follow> {
        Follow::begin(&self.shared, position)
    }

    /// A state that is kept from the records: `apply` is called once for each,
    /// in file order, whoever appends it: see [`Fold`].
    ///
    /// # Errors
    /// As [`Fold::refresh`], which is done once.
    pub fn fold<S, E>(
        &self,
        initial: impl Fn() -> S + Send + Sync + 'static,
        apply: impl Fn(&mut S, &Record<'_>) -> std::result::Result<(), E> + Send + Sync + 'static,
    ) -> Result<Fold<S>>
    where
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        Fold::begin(self.fold_cursor(), initial, apply)
    }

    /// What a fold is made of, for languages whose functions can't be called
    /// from here: see [`FoldCursor`].
    #[must_use]
    pub fn fold_cursor(&self) -> FoldCursor {
        FoldCursor::new(&self.shared)
    }

    /// Checks every record, takes no lock and changes nothing. A torn tail may
    /// be an append in flight.
    ///
    /// # Errors
    /// As [`Journal::records`].
    pub fn verify(&self) -> Result<Report> {
        self.verify_with(&Call::new())
    }

    /// [`Journal::verify`], with a way to cancel. It waits for nobody.
    ///
    /// # Errors
    /// The same, and `CANCELLED`.
    pub fn verify_with(&self, call: &Call<'_>) -> Result<Report> {
        read::verify(&self.shared, "verify", &call.begin(None))
    }

    /// Repairs the tail as the next append would, then checks every record.
    /// Damage before the tail is reported, never cut.
    ///
    /// # Errors
    /// `LOCK_TIMEOUT` and failures of the system.
    pub fn repair(&self) -> Result<Report> {
        self.repair_with(&Call::new())
    }

    /// [`Journal::repair`], with a way to wait, to cancel, or to work under a
    /// lock that is held already.
    ///
    /// # Errors
    /// The same, and `CANCELLED`.
    pub fn repair_with(&self, call: &Call<'_>) -> Result<Report> {
        let shared = &self.shared;
        shared.usable("repair")?;
        let repair = |lock: LockFile<'_>| shared.desk().writer.repair(shared, lock);
        let repaired = if call.guard().is_some() {
            shared.under_guard("repair", call, |_, lock| repair(lock))?
        } else {
            let patience = call.begin(shared.options.timeout);
            match shared.lock.acquire_if_there("repair", false, &patience)? {
                Some(held) => repair(held.lock_file())?,
                None => None,
            }
        };
        // Its time was for the lock: what is left of it is no limit here.
        let report = read::verify(shared, "repair", &call.begin(None))?;
        Ok(Report { repaired, ..report })
    }

    /// Makes everything in the file so far survive a power cut, whoever wrote
    /// it.
    ///
    /// # Errors
    /// `NOT_DURABLE`, and from then on `POISONED`.
    pub fn sync(&self) -> Result<()> {
        self.shared.usable("sync")?;
        let Some(data) = self.shared.desk().writer.open_for_sync(&self.shared.path)? else {
            return Ok(());
        };
        // What others wrote is in the file too: no earlier sync says anything of it.
        Epoch::now(&data)
            .sync(&self.shared)
            .map_err(|why| why.after(&self.shared, "sync", "what was written is in the file"))
    }

    /// Closes the handle and all that it has open: later calls that change the
    /// journal are refused. Calls that are under way go on, and close what they
    /// have open when they are done. A second time does nothing.
    ///
    /// # Errors
    /// None today.
    pub fn close(&self) -> Result<()> {
        self.shared.close();
        Ok(())
    }

    /// The durability that this handle was opened with.
    pub fn durability(&self) -> Durability {
        self.shared.options.durability
    }
}

impl fmt::Debug for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Journal")
            .field("path", &self.path())
            .finish_non_exhaustive()
    }
}
