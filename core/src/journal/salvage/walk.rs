//! Goes through every line of a journal, and finds the damaged ones.

use std::sync::Arc;

use crate::error::Result;
use crate::journal::options::Format;
use crate::journal::read::{Damage, DamageKind, Records, Step};
use crate::journal::record_policy::inspect;
use crate::journal::shared::Shared;

/// One line, or what is found after the last one.
pub(super) enum Line<'a> {
    Good {
        start: u64,
        /// The record's line in the file, with its newline.
        line: &'a [u8],
    },
    /// `stop` is after the newline.
    Damaged {
        damage: Damage,
        start: u64,
        stop: u64,
    },
    Tail(Damage, DamageKind),
}

/// Calls `next` for each record and each damage. Blank lines and the header are neither.
pub(super) fn walk(
    shared: &Arc<Shared>,
    mut next: impl FnMut(&Records, Line<'_>) -> Result<()>,
) -> Result<()> {
    let mut reader = Records::open(shared, None)?.of_anything();
    loop {
        let step = reader.step()?;
        let damages = reader.take_damage();
        let line = match &step {
            Step::Record(place) => {
                let record = reader.record(place);
                Some((record.start.offset, record.end.offset))
            }
            Step::Passed | Step::End => None,
        };
        let mut broken = None;
        for damage in damages {
            let is_line = line.is_some_and(|(start, _)| damage.offset >= start);
            if damage.repairable {
                next(&reader, Line::Tail(damage, reader.kind_of_torn_tail()))?;
            } else if is_line {
                broken = Some(damage);
            } else {
                next(&reader, of_whole(damage))?;
            }
        }
        match &step {
            Step::End => return Ok(()),
            Step::Passed => {}
            Step::Record(place) => {
                let record = reader.record(place);
                let (start, stop) = (record.start.offset, record.end.offset);
                if shared.options.format == Format::Json && broken.is_none() {
                    broken = inspect(record.bytes).map(|kind| Damage {
                        kind,
                        offset: start,
                        length: stop - start,
                        line: reader.last_line(),
                        repairable: false,
                    });
                }
                let line = match broken {
                    // Only the end of the append before is missing.
                    Some(damage) if damage.length > 0 => Line::Damaged {
                        damage,
                        start,
                        stop,
                    },
                    _ => {
                        let line = reader.line(place);
                        // Without a byte order mark before it.
                        let start = stop - line.len() as u64;
                        Line::Good { start, line }
                    }
                };
                next(&reader, line)?;
            }
        }
    }
}

fn of_whole(damage: Damage) -> Line<'static> {
    Line::Damaged {
        damage,
        start: damage.offset,
        stop: damage.offset + damage.length,
    }
}
