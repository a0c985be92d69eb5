//! Says what a rewrite puts into a journal that is no file. The engine that keeps the
//! bytes carries it out.

use super::rewind::{is_of, not_of_this};
use super::steps::nothing_is_too_long;
use crate::error::{Error, ErrorKind, Result};
use crate::journal::JournalReader;
use crate::journal::member;
use crate::journal::options::HeaderMode;
use crate::journal::read::{Records, Source};
use crate::journal::record_policy::not_a_record;
use crate::journal::shared::Shared;
use crate::journal::{header, seal};
use crate::position::Position;

use std::fmt;
use std::sync::Arc;

/// Says how a journal goes back to a position.
#[derive(Debug)]
pub struct RewindTo {
    /// The journal's generation and its size, in bytes.
    pub at: Position,
    /// The bytes before this stay.
    pub start: u64,
    /// These come after them.
    pub bytes: Vec<u8>,
    /// How many bytes are the same afterwards.
    pub same: u64,
}

/// Holds the lines of a rewrite.
pub struct NewLines {
    shared: Arc<Shared>,
    has_header: bool,
    lines: Vec<u8>,
}

impl JournalReader {
    /// Returns the journal's generation and its size, and the line of its header. The line
    /// is empty if it has none.
    pub(crate) fn beginning(&self, operation: &'static str) -> Result<(Position, Vec<u8>)> {
        loop {
            match self.beginning_now(operation) {
                // It was rewritten between two reads.
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                done => return done,
            }
        }
    }

    fn beginning_now(&self, operation: &'static str) -> Result<(Position, Vec<u8>)> {
        let shared = &self.shared;
        let os_error = |error| Error::os(operation, &shared.path, error);
        let Some(source) = Source::open(shared, operation)? else {
            return Ok((Position::NOTHING, Vec::new()));
        };
        let line = header::read_line_of(&source, &shared.options).map_err(os_error)?;
        let size = source.size().map_err(os_error)?;
        let at = Position {
            generation: source.generation,
            offset: size,
        };
        Ok((at, line))
    }

    /// Returns the line of a new header, and whether it takes the old line's place.
    pub(crate) fn new_header(&self, old: &[u8], new: &[u8]) -> Result<(Vec<u8>, bool)> {
        let options = &self.shared.options;
        self.shared.rules.check_header(new)?;
        if new.len() < old.len() {
            let stamps = options.header_mode == HeaderMode::Stamp;
            return Ok((header::pad(new, old.len()), stamps));
        }
        Ok((header::pad(new, header::room(options, new)), false))
    }

    /// Returns the bytes of the journal with this header.
    pub(crate) fn with_header(&self, journal: &[u8], wanted: &[u8]) -> Result<Vec<u8>> {
        member::with_header(&self.shared.path, &self.shared.options, journal, wanted)
    }

    /// Returns how the journal goes back to a position. `None`: no record is after it.
    pub(crate) fn rewind_to(&self, position: Position) -> Result<Option<RewindTo>> {
        let shared = &self.shared;
        let os_error = |error| Error::os("rewind", &shared.path, error);
        let Some(source) = Source::open(shared, "rewind")? else {
            return match position {
                Position::NOTHING => Ok(None),
                _ => Err(not_of_this(shared, position, Position::NOTHING)),
            };
        };
        let at = Position {
            generation: source.generation,
            offset: source.size().map_err(os_error)?,
        };
        if !is_of(&source, position, at).map_err(os_error)? {
            return Err(not_of_this(shared, position, at));
        }
        let header = header::read_line_of(&source, &shared.options).map_err(os_error)?;
        let stop = position.offset.max(header.len() as u64);
        if stop >= at.offset {
            return Ok(None);
        }
        let closing = match shared.options.sealed {
            true => seal::closing(&source, stop).map_err(os_error)?,
            false => None,
        };
        let bytes = closing.map_or_else(Vec::new, |closing| closing.to_vec());
        Ok(Some(RewindTo {
            at,
            start: stop - bytes.len() as u64,
            bytes,
            same: stop,
        }))
    }

    /// Returns the records before `at`, in that generation.
    pub(crate) fn records_until(&self, at: Position) -> Result<Records> {
        match &self.shared.elsewhere {
            Some(bytes) if at != Position::NOTHING => {
                let source = Source::of_kept(bytes, at.generation, at.offset);
                Ok(Records::new(&self.shared, Some(source), 0))
            }
            _ => Ok(Records::new(&self.shared, None, 0)),
        }
    }

    /// Begins the lines of a rewrite. A journal with a line that no reader here returns is
    /// refused if the rewrite is a compaction.
    pub(crate) fn new_lines(&self, operation: &'static str, has_header: bool) -> Result<NewLines> {
        if operation == "compact" {
            nothing_is_too_long(&self.shared)?;
        }
        Ok(NewLines {
            shared: Arc::clone(&self.shared),
            has_header,
            lines: Vec::new(),
        })
    }
}

impl NewLines {
    /// Adds a record from any source, so it is checked first.
    ///
    /// # Errors
    /// `INVALID_RECORD`, `LIMIT_EXCEEDED`: the record is not added.
    pub fn push(&mut self, record: &[u8]) -> Result<()> {
        self.shared.rules.check(record)?;
        self.add(record)
    }

    /// Adds a record that a JSON encoder has just made, or that was read from this journal.
    ///
    /// # Errors
    /// As [`NewLines::push`].
    pub fn push_encoded(&mut self, record: &[u8]) -> Result<()> {
        self.shared.rules.check_framing(record)?;
        self.add(record)
    }

    fn add(&mut self, record: &[u8]) -> Result<()> {
        let is_first = self.lines.is_empty() && !self.has_header;
        if is_first && header::is_header(&self.shared.options, record) {
            return Err(not_a_record(&self.shared.path));
        }
        if self.shared.options.sealed {
            seal::Chain::default().add(&mut self.lines, record);
        } else {
            self.lines.extend_from_slice(record);
            self.lines.push(b'\n');
        }
        Ok(())
    }

    /// Returns the lines.
    pub fn bytes(&self) -> &[u8] {
        &self.lines
    }
}

impl fmt::Debug for NewLines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewLines")
            .field("bytes", &self.lines.len())
            .finish_non_exhaustive()
    }
}
