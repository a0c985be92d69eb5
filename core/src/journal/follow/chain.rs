//! Leads from one file that had the journal's name to the next.
//!
//! The lock file names the file that the present one was made from, and the list of
//! rotated files does so for each of them. So the chain goes from link to link, without
//! guesses.
//!
//! A link may be missing: a file was rewritten without being kept, or was removed
//! since. Then the chain continues in the next file that is known to be later, or else
//! in the journal, and reports that. How much of that file is the same as before is
//! then unknown. Equal bytes at its start prove nothing, since they may have been
//! appended again.

use crate::error::{Error, Result};
use crate::journal::read::Source;
use crate::journal::shared::Shared;
use crate::lockfile::{Before, Same};
use crate::position::Position;
use crate::rotated::{self, Rotated};
use crate::sys::Lasting;

/// Says where reading continues.
pub(crate) struct Next {
    pub source: Source,
    pub offset: u64,
    /// Whether something that was read is not before `offset`, or the records after it
    /// are lost.
    pub rewound: bool,
    /// Whether the file began empty after a rotation.
    pub rotated: bool,
}

/// Is the place of a reader that asks for the next file.
pub(crate) struct Here<'a> {
    /// The file, read to its end. Without it, `at` was stored earlier.
    pub read: Option<&'a Source>,
    pub at: Position,
    /// For a missing journal: the highest number of a rotated file at that time.
    /// `None`: rotated files are not considered.
    pub rotated: Option<u32>,
}

/// Holds the rotated files as they were last listed. A follower that is far behind goes
/// through many of them.
#[derive(Default)]
pub(crate) struct Chain(Vec<Rotated>);

impl Chain {
    /// Returns the highest number of a rotated file when they were last listed.
    pub fn highest(&self) -> u32 {
        self.0.last().map_or(0, |last| last.number)
    }

    pub fn list(&mut self, shared: &Shared) -> Result<()> {
        self.0 =
            rotated::all(&shared.path).map_err(|error| Error::os("follow", &shared.path, error))?;
        Ok(())
    }

    /// Returns the next file. `now` is the file that has the journal's name, if it
    /// exists. Returns `None` if no next file is known.
    pub fn after(
        &mut self,
        shared: &Shared,
        here: &Here<'_>,
        now: Option<Source>,
    ) -> Result<Option<Next>> {
        let at = here.at;
        if at == Position::NOTHING && here.rotated.is_none() {
            return Ok(now.map(|now| behind(now, at, 0)));
        }
        let link = now.as_ref().and_then(|now| link_from(at, now.before));
        match (link, here.read, now) {
            (Some(Same::Prefix(bytes)), _, Some(now)) => Ok(Some(behind(now, at, bytes))),
            (Some(Same::Rotation), Some(_), Some(now)) => Ok(Some(begun(now, false))),
            (link, _, now) => {
                // The earlier list still holds, but may not be complete.
                if let Some(next) = self.linked(shared, here)? {
                    return Ok(Some(next));
                }
                self.list(shared)?;
                if let Some(next) = self.linked(shared, here)? {
                    return Ok(Some(next));
                }
                match (link, now) {
                    (Some(Same::Rotation), Some(now)) => Ok(Some(begun(now, self.is_lost(here)))),
                    (_, now) => self.later(shared, here, now),
                }
            }
        }
    }

    /// Finds the next file by the list: by the entry of the file itself, or of the one
    /// that was made from it.
    fn linked(&self, shared: &Shared, here: &Here<'_>) -> Result<Option<Next>> {
        if here.at == Position::NOTHING {
            return Ok(None);
        }
        if here.read.is_none()
            && let Some(next) = self.rest(shared, here.at)?
        {
            return Ok(Some(next));
        }
        for listed in &self.0 {
            let Some(same) = link_from(here.at, listed.before) else {
                continue;
            };
            if let Some(source) = open(shared, listed)? {
                return Ok(Some(match same {
                    Same::Prefix(bytes) => behind(source, here.at, bytes),
                    Same::Rotation => begun(source, self.is_lost(here)),
                }));
            }
        }
        Ok(None)
    }

    /// Returns the rest of a rotated file after a stored place.
    fn rest(&self, shared: &Shared, at: Position) -> Result<Option<Next>> {
        for listed in self.of(at) {
            let Some(source) = open(shared, listed)? else {
                continue;
            };
            let mut before = [b'\n'];
            let there = at.offset == 0
                || source
                    .read_full_at(&mut before, at.offset - 1)
                    .map_err(|error| Error::os("follow", &shared.path, error))?
                    > 0;
            if there && before == *b"\n" {
                return Ok(Some(Next {
                    source,
                    offset: at.offset,
                    rewound: false,
                    rotated: false,
                }));
            }
        }
        Ok(None)
    }

    /// Returns whether part of a file that can no longer be read was not read.
    fn is_lost(&self, here: &Here<'_>) -> bool {
        here.read.is_none()
            && self
                .of(here.at)
                .all(|listed| listed.length != here.at.offset)
    }

    /// Returns the first file that is known to be later.
    fn later(&self, shared: &Shared, here: &Here<'_>, now: Option<Source>) -> Result<Option<Next>> {
        let at = here.at;
        let number = match here.read {
            Some(read) => Some(read.rotated),
            None => here
                .rotated
                .or_else(|| Some(self.of(at).next_back()?.number)),
        };
        let mut lost = at != Position::NOTHING;
        for listed in &self.0 {
            let generation = listed.generation;
            let is_later = number.is_some_and(|number| listed.number > number)
                && generation != at.generation
                // A rotation of that file is under way.
                && now.as_ref().is_none_or(|now| now.generation != generation);
            if !is_later {
                continue;
            }
            if let Some(source) = open(shared, listed)? {
                return Ok(Some(begun(source, lost)));
            }
            lost = true;
        }
        Ok(now.map(|now| match at {
            Position::NOTHING => begun(now, lost),
            at => behind(now, at, 0),
        }))
    }

    fn of(&self, at: Position) -> impl DoubleEndedIterator<Item = &Rotated> {
        self.0
            .iter()
            .filter(move |listed| listed.generation == at.generation)
    }
}

/// Returns how much is the same in a file that was made from that of `at`.
fn link_from(at: Position, before: Option<Before>) -> Option<Same> {
    before
        .filter(|before| before.generation == at.generation)
        .map(|before| before.same)
}

/// Continues in a file whose first `same` bytes are those of the file before.
fn behind(source: Source, at: Position, same: u64) -> Next {
    Next {
        source,
        offset: at.offset.min(same),
        rewound: at.offset > same,
        rotated: false,
    }
}

/// Begins at the start of a file, of which nothing was read.
fn begun(source: Source, lost: bool) -> Next {
    Next {
        source,
        offset: 0,
        rewound: lost,
        rotated: true,
    }
}

/// Opens a rotated file as it was when it was the journal. Returns `None` if it is
/// missing, or another file has its name.
fn open(shared: &Shared, listed: &Rotated) -> Result<Option<Source>> {
    let file = listed
        .open(&shared.path)
        .map_err(|error| Error::os("follow", &listed.path(&shared.path), error))?;
    let Some(file) = file else {
        return Ok(None);
    };
    let file = Lasting::of(file)
        .map_err(|error| Error::os("follow", &listed.path(&shared.path), error))?;
    let mut source = Source::by_itself(file, listed.identity, listed.number);
    source.generation = listed.generation;
    source.before = listed.before;
    Ok(Some(source))
}
