//! Passes over bytes that belong to no record, in constant memory.

use super::damage::DamageKind;
use super::line;
use super::records::{Chained, Records};
use super::source::Source;
use crate::error::Result;

/// Nothing is dropped from an unfinished line that is shorter than this.
const SHORT: usize = 4096;

/// How many of the bytes that were passed are compared.
pub(super) const MARK: usize = 512;

impl Records {
    /// Drops the bytes of an unfinished line up to its last NUL, since they belong to
    /// no record. So a run of NULs takes no memory, and a hole hardly any time.
    pub(super) fn lose_nuls(&mut self, source: &Source) -> Result<()> {
        let unfinished = &self.buffer[self.next..self.filled];
        if unfinished.len() < SHORT {
            return Ok(());
        }
        let Some(nul) = memchr::memrchr(0, unfinished) else {
            return Ok(());
        };
        self.lost_nuls_only &= unfinished[..nul].iter().all(|byte| *byte == 0);
        self.lost += nul as u64 + 1;
        self.next += nul + 1;
        if self.next == self.filled {
            let at = self.base + self.next as u64;
            let data = source.next_data(at).map_err(|error| self.os_error(error))?;
            if data > at {
                self.lost += data - at;
                self.go_to(data);
            }
        }
        Ok(())
    }

    /// Looks for the end of a line that is too long to be kept.
    #[cold]
    pub(super) fn skip_long_line(&mut self, source: &Source) -> Result<()> {
        let start = self.line_start();
        let text = self.base + self.next as u64;
        let head = self.buffer[self.next..self.filled.min(self.next + MARK)].to_vec();
        let mut at = text;
        // The place after the last NUL.
        let mut rest = None;
        let found = loop {
            let n = source
                .read_at(&mut self.buffer, at)
                .map_err(|error| self.os_error(error))?;
            if n == 0 {
                break false;
            }
            let newline = memchr::memchr(b'\n', &self.buffer[..n]);
            let piece = &self.buffer[..newline.unwrap_or(n)];
            if let Some(nul) = memchr::memrchr(0, piece) {
                rest = Some(at + nul as u64 + 1);
            }
            at += piece.len() as u64;
            if newline.is_some() {
                at += 1;
                break true;
            }
            if rest == Some(at) {
                at = source.next_data(at).map_err(|error| self.os_error(error))?;
                rest = Some(at);
            }
        };
        // A torn record may have been cut meanwhile, and others may have followed.
        let mut again = vec![0; head.len()];
        let n = source
            .read_full_at(&mut again, text)
            .map_err(|error| self.os_error(error))?;
        if again[..n] != head[..] {
            self.go_to(text);
            return Ok(());
        }
        match rest.filter(|rest| found && at - rest <= line::longest(&self.shared.options)) {
            Some(rest) => {
                self.lost = rest - start;
                self.lost_nuls_only = false;
                self.go_to(rest);
            }
            None if found => {
                self.report(DamageKind::TooLong, start, at);
                self.count_line();
                self.lost = 0;
                self.lost_nuls_only = true;
                self.chain = Chained::Unknown;
                self.go_to(at);
                if start == 0 {
                    self.firm = at;
                }
            }
            None => {
                self.at_end = true;
                if !self.stays {
                    self.report(DamageKind::TornTail, start, at);
                }
                self.go_to(text);
            }
        }
        Ok(())
    }
}
