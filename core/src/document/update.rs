//! Reads, changes and saves under one lock.

use std::fmt;
use std::sync::Arc;

use super::shared::{Shared, Under};
use super::version::{Expect, Version};
use crate::error::{Error, Result};
use crate::oslock::Within;

/// A document that is being updated. No other process or thread changes it until
/// this is dropped or finished. It may be sent to another thread.
///
/// ```
/// use untorn::{CallOptions, Document};
/// # let dir = tempfile::tempdir()?;
/// let state = Document::open(dir.path().join("state.json"))?;
/// let mut update = state.begin_update(&CallOptions::new())?;
/// let turns = update.value().map_or(0, <[u8]>::len);
/// update.save(format!("{{\"turns\":{turns}}}").as_bytes())?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Update {
    shared: Arc<Shared>,
    under: Option<Under>,
    value: Option<(Vec<u8>, Version)>,
}

impl Update {
    pub(super) fn begin(shared: Arc<Shared>, under: Under) -> Result<Update> {
        if let Under::Own(held) = &under {
            held.note_work(Within::Update);
        }
        let value = under.work("update", &shared, |lock| shared.load_under("update", lock))?;
        Ok(Update {
            shared,
            under: Some(under),
            value,
        })
    }

    /// Returns the bytes as they were when the lock was taken; `None` if the
    /// document was missing.
    pub fn value(&self) -> Option<&[u8]> {
        self.value.as_ref().map(|(bytes, _)| &bytes[..])
    }

    /// Returns the version of those bytes.
    pub fn version(&self) -> Option<Version> {
        self.value.as_ref().map(|(_, version)| *version)
    }

    /// Saves the bytes and releases the lock.
    ///
    /// # Errors
    /// As [`super::Document::save`]; `INVALID_ARGUMENT` if the update is
    /// finished.
    pub fn save(&mut self, bytes: &[u8]) -> Result<Version> {
        let Some(under) = self.under.take() else {
            return Err(Error::invalid_argument(
                "save",
                &self.shared.path,
                "this update is finished, and its lock is released; begin another",
            ));
        };
        under.make_sure("save", &self.shared)?;
        self.shared
            .save_under(&under, "save", bytes, Expect::Anything)
    }

    /// Releases the lock without a change. A second call does nothing.
    pub fn finish(&mut self) {
        self.under = None;
    }
}

impl fmt::Debug for Update {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Update")
            .field("path", &self.shared.path)
            .field("version", &self.version())
            .finish_non_exhaustive()
    }
}
