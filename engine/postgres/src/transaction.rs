//! Several documents and journals of a session that change together or not at all.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use untorn::engine::{self, Waiting};
use untorn::{Batch, CallOptions, Error, ErrorKind, JournalReader, Version};

use crate::kept::{Change, Kept, Under};

/// Several files of a session that change together or not at all. It has the verbs of
/// [`untorn::Transaction`].
///
/// Nothing is sent before [`Transaction::commit`], and nothing is locked: the commit is
/// refused (`CONFLICT`) if a file that was loaded has changed meanwhile. Then begin
/// again.
pub struct Transaction {
    kept: Arc<Kept>,
    members: BTreeMap<String, Member>,
    /// Of a reconciliation: its token, and the commit ends the dead owner's lease.
    under: Option<Under>,
    over: bool,
}

#[derive(Default)]
struct Member {
    /// The file as it was loaded: its bytes, number and size.
    seen: Option<Seen>,
    staged: Staged,
}

struct Seen {
    bytes: Option<Vec<u8>>,
    generation: i64,
    size: i64,
}

#[derive(Default)]
enum Staged {
    #[default]
    Unchanged,
    Whole {
        bytes: Vec<u8>,
        fresh: bool,
    },
    Lines(Vec<u8>),
    Gone,
}

impl Member {
    /// Returns the bytes that a file that was loaded has after the transaction.
    fn after(&self) -> Option<Vec<u8>> {
        let old = self.seen.as_ref().and_then(|seen| seen.bytes.as_deref());
        match &self.staged {
            Staged::Unchanged => old.map(<[u8]>::to_vec),
            Staged::Whole { bytes, .. } => Some(bytes.clone()),
            Staged::Lines(lines) => Some(joined(old.unwrap_or_default().to_vec(), lines)),
            Staged::Gone => None,
        }
    }

    fn append(&mut self, more: &[u8]) {
        match &mut self.staged {
            Staged::Lines(lines) => lines.extend_from_slice(more),
            Staged::Unchanged => self.staged = Staged::Lines(more.to_vec()),
            Staged::Whole { bytes, .. } => *bytes = joined(std::mem::take(bytes), more),
            Staged::Gone => {
                self.staged = Staged::Whole {
                    bytes: more.to_vec(),
                    fresh: false,
                };
            }
        }
    }
}

impl Transaction {
    pub(crate) fn new(kept: &Arc<Kept>, under: Option<Under>) -> Transaction {
        Transaction {
            kept: Arc::clone(kept),
            members: BTreeMap::new(),
            under,
            over: false,
        }
    }

    /// Returns the transaction's name in messages: schema and key of the session.
    #[must_use]
    pub fn name(&self) -> &Path {
        &self.kept.name
    }

    fn usable(&self, operation: &'static str) -> Result<(), Error> {
        if !self.over {
            return Ok(());
        }
        Err(Error::invalid_argument(
            operation,
            &self.kept.name,
            "the transaction is over: committed, or rolled back; begin another one",
        ))
    }

    fn member(&mut self, operation: &'static str, name: &str) -> Result<&mut Member, Error> {
        self.usable(operation)?;
        engine::check_file(operation, &self.kept.name, name)?;
        Ok(self.members.entry(name.to_owned()).or_default())
    }

    fn name_of(&self, name: &str) -> PathBuf {
        self.kept.name_of(name)
    }

    /// Loads a file once, and notes that the commit depends on it.
    fn look(&mut self, operation: &'static str, name: &str) -> Result<&mut Member, Error> {
        let (kept, shown) = (Arc::clone(&self.kept), self.name_of(name));
        let member = self.member(operation, name)?;
        if member.seen.is_none() {
            let found = kept.read_all(operation, &shown, name)?;
            member.seen = Some(match found {
                Some((bytes, generation)) => Seen {
                    size: bytes.len() as i64,
                    bytes: Some(bytes),
                    generation,
                },
                None => Seen {
                    bytes: None,
                    generation: 0,
                    size: 0,
                },
            });
        }
        Ok(member)
    }

    /// Returns the bytes that the file has after the transaction, and their version;
    /// `None` if it is missing then. The commit fails if the file changes meanwhile.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for a name that no file of a session can have; those of the
    /// database. The transaction goes on.
    pub fn load(&mut self, name: &str) -> Result<Option<(Vec<u8>, Version)>, Error> {
        self.load_with(name, &CallOptions::new())
    }

    /// Loads as [`Transaction::load`] does, with a way to cancel.
    ///
    /// # Errors
    /// The same, and `CANCELLED`.
    pub fn load_with(
        &mut self,
        name: &str,
        call: &CallOptions<'_>,
    ) -> Result<Option<(Vec<u8>, Version)>, Error> {
        Waiting::begin("load", &self.kept.name, call, None)?.check("load", &self.kept.name)?;
        let member = self.look("load", name)?;
        Ok(member.after().map(|bytes| {
            let version = Version::of(&bytes);
            (bytes, version)
        }))
    }

    /// Gives the file these bytes with the commit, whatever it was.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for a name that no file of a session can have. The transaction
    /// goes on.
    pub fn save(&mut self, name: &str, bytes: &[u8]) -> Result<Version, Error> {
        let member = self.member("save", name)?;
        let fresh = matches!(member.staged, Staged::Whole { fresh: true, .. });
        member.staged = Staged::Whole {
            bytes: bytes.to_vec(),
            fresh,
        };
        Ok(Version::of(bytes))
    }

    /// Creates the file with these bytes with the commit. If another process creates it
    /// before, the commit fails with `ALREADY_EXISTS` or `CONFLICT`, and nothing
    /// changes.
    ///
    /// # Errors
    /// `ALREADY_EXISTS` if it exists now; and as [`Transaction::save`]. The transaction
    /// goes on.
    pub fn create(&mut self, name: &str, bytes: &[u8]) -> Result<Version, Error> {
        let (kept, shown) = (Arc::clone(&self.kept), self.name_of(name));
        let member = self.member("create", name)?;
        let exists = match (&member.staged, &member.seen) {
            (Staged::Whole { .. } | Staged::Lines(_), _) => true,
            (Staged::Gone, _) => false,
            (Staged::Unchanged, Some(seen)) => seen.bytes.is_some(),
            (Staged::Unchanged, None) => kept.read("create", &shown, name, None, 0, 0)?.is_some(),
        };
        if exists {
            let known = engine::Failure {
                detail: "the file already exists; nothing was changed".to_owned(),
                ..Default::default()
            };
            return Err(engine::error(
                ErrorKind::AlreadyExists,
                "create",
                &shown,
                known,
            ));
        }
        let fresh = !matches!(member.staged, Staged::Gone);
        member.staged = Staged::Whole {
            bytes: bytes.to_vec(),
            fresh,
        };
        Ok(Version::of(bytes))
    }

    /// Appends records to a journal, which is created if it is missing.
    ///
    /// # Errors
    /// `INVALID_RECORD`, `LIMIT_EXCEEDED`; and as [`Transaction::save`]. The transaction
    /// goes on without these records.
    pub fn append<I>(&mut self, name: &str, records: I) -> Result<(), Error>
    where
        I: IntoIterator,
        I::Item: AsRef<[u8]>,
    {
        self.usable("append")?;
        let mut batch = self.rules(name)?.batch();
        for record in records {
            batch.push(record.as_ref())?;
        }
        self.append_batch(name, &batch)
    }

    /// Returns a journal's rules for records.
    fn rules(&self, name: &str) -> Result<JournalReader, Error> {
        struct Nothing;
        impl untorn::JournalBytes for Nothing {
            fn look(&self) -> std::io::Result<Option<(u64, u64)>> {
                Ok(None)
            }
            fn read(&self, _: u64, _: u64, _: &mut [u8]) -> std::io::Result<Option<usize>> {
                Ok(None)
            }
        }
        let options = self.kept.options.journal.clone();
        options.reader(self.name_of(name), Arc::new(Nothing))
    }

    /// Appends a batch that a [`crate::Journal`] of this file has made.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` if the journal of another file made it; and as
    /// [`Transaction::save`].
    pub fn append_batch(&mut self, name: &str, batch: &Batch) -> Result<(), Error> {
        engine::check_batch(batch, &self.name_of(name))?;
        let member = self.member("append", name)?;
        if !batch.is_empty() {
            member.append(batch.bytes());
        }
        match engine::header_with(batch) {
            Some(header) => self.set_header(name, header),
            None => Ok(()),
        }
    }

    /// Gives the journal this header with the commit, in the place of its own or before
    /// its first record. The journal is always rewritten: the cost grows with its length,
    /// and positions in it end. The commit fails if the journal changes meanwhile.
    ///
    /// # Errors
    /// As [`crate::Journal::set_header`] and [`Transaction::load`]. The transaction goes on.
    pub fn set_header(&mut self, name: &str, header: &[u8]) -> Result<(), Error> {
        self.set_header_with(name, header, &CallOptions::new())
    }

    /// Sets the header as [`Transaction::set_header`] does, with a way to cancel.
    ///
    /// # Errors
    /// The same, and `CANCELLED`.
    pub fn set_header_with(
        &mut self,
        name: &str,
        header: &[u8],
        call: &CallOptions<'_>,
    ) -> Result<(), Error> {
        let session = &self.kept.name;
        Waiting::begin("set_header", session, call, None)?.check("set_header", session)?;
        self.usable("set_header")?;
        let rules = self.rules(name)?;
        let member = self.look("set_header", name)?;
        let old = member.after().unwrap_or_default();
        let bytes = engine::with_header(&rules, &old, header)?;
        let fresh = matches!(member.staged, Staged::Whole { fresh: true, .. });
        member.staged = Staged::Whole { bytes, fresh };
        Ok(())
    }

    /// Removes the file with the commit. Returns `false` if it is missing now.
    ///
    /// # Errors
    /// As [`Transaction::load`].
    pub fn remove(&mut self, name: &str) -> Result<bool, Error> {
        self.remove_with(name, &CallOptions::new())
    }

    /// Removes as [`Transaction::remove`] does, with a way to cancel.
    ///
    /// # Errors
    /// The same, and `CANCELLED`.
    pub fn remove_with(&mut self, name: &str, call: &CallOptions<'_>) -> Result<bool, Error> {
        Waiting::begin("remove", &self.kept.name, call, None)?.check("remove", &self.kept.name)?;
        let member = self.look("remove", name)?;
        let there = match &member.staged {
            Staged::Unchanged => member
                .seen
                .as_ref()
                .is_some_and(|seen| seen.bytes.is_some()),
            Staged::Whole { .. } | Staged::Lines(_) => true,
            Staged::Gone => false,
        };
        member.staged = match member.staged {
            Staged::Whole { fresh: true, .. } => Staged::Unchanged,
            _ => Staged::Gone,
        };
        Ok(there)
    }

    /// Makes all the changes, or none.
    ///
    /// # Errors
    /// `CONFLICT`: a file that was loaded has changed; `ALREADY_EXISTS`; `LEASE_LOST`;
    /// those of the database. All files are as they were, and the transaction is over.
    /// `IO` without an answer: the changes are made or they are not.
    pub fn commit(&mut self) -> Result<(), Error> {
        self.commit_with(&CallOptions::new())
    }

    /// Commits as [`Transaction::commit`] does, with a way to cancel.
    ///
    /// # Errors
    /// The same, and `CANCELLED`.
    pub fn commit_with(&mut self, call: &CallOptions<'_>) -> Result<(), Error> {
        self.usable("commit")?;
        let wait = Waiting::begin("commit", &self.kept.name, call, None)?;
        self.over = true;
        let under = match self.under {
            Some(under) => under,
            None => self.kept.under("commit", &self.kept.name)?,
        };
        let changes: Vec<Change<'_>> = self.members.iter().filter_map(change).collect();
        // A commit that only compares must do so too.
        if changes.is_empty() && !under.release {
            return Ok(());
        }
        self.kept
            .commit("commit", &self.kept.name, &changes, under, Some(&wait))?;
        Ok(())
    }

    /// Ends the transaction without a change. Does nothing after the commit, or a second
    /// time.
    pub fn rollback(&mut self) {
        self.members.clear();
        self.over = true;
    }
}

fn change<'a>((name, member): (&'a String, &'a Member)) -> Option<Change<'a>> {
    let (verb, bytes) = match &member.staged {
        Staged::Unchanged if member.seen.is_none() => return None,
        Staged::Unchanged => ("expect", None),
        Staged::Whole { bytes, fresh: true } => ("create", Some(&bytes[..])),
        Staged::Whole { bytes, .. } => ("put", Some(&bytes[..])),
        Staged::Lines(lines) => ("line", Some(&lines[..])),
        Staged::Gone => ("remove", None),
    };
    // A `create` would take the number for the new file's.
    let seen = member.seen.as_ref().filter(|_| verb != "create");
    Some(Change {
        verb,
        name,
        bytes,
        generation: seen.map(|seen| seen.generation),
        end: seen.map(|seen| seen.size),
        must_exist: false,
    })
}

/// Joins bytes and lines. A line never continues an unfinished one.
fn joined(mut bytes: Vec<u8>, lines: &[u8]) -> Vec<u8> {
    if bytes.last().is_some_and(|last| *last != b'\n') {
        bytes.push(b'\n');
    }
    bytes.extend_from_slice(lines);
    bytes
}

impl fmt::Debug for Transaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transaction")
            .field("session", &self.kept.name)
            .field("over", &self.over)
            .finish_non_exhaustive()
    }
}
