//! Reading the last records, backwards from the end.

use super::Position;
use super::batch::is_blank;
use super::header::is_header;
use super::read::{OwnedRecord, agreement};
use super::seal;
use super::shared::Shared;
use super::source::Source;
use crate::error::{Error, Result};

const FIRST: u64 = 16 * 1024;

/// The last `n` records, oldest first.
pub(super) fn tail(shared: &Shared, n: usize) -> Result<Vec<OwnedRecord>> {
    let Some(source) = Source::open(shared, "tail")? else {
        return Ok(Vec::new());
    };
    let told = |error| Error::os("tail", &shared.path, error);
    let mut reach = FIRST;
    loop {
        let size = source.size().map_err(told)?;
        let start = size.saturating_sub(reach);
        let bytes = read(&source, start, size).map_err(told)?;
        let lines = last_lines(shared, &bytes, start, n);
        if lines.len() < n && start > 0 {
            reach *= 4;
            continue;
        }
        // A repair or a roll-back may have changed the end between two parts
        // of one read: only what two reads agree on is anybody's record.
        let again = read(&source, start, size).map_err(told)?;
        let certain = start + agreement(&bytes, &again) as u64;
        if lines.last().is_some_and(|line| line.stop >= certain) {
            continue;
        }
        if !source.holds().map_err(told)? {
            return tail(shared, n);
        }
        let at = |offset| Position {
            generation: source.generation,
            offset,
        };
        return Ok(lines
            .into_iter()
            .map(|line| OwnedRecord {
                bytes: line.bytes.to_vec(),
                start: at(line.start),
                end: at(line.stop + 1),
            })
            .collect());
    }
}

/// Where the last whole line ends.
pub(super) fn end(shared: &Shared) -> Result<Position> {
    let Some(source) = Source::open(shared, "end")? else {
        return Ok(Position::NOTHING);
    };
    let told = |error| Error::os("end", &shared.path, error);
    let mut stop = source.size().map_err(told)?;
    let mut reach = 1;
    let offset = loop {
        let start = stop.saturating_sub(reach);
        let bytes = read(&source, start, stop).map_err(told)?;
        if let Some(at) = memchr::memrchr(b'\n', &bytes) {
            break start + at as u64 + 1;
        }
        if start == 0 {
            break 0;
        }
        stop = start;
        reach = FIRST;
    };
    if !source.holds().map_err(told)? {
        return end(shared);
    }
    Ok(Position {
        generation: source.generation,
        offset,
    })
}

struct Line<'a> {
    bytes: &'a [u8],
    start: u64,
    /// Where its newline is.
    stop: u64,
}

/// The last `n` records that lie whole in `bytes`, which begin at `base`.
fn last_lines<'a>(shared: &Shared, bytes: &'a [u8], base: u64, n: usize) -> Vec<Line<'a>> {
    let mut lines = Vec::new();
    // What follows the last newline is torn, or in flight.
    let mut stop = memchr::memrchr(b'\n', bytes);
    while let Some(newline) = stop {
        if lines.len() == n {
            break;
        }
        stop = memchr::memrchr(b'\n', &bytes[..newline]);
        let start = match stop {
            Some(before) => before + 1,
            None if base == 0 => 0,
            // It begins before these bytes do.
            None => break,
        };
        let line = &bytes[start..newline];
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let line = if shared.options.sealed {
            if start <= seal::LENGTH && base > 0 {
                // What it is chained to lies before these bytes.
                break;
            }
            match unseal(line, &bytes[..start]) {
                Some(record) => record,
                None => continue,
            }
        } else {
            line
        };
        let first = base == 0 && start == 0;
        let skipped = is_blank(line)
            || first && is_header(&shared.options, line)
            || line.len() as u64 > shared.options.max_record
            || memchr::memchr(0, line).is_some();
        if !skipped {
            lines.push(Line {
                bytes: line,
                start: base + start as u64,
                stop: base + newline as u64,
            });
        }
    }
    lines.reverse();
    lines
}

/// The record of a line in a sealed journal; `None` if its seal does not fit.
fn unseal<'a>(line: &'a [u8], before: &[u8]) -> Option<&'a [u8]> {
    let Some((record, seal)) = seal::split(line) else {
        return Some(line);
    };
    let chain = before
        .strip_suffix(b"\n")
        .and_then(|before| {
            let line = memchr::memrchr(b'\n', before).map_or(0, |newline| newline + 1);
            seal::split(&before[line..])
        })
        .and_then(|(_, seal)| seal.chain());
    let good = seal::is_good(record, seal, chain) || seal::is_good(record, seal, None);
    good.then_some(record)
}

fn read(source: &Source, start: u64, stop: u64) -> std::io::Result<Vec<u8>> {
    let length = usize::try_from(stop - start)
        .map_err(|_| std::io::Error::from(std::io::ErrorKind::OutOfMemory))?;
    let mut bytes = vec![0; length];
    let n = source.read_full_at(&mut bytes, start)?;
    bytes.truncate(n);
    Ok(bytes)
}
