//! Says what kind of damage the bytes after the last newline are, for a check.

use super::damage::DamageKind;
use super::records::{Chained, Records};
use super::source::Source;
use crate::error::Result;
use crate::journal::options::Format;
use crate::journal::repair::is_value;
use crate::journal::seal;

impl Records {
    /// Judges the bytes after the last newline, which are in the buffer. As in a repair,
    /// NULs at their end do not count.
    pub(super) fn kind_of_tail(&self, source: &Source) -> Result<DamageKind> {
        let tail = &self.buffer[self.next..self.filled];
        let text_end = tail.iter().rposition(|byte| *byte != 0);
        let Some(text_end) = text_end else {
            return Ok(match self.lost_nuls_only {
                true => DamageKind::NulRun,
                false => DamageKind::TornTail,
            });
        };
        let text = &tail[..=text_end];
        let options = &self.shared.options;
        let fits = text.len() as u64 <= options.max_record;
        let whole = self.lost == 0 && fits && options.format == Format::Json;
        let whole = whole
            && match options.sealed {
                false => is_value(text),
                true => self.ends_append(source, text)?,
            };
        Ok(match whole {
            true => DamageKind::MissingNewline,
            false => DamageKind::TornTail,
        })
    }

    /// Returns how many NULs are at the very end, of those in the buffer.
    pub(crate) fn nuls_at_end(&self) -> u64 {
        let tail = &self.buffer[self.next..self.filled];
        tail.iter().rev().take_while(|byte| **byte == 0).count() as u64
    }

    /// Returns whether these bytes are the final record of an append.
    fn ends_append(&self, source: &Source, text: &[u8]) -> Result<bool> {
        let Some((record, seal)) = seal::split(text) else {
            return Ok(false);
        };
        let before = match self.chain {
            Chained::To(before) => before,
            Chained::Unknown => seal::chain_before(source, self.line_start())
                .map_err(|error| self.os_error(error))?,
        };
        Ok(seal.last && seal::is_good(record, seal, before))
    }
}
