//! A document in the database.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use untorn::engine::{self, Waiting};
use untorn::{CallOptions, Error, ErrorKind, Expect, Version};

use crate::kept::{Change, Kept};

/// One value, always replaced whole. It has the verbs of [`untorn::Document`], and the
/// same versions: those of the bytes, whichever process saved them, also in a file.
///
/// The database compares its own number, which each save changes. This handle knows the
/// number of the version that it saw last, so a save takes one statement.
#[derive(Clone)]
pub struct Document {
    kept: Arc<Kept>,
    file: String,
    name: PathBuf,
    /// The version that was seen last, with the database's number for it.
    seen: Arc<Mutex<Option<(Version, i64)>>>,
}

impl Document {
    pub(crate) fn new(kept: &Arc<Kept>, file: &str) -> Document {
        Document {
            kept: Arc::clone(kept),
            file: file.to_owned(),
            name: kept.name_of(file),
            seen: Arc::default(),
        }
    }

    /// Returns the document's name in messages: schema, key and file.
    #[must_use]
    pub fn name(&self) -> &Path {
        &self.name
    }

    /// Returns the bytes and their version.
    ///
    /// # Errors
    /// `NOT_FOUND`, and those of the database.
    pub fn load(&self) -> Result<(Vec<u8>, Version), Error> {
        self.find("load")?.ok_or_else(|| {
            let known = engine::Failure {
                detail: "the document does not exist".to_owned(),
                ..Default::default()
            };
            engine::error(ErrorKind::NotFound, "load", &self.name, known)
        })
    }

    fn find(&self, operation: &'static str) -> Result<Option<(Vec<u8>, Version)>, Error> {
        let found = self.kept.read_all(operation, &self.name, &self.file)?;
        let found = found.map(|(bytes, number)| {
            let version = Version::of(&bytes);
            self.see(Some((version, number)));
            (bytes, version)
        });
        if found.is_none() {
            self.see(None);
        }
        Ok(found)
    }

    fn see(&self, seen: Option<(Version, i64)>) {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = seen;
    }

    fn seen(&self) -> Option<(Version, i64)> {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Replaces the whole document, whatever it was.
    ///
    /// # Errors
    /// `LEASE_LOST`, and those of the database.
    pub fn save(&self, bytes: &[u8]) -> Result<Version, Error> {
        self.save_with(bytes, Expect::Anything, &CallOptions::new())
    }

    /// Replaces the whole document if it still has this version; with `None`, if it is
    /// missing.
    ///
    /// # Errors
    /// `CONFLICT` or `ALREADY_EXISTS`; and as [`Document::save`].
    pub fn save_if(&self, version: Option<Version>, bytes: &[u8]) -> Result<Version, Error> {
        let expect = version.map_or(Expect::Absent, Expect::Version);
        self.save_with(bytes, expect, &CallOptions::new())
    }

    /// Saves a document that must not exist yet.
    ///
    /// # Errors
    /// `ALREADY_EXISTS`; and as [`Document::save`].
    pub fn create(&self, bytes: &[u8]) -> Result<Version, Error> {
        self.save_with(bytes, Expect::Absent, &CallOptions::new())
    }

    /// Saves as all of the above do. The call says how to wait or cancel.
    ///
    /// # Errors
    /// The same, and `CANCELLED`.
    pub fn save_with(
        &self,
        bytes: &[u8],
        expect: Expect,
        call: &CallOptions<'_>,
    ) -> Result<Version, Error> {
        let operation = match expect {
            Expect::Absent => "create",
            _ => "save",
        };
        let wait = Waiting::begin(operation, &self.name, call, None)?;
        let verb = match expect {
            Expect::Absent => "create",
            _ => "put",
        };
        let number = self.change(operation, verb, Some(bytes), expect, &wait)?;
        let version = Version::of(bytes);
        self.see(Some((version, number)));
        Ok(version)
    }

    /// Makes one change, if the document is as expected, and returns its number.
    fn change(
        &self,
        operation: &'static str,
        verb: &'static str,
        bytes: Option<&[u8]>,
        expect: Expect,
        wait: &Waiting<'_>,
    ) -> Result<i64, Error> {
        loop {
            let mut tried = None;
            if let Expect::Version(version) = expect {
                let number = match self.seen() {
                    Some((seen, number)) if seen == version => Some(number),
                    _ => self.number_of(operation, version)?,
                };
                tried = Some(number.ok_or_else(|| self.conflict(operation))?);
            }
            let under = self.kept.under(operation, &self.name)?;
            let change = Change {
                verb,
                name: &self.file,
                bytes,
                generation: tried,
                end: None,
                must_exist: false,
            };
            match self
                .kept
                .commit(operation, &self.name, &[change], under, Some(wait))
            {
                Ok(answer) => return Ok(answer.generations.first().copied().unwrap_or(0)),
                // Another process may have saved the same bytes, which are that version.
                Err(error) if error.kind() == ErrorKind::Conflict && tried.is_some() => {
                    self.see(None);
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Returns the database's number if the document has this version now.
    fn number_of(&self, operation: &'static str, version: Version) -> Result<Option<i64>, Error> {
        let now = self.find(operation)?;
        let is_it = now.is_some_and(|(_, now)| now == version);
        Ok(self.seen().filter(|_| is_it).map(|(_, number)| number))
    }

    #[cold]
    fn conflict(&self, operation: &'static str) -> Error {
        let known = engine::Failure {
            detail: "the document is not the expected one; nothing was changed; load it, and decide again"
                .to_owned(),
            ..Default::default()
        };
        engine::error(ErrorKind::Conflict, operation, &self.name, known)
    }

    /// Loads, changes and saves, so that no other writer's update is lost. `change` gets
    /// the bytes, or `None` if the document is missing. It is called again if another
    /// process saved meanwhile. If it fails, the document is as it was.
    ///
    /// # Errors
    /// The error of `change`; and as [`Document::save`].
    pub fn update<F>(&self, change: F) -> Result<Version, Error>
    where
        F: FnMut(Option<&[u8]>) -> Result<Vec<u8>, Error>,
    {
        self.try_update(change)
    }

    /// Does the same as [`Document::update`] with an error type of the caller's own.
    ///
    /// # Errors
    /// The error of `change`; and as [`Document::save`].
    pub fn try_update<F, E>(&self, mut change: F) -> Result<Version, E>
    where
        F: FnMut(Option<&[u8]>) -> Result<Vec<u8>, E>,
        E: From<Error>,
    {
        loop {
            let mut update = self.begin_update(&CallOptions::new())?;
            let bytes = change(update.value())?;
            match update.save(&bytes) {
                // Another process saved, created or removed it meanwhile.
                Err(error)
                    if matches!(error.kind(), ErrorKind::Conflict | ErrorKind::AlreadyExists) => {}
                done => return Ok(done?),
            }
        }
    }

    /// Loads the document for an update. Nothing is locked: [`Update::save`] is refused
    /// if another process has saved meanwhile.
    ///
    /// # Errors
    /// `CANCELLED`, and those of the database.
    pub fn begin_update(&self, call: &CallOptions<'_>) -> Result<Update, Error> {
        Waiting::begin("update", &self.name, call, None)?.check("update", &self.name)?;
        Ok(Update {
            value: self.kept.read_all("update", &self.name, &self.file)?,
            document: self.clone(),
        })
    }

    /// Removes the document. Returns `false` if it was missing.
    ///
    /// # Errors
    /// As [`Document::save`].
    pub fn remove(&self) -> Result<bool, Error> {
        self.remove_with(Expect::Anything, &CallOptions::new())
    }

    /// Removes the document if it still has this version.
    ///
    /// # Errors
    /// `CONFLICT`; and as [`Document::save`].
    pub fn remove_if(&self, version: Version) -> Result<(), Error> {
        self.remove_with(Expect::Version(version), &CallOptions::new())?;
        Ok(())
    }

    /// Removes as both of the above do. The call says how to wait or cancel.
    ///
    /// # Errors
    /// The same, and `CANCELLED`.
    pub fn remove_with(&self, expect: Expect, call: &CallOptions<'_>) -> Result<bool, Error> {
        let wait = Waiting::begin("remove", &self.name, call, None)?;
        let there = self
            .kept
            .read("remove", &self.name, &self.file, None, 0, 0)?
            .is_some();
        if !there {
            return match expect {
                Expect::Version(_) => Err(self.conflict("remove")),
                _ => Ok(false),
            };
        }
        if expect == Expect::Absent {
            return Err(self.conflict("remove"));
        }
        self.change("remove", "remove", None, expect, &wait)?;
        self.see(None);
        Ok(true)
    }
}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Document")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// A document that is being updated. See [`Document::begin_update`]. It is independent of
/// the handle.
pub struct Update {
    document: Document,
    value: Option<(Vec<u8>, i64)>,
}

impl Update {
    /// Returns the bytes as they were loaded; `None` if the document was missing.
    pub fn value(&self) -> Option<&[u8]> {
        self.value.as_ref().map(|(bytes, _)| &bytes[..])
    }

    /// Returns the version of those bytes.
    pub fn version(&self) -> Option<Version> {
        self.value().map(Version::of)
    }

    /// Saves the bytes, if the document is still the one that was loaded.
    ///
    /// # Errors
    /// `CONFLICT` or `ALREADY_EXISTS`: another process has saved; and as
    /// [`Document::save`].
    pub fn save(&mut self, bytes: &[u8]) -> Result<Version, Error> {
        let document = &self.document;
        let under = document.kept.under("save", &document.name)?;
        let change = Change {
            verb: if self.value.is_some() {
                "put"
            } else {
                "create"
            },
            name: &document.file,
            bytes: Some(bytes),
            generation: self.value.as_ref().map(|(_, number)| *number),
            end: None,
            must_exist: false,
        };
        let answer = document
            .kept
            .commit("save", &document.name, &[change], under, None)?;
        let version = Version::of(bytes);
        document.see(answer.generations.first().map(|number| (version, *number)));
        Ok(version)
    }
}

impl fmt::Debug for Update {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Update")
            .field("name", &self.document.name)
            .field("version", &self.version())
            .finish_non_exhaustive()
    }
}
