//! A transaction from its begin to its end.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use super::directory::{self, DirectoryLock};
use super::member::Member;
use super::options::TransactionOptions;
use crate::durability::Durability;
use crate::error::{Error, Result};
use crate::lock::CallOptions;
use crate::oslock::RawGuard;
use crate::sys;

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
    pub(super) dir: PathBuf,
    pub(super) options: TransactionOptions,
    /// The members by their resolved names, and so in the order in which they are
    /// locked.
    pub(super) members: BTreeMap<String, Member>,
    /// After the members, so that it is released last. `None`: committed or
    /// rolled back.
    pub(super) lock: Option<DirectoryLock>,
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

    pub(super) fn with_options(
        dir: &Path,
        options: TransactionOptions,
        call: &CallOptions<'_>,
    ) -> Result<Transaction> {
        crate::target::check_mode("begin", dir, options.mode)?;
        // Before a directory is made.
        directory::check_scheme("begin", dir, &options.journals)?;
        if options.parents {
            directory::make(dir, options.durability)?;
        }
        let dir = directory::resolve("begin", dir)?;
        let wait = call.begin(options.timeout);
        let lock = directory::enter("begin", &dir, call, &wait)?;
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
        self.commit_with(&CallOptions::new())
    }

    /// Commits as [`Transaction::commit`] does, with a way to wait or to cancel.
    ///
    /// # Errors
    /// The same, and `CANCELLED`: all files are as they were.
    pub fn commit_with(&mut self, call: &CallOptions<'_>) -> Result<()> {
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
    pub(crate) fn remove_held(&mut self, name: &str, held: RawGuard) {
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
        commit: Option<&CallOptions<'_>>,
    ) -> (Result<()>, Option<RawGuard>) {
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

    pub(super) fn usable(&self, operation: &'static str) -> Result<()> {
        match &self.lock {
            Some(lock) => lock.check(operation, &self.dir),
            None => Err(Error::invalid_argument(
                operation,
                &self.dir,
                "the transaction is over: committed, or rolled back; begin another one",
            )),
        }
    }

    pub(super) fn member(&mut self, operation: &'static str, name: &str) -> Result<&mut Member> {
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

    pub(super) fn locked(
        &mut self,
        operation: &'static str,
        name: &str,
        call: &CallOptions<'_>,
    ) -> Result<&mut Member> {
        let wait = call.begin(self.options.timeout);
        let member = self.member(operation, name)?;
        member.lock(operation, &wait)?;
        Ok(member)
    }
}

impl TransactionOptions {
    /// Begins a transaction in `dir`. Takes the directory's lock, and settles
    /// what a dead process has left of an earlier transaction.
    ///
    /// # Errors
    /// `NOT_FOUND` if the directory is missing and
    /// [`parents`](TransactionOptions::parents) is not set. `INVALID_ARGUMENT` if
    /// it is not a directory. `LOCK_TIMEOUT`, `LOCKED`, and failures of the system.
    /// `DEADLOCK` if this thread is already in a transaction there.
    pub fn begin(self, dir: impl AsRef<Path>) -> Result<Transaction> {
        self.begin_with(dir, &CallOptions::new())
    }

    /// Begins a transaction as [`TransactionOptions::begin`] does. The call says
    /// how to wait or cancel, or holds the directory's lock (a `FileLock` on
    /// exactly `.untorn.lock` there).
    ///
    /// # Errors
    /// The same, and `CANCELLED`.
    pub fn begin_with(self, dir: impl AsRef<Path>, call: &CallOptions<'_>) -> Result<Transaction> {
        Transaction::with_options(dir.as_ref(), self, call)
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
