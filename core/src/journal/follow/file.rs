//! Reads on from file to file: the new records of the present file, and the next file
//! when the name changes.

use std::sync::Arc;

use super::chain::{Chain, Here};
use crate::error::{Error, ErrorKind, Result};
use crate::journal::header;
use crate::journal::journal_bytes::JournalBytes;
use crate::journal::read::Damage;
use crate::journal::read::Decided;
use crate::journal::read::Source;
use crate::journal::read::tail;
use crate::journal::read::{Place, Record, Records};
use crate::journal::shared::Shared;
use crate::position::Position;
use crate::sys;

/// How many bytes before the reached place are compared with the earlier bytes.
const MARK: usize = 512;

/// Reads a journal's decided records, each once, in file order.
pub(crate) struct FollowCursor {
    shared: Arc<Shared>,
    /// The file that is read; `None` while the journal is missing.
    reader: Option<Records>,
    /// All records before this were yielded, or skipped.
    at: Position,
    /// The end of the last yielded line, and the bytes before it. A file that was
    /// rolled back or cut, and has grown again, has other bytes there.
    mark: (u64, Vec<u8>),
    look: Poll,
    place: Option<Place>,
    rewound: Option<(Position, Position)>,
    /// How often it continued, without a report, in a file that began empty.
    rotations: u64,
    chain: Chain,
    /// For a missing journal: the highest number of a rotated file at that time. `None`
    /// for a reader of the present file and nothing before it.
    rotated: Option<u32>,
}

/// Says how far a look that ends with [`Advance::End`] has come.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Poll {
    /// Not begun: the buffer may still hold lines.
    Due,
    /// The file is still the same; it was read to its end since.
    Same,
    /// The name means another file, or none. Only the bytes that this file had by then
    /// are still to read.
    Other,
}

pub(crate) enum Advance {
    /// [`FollowCursor::record`] lends it.
    Record,
    /// The records after `to`, up to `from`, are no longer in the journal. The next
    /// record lies after `to`.
    Rewound {
        from: Position,
        to: Position,
    },
    End,
}

impl FollowCursor {
    /// Reads the whole file that has the name at the first look.
    pub fn whole(shared: &Arc<Shared>) -> FollowCursor {
        FollowCursor {
            shared: Arc::clone(shared),
            reader: None,
            at: Position::NOTHING,
            mark: (0, Vec::new()),
            look: Poll::Due,
            place: None,
            rewound: None,
            rotations: 0,
            chain: Chain::default(),
            rotated: None,
        }
    }

    /// Reads from `position` on.
    pub fn from(shared: &Arc<Shared>, position: Position) -> Result<FollowCursor> {
        let mut onward = FollowCursor::whole(shared);
        onward.at = position;
        // Before the file is opened: a file that is rotated later has a higher number.
        if position == Position::NOTHING {
            if shared.elsewhere.is_none() {
                onward.chain.list(shared)?;
            }
            onward.rotated = Some(onward.chain.highest());
        }
        let Some(source) = Source::open(shared, "follow")? else {
            return Ok(onward);
        };
        let is_first = onward
            .rotated
            .is_some_and(|rotated| source.rotated <= rotated);
        if is_first || position.generation == source.generation {
            let offset = source.offset_of(shared, &mut Decided::default(), "follow", position)?;
            onward.enter(source, offset)?;
        } else {
            onward.change(Some(source))?;
        }
        Ok(onward)
    }

    /// Reads from the end on.
    pub fn from_end(shared: &Arc<Shared>) -> Result<FollowCursor> {
        FollowCursor::from(shared, tail::end(shared)?)
    }

    /// How often it continued, without a report, in a file that began empty.
    pub fn rotations(&self) -> u64 {
        self.rotations
    }

    /// Returns whether nothing is new, as far as a look at the name shows.
    pub fn is_at_end(&self) -> Result<bool> {
        let stat = sys::stat(&self.shared.path)
            .map_err(|error| Error::os("follow", &self.shared.path, error))?;
        let here = self.reader.as_ref().and_then(Records::source);
        Ok(match (stat, here) {
            (None, None) => true,
            (Some(stat), Some(source)) => {
                // A journal that is rewritten in place stays the same file.
                stat.id == source.identity.id
                    && stat.size == self.at.offset
                    && !self.shared.lock.is_in_place()
            }
            _ => false,
        })
    }

    /// All records before this were yielded, or skipped.
    pub fn position(&self) -> Position {
        self.at
    }

    /// Returns the damage that was skipped since the last such call.
    pub fn take_damage(&mut self) -> Vec<Damage> {
        self.reader
            .as_mut()
            .map(Records::take_damage)
            .unwrap_or_default()
    }

    /// Returns the record that was found last.
    pub fn record(&self) -> Option<Record<'_>> {
        let (reader, place) = (self.reader.as_ref()?, self.place.as_ref()?);
        Some(reader.record(place))
    }

    /// Goes to the next record, or to the present end.
    pub fn step(&mut self) -> Result<Advance> {
        self.place = None;
        loop {
            if let Some((from, to)) = self.rewound.take() {
                return Ok(Advance::Rewound { from, to });
            }
            if let Some(reader) = &mut self.reader {
                let fills = reader.fills();
                let place = match reader.advance() {
                    // It was cut, or rewritten in place, so it is opened again.
                    Err(error) if error.kind() == ErrorKind::Conflict => {
                        if self.is_cut()? {
                            continue;
                        }
                        self.reader = None;
                        self.look = Poll::Other;
                        continue;
                    }
                    result => result?,
                };
                if reader.fills() != fills && self.is_cut()? {
                    continue;
                }
                let Some(reader) = &mut self.reader else {
                    continue;
                };
                self.at = Records::position(reader);
                if let Some(place) = place {
                    let line = reader.line(&place);
                    self.mark.0 = self.at.offset;
                    self.mark.1.clear();
                    let tail = &line[line.len().saturating_sub(MARK)..];
                    self.mark.1.extend_from_slice(tail);
                    self.place = Some(place);
                    return Ok(Advance::Record);
                }
            }
            match self.look {
                Poll::Due => {
                    if self.look()? {
                        return Ok(Advance::End);
                    }
                }
                Poll::Same => {
                    self.look = Poll::Due;
                    return Ok(Advance::End);
                }
                Poll::Other => {
                    self.look = Poll::Due;
                    let now = Source::open(&self.shared, "follow")?;
                    if now.is_none() && self.at == Position::NOTHING {
                        return Ok(Advance::End);
                    }
                    self.change(now)?;
                }
            }
        }
    }

    /// Looks at the name. Returns whether that shows that nothing is new.
    fn look(&mut self) -> Result<bool> {
        let os_error = |error| Error::os("follow", &self.shared.path, error);
        let here = self.reader.as_ref().and_then(Records::source);
        if let Some(bytes) = &self.shared.elsewhere {
            let seen = bytes.look().map_err(os_error)?;
            match (seen, here) {
                (Some((generation, size)), Some(source)) if generation == source.generation => {
                    if size == self.at.offset {
                        return Ok(true);
                    }
                    self.look = Poll::Same;
                }
                _ => self.look = Poll::Other,
            }
            if let Some(reader) = &mut self.reader {
                reader.go_on();
            }
            return Ok(false);
        }
        let stat = sys::stat(&self.shared.path).map_err(os_error)?;
        self.look = match (stat, here) {
            // A file that keeps its inode may have been rewritten. Reading detects
            // that.
            (Some(stat), Some(source)) if stat.id == source.identity.id => Poll::Same,
            _ => Poll::Other,
        };
        if let Some(reader) = &mut self.reader {
            reader.go_on();
        }
        Ok(false)
    }

    /// Returns whether the file was cut before the reached place, and has perhaps grown
    /// again. Another program cut it, or a failed write was taken back after it had
    /// been read. This must be called after reading: then the bytes that were read did
    /// follow. How much is still the same can't be known.
    fn is_cut(&mut self) -> Result<bool> {
        let Some(source) = self.reader.as_ref().and_then(Records::source) else {
            return Ok(false);
        };
        if source.is_certain() {
            return Ok(false);
        }
        let os_error = |error| Error::os("follow", &self.shared.path, error);
        if !source.is_itself().map_err(os_error)? {
            // Another file has its descriptor number, so the journal is opened again.
            return Ok(false);
        }
        let (end, mark) = &self.mark;
        let mut there = vec![0; mark.len()];
        let n = source
            .read_full_at(&mut there, end - mark.len() as u64)
            .map_err(os_error)?;
        if there[..n] == mark[..] && source.size().map_err(os_error)? >= self.at.offset {
            return Ok(false);
        }
        let (id, from) = (source.identity.id, self.at);
        match Source::open(&self.shared, "follow")? {
            // A rewrite that keeps the file, and reports how much is the same.
            Some(source) if source.identity.id == id && source.generation != from.generation => {
                self.change(Some(source))?;
            }
            _ => {
                let to = Position { offset: 0, ..from };
                self.mark = (0, Vec::new());
                self.at = to;
                self.look = Poll::Due;
                self.rewound = (from.offset > 0).then_some((from, to));
                if let Some(reader) = &mut self.reader {
                    reader.skip_to(0);
                }
            }
        }
        Ok(true)
    }

    /// Closes the file. The next step opens it again.
    pub fn close(&mut self) {
        self.reader = None;
        self.place = None;
    }

    /// Continues in the file after the one that was read so far. `now` is the file that
    /// has the name.
    fn change(&mut self, now: Option<Source>) -> Result<()> {
        let from = self.at;
        let now = match now {
            Some(now) if self.reader.is_none() && now.generation == from.generation => {
                // It was closed: the mark says whether it is as it was.
                self.reader = Some(Records::staying(&self.shared, now, from.offset));
                return Ok(());
            }
            now => now,
        };
        if let Some(bytes) = self.shared.elsewhere.clone() {
            return self.change_elsewhere(&bytes, now);
        }
        let read = self.reader.take().and_then(Records::into_source);
        let number = read.as_ref().map_or(0, |read| read.rotated);
        let here = Here {
            // A journal that is rewritten in place was not read to its end. The rest of
            // it is in its copy.
            read: read.as_ref().filter(|read| {
                now.as_ref()
                    .is_none_or(|now| now.identity.id != read.identity.id)
            }),
            at: from,
            rotated: self.rotated,
        };
        let Some(next) = self.chain.after(&self.shared, &here, now)? else {
            self.lose(number);
            return Ok(());
        };
        let to = Position {
            generation: next.source.generation,
            offset: next.offset,
        };
        self.rewound = next.rewound.then_some((from, to));
        self.rotations += u64::from(next.rotated);
        self.enter(next.source, next.offset)
    }

    /// Continues in the rest of a generation that was rotated away, or in the present one
    /// where it begins to differ.
    #[cold]
    fn change_elsewhere(
        &mut self,
        bytes: &Arc<dyn JournalBytes>,
        now: Option<Source>,
    ) -> Result<()> {
        let from = self.at;
        let read = self.reader.take().and_then(Records::into_source);
        let Some(now) = now else {
            self.lose(0);
            return Ok(());
        };
        // Of a generation that was rotated away: what is left after it is no record.
        let mut is_read = read.is_some_and(|read| read.is_kept());
        let (mut at, mut rewound) = (from, false);
        while at.generation != now.generation {
            let next = bytes
                .after(at.generation)
                .map_err(|error| Error::os("follow", &self.shared.path, error))?;
            let same = match next {
                // Nothing is known of it.
                None => Some(0),
                Some(next) if next.same.is_some() => next.same,
                Some(next) if is_read || at.offset >= next.size => None,
                Some(next) if next.is_kept => {
                    let rest = Source::of_kept(bytes, at.generation, next.size);
                    self.rewound = (rewound && from.offset > 0).then_some((from, at));
                    return self.enter(rest, at.offset);
                }
                // The rotated file was removed before it was read.
                Some(_) => Some(0),
            };
            is_read = false;
            rewound |= same.is_some_and(|same| same < at.offset);
            self.rotations += u64::from(same.is_none());
            at = Position {
                generation: next.map_or(now.generation, |next| next.generation),
                offset: same.unwrap_or(0).min(at.offset),
            };
        }
        self.rewound = (rewound && from.offset > 0).then_some((from, at));
        self.enter(now, at.offset)
    }

    /// Notes that the file has no name any more. None of its records is in the journal,
    /// and a new journal begins from nothing.
    fn lose(&mut self, number: u32) {
        let from = self.at;
        self.rotated = Some(self.chain.highest().max(number));
        self.at = Position::NOTHING;
        self.mark = (0, Vec::new());
        self.look = Poll::Due;
        self.rewound = (from.offset > 0).then_some((from, self.at));
    }

    fn enter(&mut self, source: Source, offset: u64) -> Result<()> {
        if source.is_certain() {
            self.enter_at(source, (offset, Vec::new()));
            return Ok(());
        }
        let os_error = |error| Error::os("follow", &self.shared.path, error);
        // The header changes in place, so it is not part of the mark.
        let header = header::read_line_of(&source, &self.shared.options).map_err(os_error)?;
        let most = offset.saturating_sub(header.len() as u64);
        let want = usize::try_from(most).map_or(MARK, |most| most.min(MARK));
        let mut mark = vec![0; want];
        let n = source
            .read_full_at(&mut mark, offset - want as u64)
            .map_err(os_error)?;
        mark.truncate(n);
        self.enter_at(source, (offset, mark));
        Ok(())
    }

    fn enter_at(&mut self, source: Source, mark: (u64, Vec<u8>)) {
        let offset = mark.0;
        self.mark = mark;
        self.at = Position {
            generation: source.generation,
            offset,
        };
        self.reader = Some(Records::staying(&self.shared, source, offset));
        self.look = Poll::Due;
    }
}
