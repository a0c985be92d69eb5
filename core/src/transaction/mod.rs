//! Transactions: several files of one directory that change together or not at
//! all.
//!
//! ```text
//! options.rs    the options of a transaction
//! directory.rs  the directory's lock; member.rs: a file and its staged change
//! commit.rs     the commit; plan.rs: its changes; stage.rs: its preparation
//! snapshot.rs   several files as they are at one instant
//! ```
//!
//! The recovery of a transaction whose owner died is with the locks:
//! `recovery/transaction`.

mod commit;
mod directory;
mod member;
mod options;
mod plan;
mod snapshot;
mod stage;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

pub use options::TransactionOptions;
pub use snapshot::{Snapshot, snapshot, snapshot_with};

use crate::document::Version;
use crate::durability::Durability;
use crate::error::{Error, ErrorKind, Result};
use crate::journal::Batch;
use crate::journal::{self};
use crate::lock::Call;
use crate::oslock::Held;
use crate::sys;
use directory::DirectoryLock;
use member::Member;

/// Several documents and journals of one directory that change together or not at
/// all, whichever process dies.
///
/// Nothing is written before [`Transaction::commit`]: an error, a drop or a death
/// before it leaves everything as it was. After a death later, the next call of
/// this library that locks one of the files finishes the commit. A reader without
/// a lock sees each file whole, before or after.
///
/// A file is locked from the first [`load`](Transaction::load) on, so that the
/// saved bytes can follow from the read ones. The other files are locked during
/// the commit. A thread that holds such a lock itself (a `FileLock`, an update)
/// gets a `DEADLOCK`.
///
/// ```
/// use untorn::{Document, Journal, Transaction};
/// # let dir = tempfile::tempdir()?;
/// # let dir = dir.path();
/// let mut tx = Transaction::begin(dir)?;
/// let turns = tx.load("state.json")?;
/// assert!(turns.is_none());
/// tx.save("state.json", b"{\"turns\":1}")?;
/// tx.append("session.jsonl", [r#"{"role":"user"}"#])?;
/// tx.create("result.json", b"{}")?;
/// tx.commit()?;
///
/// assert_eq!(Document::open(dir.join("state.json"))?.load()?.0, b"{\"turns\":1}");
/// assert_eq!(Journal::open(dir.join("session.jsonl"))?.tail(9)?.len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Transaction {
    /// The path with every symbolic link resolved.
    dir: PathBuf,
    options: TransactionOptions,
    /// The members by their resolved names, and so in the order in which they are
    /// locked.
    members: BTreeMap<String, Member>,
    /// After the members, so that it is released last. `None`: committed or
    /// rolled back.
    lock: Option<DirectoryLock>,
}

impl Transaction {
    /// Returns the options: durability, timeout and so on.
    #[must_use]
    pub fn options() -> TransactionOptions {
        TransactionOptions::default()
    }

    /// Begins a transaction in `dir` with the default options.
    ///
    /// # Errors
    /// As [`TransactionOptions::begin`].
    pub fn begin(dir: impl AsRef<Path>) -> Result<Transaction> {
        Transaction::options().begin(dir)
    }

    fn with_options(
        dir: &Path,
        options: TransactionOptions,
        call: &Call<'_>,
    ) -> Result<Transaction> {
        crate::target::check_mode("begin", dir, options.mode)?;
        let dir = directory::resolve("begin", dir)?;
        directory::check_scheme("begin", &dir, &options.journals)?;
        let patience = call.begin(options.timeout);
        let lock = directory::enter("begin", &dir, call, &patience)?;
        Ok(Transaction {
            dir,
            options,
            members: BTreeMap::new(),
            lock: Some(lock),
        })
    }

    /// Returns the directory, with every symbolic link resolved.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Returns the failure that the commit survives.
    pub fn durability(&self) -> Durability {
        self.options.durability
    }

    /// Returns the bytes of a file and their version, as the transaction leaves
    /// it; `None` if it is missing. Locks the file until the end of the
    /// transaction.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for a name that is not one of a file in the directory,
    /// `LOCK_TIMEOUT`, `LOCKED`, `DEADLOCK`, and failures of the system. The
    /// transaction goes on.
    pub fn load(&mut self, name: &str) -> Result<Option<(Vec<u8>, Version)>> {
        self.load_with(name, &Call::new())
    }

    /// Loads a file as [`Transaction::load`] does, with a way to wait or to
    /// cancel.
    ///
    /// # Errors
    /// The same, and `CANCELLED`.
    pub fn load_with(&mut self, name: &str, call: &Call<'_>) -> Result<Option<(Vec<u8>, Version)>> {
        let member = self.locked("load", name, call)?;
        Ok(member.value("load")?.map(|bytes| {
            let version = Version::of(&bytes);
            (bytes, version)
        }))
    }

    /// Gives the file these bytes with the commit, whatever it was.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for a name that is not one of a file in the directory.
    /// The transaction goes on.
    pub fn save(&mut self, name: &str, bytes: &[u8]) -> Result<Version> {
        self.member("save", name)?.save(bytes);
        Ok(Version::of(bytes))
    }

    /// Creates the file with these bytes with the commit. If any program creates
    /// it before the commit, the commit fails with `ALREADY_EXISTS` and nothing
    /// changes.
    ///
    /// # Errors
    /// `ALREADY_EXISTS` if it exists now; and as [`Transaction::save`]. The
    /// transaction goes on.
    pub fn create(&mut self, name: &str, bytes: &[u8]) -> Result<Version> {
        let member = self.member("create", name)?;
        if member.exists("create")? {
            return Err(Error::new(
                ErrorKind::AlreadyExists,
                "create",
                &member.path,
                "the file already exists; nothing was changed",
            ));
        }
        member.create(bytes);
        Ok(Version::of(bytes))
    }

    /// Appends records to a journal, which is created if it is missing.
    ///
    /// # Errors
    /// `INVALID_RECORD`, `LIMIT_EXCEEDED`; and as [`Transaction::save`]. The
    /// transaction goes on without these records.
    pub fn append<I>(&mut self, name: &str, records: I) -> Result<()>
    where
        I: IntoIterator,
        I::Item: AsRef<[u8]>,
    {
        let path = self.member("append", name)?.path.clone();
        let mut batch = journal::member::batch(&path, &self.options.journals);
        for record in records {
            batch.push(record.as_ref())?;
        }
        self.append_batch(name, &batch)
    }

    /// Appends a batch that a [`crate::Journal`] on this file has made.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` if the journal of another file made it; and as
    /// [`Transaction::save`].
    pub fn append_batch(&mut self, name: &str, batch: &Batch) -> Result<()> {
        let member = self.member("append", name)?;
        let lines = journal::member::lines(&member.path, batch)?;
        member.append(lines);
        match journal::member::header(batch) {
            Some(header) => self.set_header(name, header),
            None => Ok(()),
        }
    }

    /// Gives the journal this header with the commit, in the place of its own or
    /// before its first record. [`TransactionOptions::journals`] sets the prefix
    /// of a header. The journal is always rewritten: the cost grows with its
    /// length, and positions in it end. Locks the file until the end of the
    /// transaction.
    ///
    /// # Errors
    /// As [`crate::Journal::set_header`] and [`Transaction::load`].
    pub fn set_header(&mut self, name: &str, header: &[u8]) -> Result<()> {
        self.set_header_with(name, header, &Call::new())
    }

    /// Sets the header as [`Transaction::set_header`] does, with a way to wait or
    /// to cancel.
    ///
    /// # Errors
    /// The same, and `CANCELLED`.
    pub fn set_header_with(&mut self, name: &str, header: &[u8], call: &Call<'_>) -> Result<()> {
        let options = self.options.journals.clone();
        let member = self.locked("set_header", name, call)?;
        if let Some(held) = &member.held {
            // A torn tail would be in the middle of the new file.
            journal::member::end(&member.path, &options, held.lock_file())?;
        }
        let old = member.value("set_header")?.unwrap_or_default();
        let new = journal::member::with_header(&member.path, &options, &old, header)?;
        member.save(&new);
        Ok(())
    }

    /// Removes the file with the commit. Returns `false` if it is missing now.
    /// Locks the file until the end of the transaction.
    ///
    /// # Errors
    /// As [`Transaction::load`].
    pub fn remove(&mut self, name: &str) -> Result<bool> {
        self.remove_with(name, &Call::new())
    }

    /// Removes a file as [`Transaction::remove`] does, with a way to wait or to
    /// cancel.
    ///
    /// # Errors
    /// The same, and `CANCELLED`.
    pub fn remove_with(&mut self, name: &str, call: &Call<'_>) -> Result<bool> {
        let member = self.locked("remove", name, call)?;
        let there = member.exists("remove")?;
        member.remove();
        Ok(there)
    }

    /// Makes all the changes, or none.
    ///
    /// # Errors
    /// `ALREADY_EXISTS`, `LOCK_TIMEOUT`, `STORAGE_FULL`, `PERMISSION_DENIED` and
    /// other failures of the system: all files are as they were, and the
    /// transaction is over. `NOT_DURABLE`: all the changes are made, but a power
    /// cut may undo some. An error may say that the transaction is committed:
    /// then the next process that locks one of the files finishes it, or gets the
    /// same error.
    pub fn commit(&mut self) -> Result<()> {
        self.commit_with(&Call::new())
    }

    /// Commits as [`Transaction::commit`] does, with a way to wait or to cancel.
    ///
    /// # Errors
    /// The same, and `CANCELLED`: all files are as they were.
    pub fn commit_with(&mut self, call: &Call<'_>) -> Result<()> {
        self.usable("commit")?;
        let result = self.carry_out(&call.begin(self.options.timeout));
        self.rollback();
        result
    }

    /// Ends the transaction without a change, and releases its locks. Does
    /// nothing after the commit, or a second time.
    pub fn rollback(&mut self) {
        self.members.clear();
        self.lock = None;
    }

    /// Removes a file whose name is reserved with the commit. Its lock is already
    /// held, and belongs to the transaction from now on.
    pub(crate) fn remove_held(&mut self, name: &str, held: Held) {
        let mut member = Member::new(&self.dir, name);
        member.held = Some(held);
        member.remove();
        self.members.insert(name.to_owned(), member);
    }

    /// Commits if `commit` is given, or else rolls back. Returns the lock of that
    /// file.
    pub(crate) fn end_held(
        &mut self,
        name: &str,
        commit: Option<&Call<'_>>,
    ) -> (Result<()>, Option<Held>) {
        let result = match commit {
            None => Ok(()),
            Some(call) => self
                .usable("commit")
                .and_then(|()| self.carry_out(&call.begin(self.options.timeout))),
        };
        let member = self.members.get_mut(name);
        let held = member.and_then(|member| member.held.take());
        self.rollback();
        (result, held)
    }

    fn usable(&self, operation: &'static str) -> Result<()> {
        match &self.lock {
            Some(lock) => lock.check(operation, &self.dir),
            None => Err(Error::invalid_argument(
                operation,
                &self.dir,
                "the transaction is over: committed, or rolled back",
            )),
        }
    }

    fn member(&mut self, operation: &'static str, name: &str) -> Result<&mut Member> {
        self.usable(operation)?;
        let name = directory::member(operation, &self.dir, name)?;
        let dir = &self.dir;
        if !self.members.contains_key(&name) {
            let there = |path: &Path| Ok(sys::stat(path)?.is_some());
            directory::forbid_other_scheme(operation, &dir.join(&name), there)?;
        }
        Ok(self
            .members
            .entry(name)
            .or_insert_with_key(|name| Member::new(dir, name)))
    }

    fn locked(
        &mut self,
        operation: &'static str,
        name: &str,
        call: &Call<'_>,
    ) -> Result<&mut Member> {
        let patience = call.begin(self.options.timeout);
        let member = self.member(operation, name)?;
        member.lock(operation, &patience)?;
        Ok(member)
    }
}

impl fmt::Debug for Transaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transaction")
            .field("dir", &self.dir)
            .field("over", &self.lock.is_none())
            .finish_non_exhaustive()
    }
}
