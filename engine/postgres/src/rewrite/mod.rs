//! Rewrites of a journal: back to a position, other records, other headers, and rotated files.
//!
//! Nothing is locked meanwhile. A rewrite says what it puts in the place of which bytes of
//! one generation, and the database does that in one step. Bytes that others appended since
//! stay behind it.

mod compact;
mod header;
mod rotate;

pub use compact::Rewrite;

use untorn::engine::{self, Waiting};
use untorn::{CallOptions, Error, Position};

use crate::journal::Journal;
use crate::kept::Splice;

impl Journal {
    /// Goes back to a position of this journal: records appended after it are removed. A
    /// rotated file keeps the whole journal as it was, and this returns its name. Returns
    /// `None` if no record is after the position. `0:0` goes back to the start. The header
    /// stays.
    ///
    /// # Errors
    /// `CONFLICT` if the position is not one of this generation's; and as
    /// [`Journal::append_batch`].
    pub fn rewind(&self, to: Position) -> Result<Option<String>, Error> {
        self.rewind_with(to, &CallOptions::new())
    }

    /// Does the same as [`Journal::rewind`], with cancellation.
    ///
    /// # Errors
    /// The same, and `CANCELLED`.
    pub fn rewind_with(
        &self,
        to: Position,
        call: &CallOptions<'_>,
    ) -> Result<Option<String>, Error> {
        let wait = Waiting::begin("rewind", self.name(), call, None)?;
        let Some(back) = engine::rewind_to(self, to)? else {
            return Ok(None);
        };
        let splice = Splice {
            bytes: &back.bytes,
            start: back.start,
            generation: back.at.generation,
            same: Some(back.same),
            keep: true,
            ..Splice::default()
        };
        Ok(self.splice("rewind", &splice, &wait)?.1)
    }

    /// Returns the new end, and the name of the rotated file.
    fn splice(
        &self,
        operation: &'static str,
        splice: &Splice<'_>,
        wait: &Waiting<'_>,
    ) -> Result<(Position, Option<String>), Error> {
        let kept = self.kept();
        let under = kept.under(operation, self.name())?;
        let (generation, end, rotated) = kept.rewrite(
            operation,
            self.name(),
            self.file_name(),
            splice,
            under,
            wait,
        )?;
        self.saw(end as u64);
        let end = Position {
            generation: generation as u64,
            offset: end as u64,
        };
        Ok((end, rotated))
    }
}
