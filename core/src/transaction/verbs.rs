//! Reads and changes the files of a transaction.

use super::handle::Transaction;
use crate::document::Version;
use crate::error::{Error, ErrorKind, Result};
use crate::journal::Batch;
use crate::journal::{self};
use crate::lock::CallOptions;

impl Transaction {
    /// Returns the bytes of a file and their version, as the transaction leaves
    /// it; `None` if it is missing. Locks the file until the end of the
    /// transaction.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for a name that is not one of a file in the directory,
    /// `LOCK_TIMEOUT`, `LOCKED`, `DEADLOCK`, and failures of the system. The
    /// transaction goes on.
    pub fn load(&mut self, name: &str) -> Result<Option<(Vec<u8>, Version)>> {
        self.load_with(name, &CallOptions::new())
    }

    /// Loads a file as [`Transaction::load`] does, with a way to wait or to
    /// cancel.
    ///
    /// # Errors
    /// The same, and `CANCELLED`.
    pub fn load_with(
        &mut self,
        name: &str,
        call: &CallOptions<'_>,
    ) -> Result<Option<(Vec<u8>, Version)>> {
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
    /// before its first record. [`crate::TransactionOptions::journals`] sets the prefix
    /// of a header. The journal is always rewritten: the cost grows with its
    /// length, and positions in it end. Locks the file until the end of the
    /// transaction.
    ///
    /// # Errors
    /// As [`crate::Journal::set_header`] and [`Transaction::load`].
    pub fn set_header(&mut self, name: &str, header: &[u8]) -> Result<()> {
        self.set_header_with(name, header, &CallOptions::new())
    }

    /// Sets the header as [`Transaction::set_header`] does, with a way to wait or
    /// to cancel.
    ///
    /// # Errors
    /// The same, and `CANCELLED`.
    pub fn set_header_with(
        &mut self,
        name: &str,
        header: &[u8],
        call: &CallOptions<'_>,
    ) -> Result<()> {
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
        self.remove_with(name, &CallOptions::new())
    }

    /// Removes a file as [`Transaction::remove`] does, with a way to wait or to
    /// cancel.
    ///
    /// # Errors
    /// The same, and `CANCELLED`.
    pub fn remove_with(&mut self, name: &str, call: &CallOptions<'_>) -> Result<bool> {
        let member = self.locked("remove", name, call)?;
        let there = member.exists("remove")?;
        member.remove();
        Ok(there)
    }
}
