//! Steps from record to record. It judges each line, and keeps to the reader's limits.

use super::damage::DamageKind;
use super::line::{behind_nuls, byte_order_mark};
use super::records::{Chained, Place, Records};
use crate::error::{Error, ErrorKind, Result};
use crate::journal::header::is_header;
use crate::journal::record_policy::is_blank;
use crate::journal::seal;

/// Says what a line is.
enum Line {
    /// A record, with its start and its end in the buffer.
    Record(usize, usize),
    Blank,
    Damaged(DamageKind),
}

/// The result of one step.
pub(crate) enum Step {
    Record(Place),
    /// A blank line, the header, or damage.
    Passed,
    End,
}

impl Records {
    /// Goes to the next record, without lending it.
    #[inline]
    pub(crate) fn advance(&mut self) -> Result<Option<Place>> {
        loop {
            match self.step()? {
                Step::Record(place) => return Ok(Some(place)),
                Step::Passed => {}
                Step::End => return Ok(None),
            }
        }
    }

    /// Goes one line on.
    #[inline]
    pub(crate) fn step(&mut self) -> Result<Step> {
        if self.line_start() >= self.stop {
            return Ok(Step::End);
        }
        let Some((mut start, stop)) = self.next_line()? else {
            return Ok(Step::End);
        };
        let line = self.line_start();
        let next = stop + 1;
        if line == 0 {
            self.firm = self.base + next as u64;
            if self.lost == 0 {
                let mark = byte_order_mark(&self.shared.options, &self.buffer[start..stop]);
                self.marked = mark > 0;
                start += mark;
            }
            if is_header(&self.shared.options, &self.buffer[start..stop]) {
                self.header = true;
                self.next = next;
                self.count_line();
                return Ok(Step::Passed);
            }
        }
        let trimmed = stop - usize::from(self.buffer[start..stop].last() == Some(&b'\r'));
        let judged = match memchr::memrchr(0, &self.buffer[start..trimmed]) {
            Some(nul) => self.judge_behind_nuls(line, start + nul + 1, trimmed)?,
            None if self.lost > 0 => self.judge_behind_nuls(line, start, trimmed)?,
            None => self.judge(start, trimmed)?,
        };
        let mut found = Step::Passed;
        match judged {
            Line::Blank => {}
            Line::Damaged(kind) => self.report(kind, line, self.base + next as u64),
            Line::Record(start, stop) => {
                self.check_limits(stop - start)?;
                found = Step::Record(Place {
                    line,
                    start,
                    stop,
                    next,
                });
            }
        }
        self.lost = 0;
        self.lost_nuls_only = true;
        self.next = next;
        self.count_line();
        Ok(found)
    }

    /// Judges a line by its framing. Only a decoder finds more damage.
    fn judge(&mut self, start: usize, stop: usize) -> Result<Line> {
        let stop = match self.shared.options.sealed {
            false => stop,
            true => match self.unseal(start, stop)? {
                Ok(stop) => stop,
                Err(damage) => return Ok(Line::Damaged(damage)),
            },
        };
        let line = &self.buffer[start..stop];
        if line.len() as u64 > self.shared.options.max_record {
            return Ok(Line::Damaged(DamageKind::TooLong));
        }
        Ok(match line.first() {
            None => Line::Blank,
            Some(b' ' | b'\t' | b'\r') if is_blank(line) => Line::Blank,
            Some(_) => Line::Record(start, stop),
        })
    }

    /// Judges a line with NULs, the last of which is before `start`. The NULs are
    /// damage, but a whole record after them is a record.
    #[cold]
    fn judge_behind_nuls(&mut self, line: u64, start: usize, stop: usize) -> Result<Line> {
        let before = match self.shared.options.sealed {
            true => self.chain_at(line)?,
            false => None,
        };
        let text = &self.buffer[start..stop];
        if self.shared.options.sealed {
            let seal = seal::split(text).and_then(|(_, seal)| seal.chain());
            self.chain = Chained::To(seal);
        }
        let Some(length) = behind_nuls(&self.shared.options, text, before) else {
            return Ok(Line::Damaged(DamageKind::NulRun));
        };
        if self.shared.options.sealed && seal::split(text).is_none() {
            self.unsealed += 1;
        }
        self.report(DamageKind::NulRun, line, self.base + start as u64);
        Ok(Line::Record(start, start + length))
    }

    /// Returns the checksum that chains this line, from the seal of the line before.
    fn chain_at(&self, line: u64) -> Result<Option<u32>> {
        match (self.chain, &self.source) {
            (Chained::To(before), _) => Ok(before),
            (Chained::Unknown, Some(source)) => seal::chain_before(source, line)
                .map_err(|error| Error::os("read", &self.shared.path, error)),
            (Chained::Unknown, None) => Ok(None),
        }
    }

    /// Returns where the record in a line of a sealed journal ends, or the damage of
    /// the line.
    fn unseal(
        &mut self,
        start: usize,
        stop: usize,
    ) -> Result<std::result::Result<usize, DamageKind>> {
        let before = self.chain_at(self.base + start as u64)?;
        let line = &self.buffer[start..stop];
        if is_blank(line) {
            self.chain = Chained::To(before);
            return Ok(Ok(stop));
        }
        let at = self.base + start as u64;
        let Some((record, seal)) = seal::split(line) else {
            self.chain = Chained::To(None);
            if before.is_some() {
                self.report(DamageKind::BadSeal, at, at);
            }
            self.unsealed += 1;
            return Ok(Ok(stop));
        };
        self.chain = Chained::To(seal.chain());
        let end = start + record.len();
        if seal::is_good(record, seal, before) {
            return Ok(Ok(end));
        }
        if before.is_some() && seal::is_good(record, seal, None) {
            // The line begins another append, so the end of the append before is
            // missing.
            self.report(DamageKind::BadSeal, at, at);
            return Ok(Ok(end));
        }
        Ok(Err(DamageKind::BadSeal))
    }

    #[inline]
    fn check_limits(&mut self, bytes: usize) -> Result<()> {
        self.seen_records += 1;
        self.seen_bytes += bytes as u64;
        let exceeded = |limit: Option<u64>, seen| limit.is_some_and(|limit| seen > limit);
        if exceeded(self.max_records, self.seen_records) {
            return Err(self.limit_exceeded("max_records", self.max_records));
        }
        if exceeded(self.max_bytes, self.seen_bytes) {
            return Err(self.limit_exceeded("max_bytes", self.max_bytes));
        }
        Ok(())
    }

    #[cold]
    fn limit_exceeded(&self, name: &str, limit: Option<u64>) -> Error {
        let at = self.position();
        Error::new(
            ErrorKind::LimitExceeded,
            "read",
            &self.shared.path,
            format!(
                "more than {name} = {}; read on from {at}",
                limit.unwrap_or_default()
            ),
        )
        .at(at)
    }
}
