//! From record to record: what each line is, and whether one more is within the
//! reader's limits.

use super::{Chained, Place, Records};
use crate::error::{Error, ErrorKind, Result};
use crate::journal::batch::is_blank;
use crate::journal::damage::DamageKind;
use crate::journal::header::is_header;
use crate::journal::seal;

/// What a line is.
enum Line {
    Record,
    Blank,
    Damaged(DamageKind),
}

impl Records {
    /// Goes to the next record, without lending it.
    pub(in crate::journal) fn advance(&mut self) -> Result<Option<Place>> {
        loop {
            if self.base + self.next as u64 >= self.stop {
                return Ok(None);
            }
            let Some((start, stop)) = self.next_line()? else {
                return Ok(None);
            };
            if self.header_due {
                self.header_due = false;
                if is_header(&self.shared.options, &self.buffer[start..stop]) {
                    self.header = true;
                    self.next = stop + 1;
                    continue;
                }
            }
            let trimmed = stop - usize::from(self.buffer[start..stop].last() == Some(&b'\r'));
            let trimmed = if self.shared.options.sealed {
                match self.unseal(start, trimmed)? {
                    Ok(stop) => stop,
                    Err(damage) => {
                        self.report(damage, start, stop + 1);
                        self.next = stop + 1;
                        continue;
                    }
                }
            } else {
                trimmed
            };
            let line = &self.buffer[start..trimmed];
            match self.judge(line) {
                Line::Blank => self.next = stop + 1,
                Line::Damaged(kind) => {
                    self.report(kind, start, stop + 1);
                    self.next = stop + 1;
                }
                Line::Record => {
                    self.check_limits(line.len())?;
                    self.next = stop + 1;
                    return Ok(Some(Place {
                        start,
                        stop: trimmed,
                        next: stop + 1,
                    }));
                }
            }
        }
    }

    /// Where the record in a line of a sealed journal ends, or what is wrong.
    fn unseal(
        &mut self,
        start: usize,
        stop: usize,
    ) -> Result<std::result::Result<usize, DamageKind>> {
        let before = match (self.chain, &self.source) {
            (Chained::To(before), _) => before,
            (Chained::Unknown, Some(source)) => {
                let at = self.base + start as u64;
                seal::chain_by(|buffer, at| source.read_full_at(buffer, at), at)
                    .map_err(|error| Error::os("read", &self.shared.path, error))?
            }
            (Chained::Unknown, None) => None,
        };
        let line = &self.buffer[start..stop];
        if is_blank(line) {
            self.chain = Chained::To(before);
            return Ok(Ok(stop));
        }
        let nuls = memchr::memchr(0, line).is_some();
        let Some((record, seal)) = seal::split(line) else {
            self.chain = Chained::To(None);
            if !nuls && before.is_some() {
                self.report(DamageKind::BadSeal, start, start);
            }
            self.unsealed += u64::from(!nuls);
            return Ok(Ok(stop));
        };
        self.chain = Chained::To(seal.chain());
        let end = start + record.len();
        if nuls || seal::is_good(record, seal, before) {
            return Ok(Ok(end));
        }
        if before.is_some() && seal::is_good(record, seal, None) {
            // It begins another append: of the one before the end is missing.
            self.report(DamageKind::BadSeal, start, start);
            return Ok(Ok(end));
        }
        Ok(Err(DamageKind::BadSeal))
    }

    /// What framing shows; decoding finds more.
    fn judge(&self, line: &[u8]) -> Line {
        if line.len() as u64 > self.shared.options.max_record {
            return Line::Damaged(DamageKind::TooLong);
        }
        match line.first() {
            None => Line::Blank,
            Some(b' ' | b'\t' | b'\r') if is_blank(line) => Line::Blank,
            Some(_) if memchr::memchr(0, line).is_some() => Line::Damaged(DamageKind::NulRun),
            Some(_) => Line::Record,
        }
    }

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
