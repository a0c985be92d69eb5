//! The records that a state lacks. A state belongs to one generation of its journal.

use std::time::Duration;

use untorn::{CallOptions, Damage, Error, Folded, Follow, FollowItem, Position};

use crate::journal::Journal;

/// Before the first record.
pub(crate) const NOTHING: Position = Position {
    generation: 0,
    offset: 0,
};

/// Follows a journal from its first record, for a state that is kept from it.
pub(crate) struct FoldSource {
    journal: Journal,
    /// `None`: the journal must be read from its start, which failed the last time.
    follow: Option<Box<Follow>>,
}

impl FoldSource {
    /// Begins at the first record.
    pub fn begin(journal: &Journal) -> Result<FoldSource, Error> {
        let mut source = FoldSource {
            journal: journal.clone(),
            follow: None,
        };
        source.open()?;
        Ok(source)
    }

    fn open(&mut self) -> Result<&mut Follow, Error> {
        let follow = self.journal.follow(Some(NOTHING))?;
        Ok(self.follow.insert(Box::new(follow)))
    }

    /// Returns what the state must take in next; `None` if it is up to date. Waits for
    /// nothing.
    pub fn next(&mut self, call: &CallOptions<'_>) -> Result<Option<Folded>, Error> {
        let Some(follow) = &mut self.follow else {
            self.open()?;
            return Ok(Some(Folded::Restart));
        };
        let once = call.timeout(Some(Duration::ZERO));
        let rotations = follow.rotations();
        let found = follow.next(&once);
        // For a follower a rotation is not a rewind.
        if follow.rotations() == rotations {
            match found? {
                None => return Ok(None),
                Some(FollowItem::Record(record)) => return Ok(Some(Folded::Record(record))),
                // The records follow from the first on.
                Some(FollowItem::Rewound { to, .. }) if to.offset == 0 => {
                    return Ok(Some(Folded::Restart));
                }
                Some(_) => {}
            }
        }
        self.follow = None;
        self.next(call)
    }

    /// Returns how far it has read; `None` if it must begin again.
    pub fn position(&self) -> Option<Position> {
        self.follow.as_ref().map(|follow| follow.position())
    }

    /// Returns the damage that was skipped since the last such call.
    pub fn take_damage(&mut self) -> Vec<Damage> {
        let follow = self.follow.as_mut();
        follow.map_or_else(Vec::new, |follow| follow.take_damage())
    }
}
