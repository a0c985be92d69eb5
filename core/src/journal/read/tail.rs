//! Reads the last records, backwards from the end.

use std::io;

use super::backward::Backward;
use super::decided::{ALL, Decided};
use super::foreign::{Foreign, HEAD};
use super::line::{behind_nuls, byte_order_mark, longest};
use super::record::{OwnedRecord, Record};
use super::source::Source;
use crate::error::{Error, ErrorKind, Result};
use crate::journal::header::is_header;
use crate::journal::options::JournalOptions;
use crate::journal::record_policy::is_blank;
use crate::journal::seal;
use crate::journal::shared::Shared;
use crate::lock::CallOptions;
use crate::position::Position;

/// Returns the last `n` records, oldest first.
pub(crate) fn tail(shared: &Shared, n: usize, call: &CallOptions<'_>) -> Result<Vec<OwnedRecord>> {
    let Some(source) = Source::open(shared, "tail")? else {
        return Ok(Vec::new());
    };
    let os_error = |error: io::Error| match error.kind() {
        io::ErrorKind::OutOfMemory => Error::new(
            ErrorKind::LimitExceeded,
            "tail",
            &shared.path,
            format!("not enough memory for the last {n} records; read them one by one"),
        ),
        // The system's calls are retried after a signal, so this is the caller's
        // cancellation.
        io::ErrorKind::Interrupted => Error::cancelled("tail", &shared.path),
        _ => Error::os("tail", &shared.path, error),
    };
    let mut decided = Decided::default();
    let wait = call.begin(None);
    let mut asking = wait.asking();
    loop {
        let stop = rest(shared, &source, &mut decided, "tail")?;
        let mut records = Vec::new();
        let read = last_records(shared, &source, stop, n, |record| {
            if asking.is_ended() {
                return Err(io::ErrorKind::Interrupted.into());
            }
            let mut bytes = Vec::new();
            bytes.try_reserve_exact(record.bytes.len())?;
            bytes.extend_from_slice(record.bytes);
            records.try_reserve(1)?;
            records.push(OwnedRecord {
                bytes,
                start: record.start,
                end: record.end,
            });
            Ok(true)
        });
        // A repair or a roll-back may have changed the end between two parts of one
        // read. Only bytes that two reads agree on are a record. An append in flight at
        // the first read is decided by now, or known to be in flight.
        let still = decided.limit(shared, &source, "tail")? >= stop;
        let same = read.and_then(|()| {
            let mut first = records.iter();
            let mut same = true;
            last_records(shared, &source, stop, n, |record| {
                same = first.next().is_some_and(|first| {
                    (first.start, first.end) == (record.start, record.end)
                        && first.bytes == record.bytes
                });
                Ok(same)
            })?;
            Ok(same && first.next().is_none())
        });
        let same = match same {
            // The file was cut meanwhile.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => false,
            result => result.map_err(os_error)?,
        };
        if !source.holds().map_err(os_error)? {
            return tail(shared, n, call);
        }
        if same && still {
            if records.is_empty() || !records.iter().all(is_object) {
                check_head(shared, &source)
                    .map_err(os_error)?
                    .map_or(Ok(()), Err)?;
            }
            records.reverse();
            return Ok(records);
        }
    }
}

/// Returns where the last whole line ends.
pub(crate) fn end(shared: &Shared) -> Result<Position> {
    let Some(source) = Source::open(shared, "end")? else {
        return Ok(Position::NOTHING);
    };
    let os_error = |error| Error::os("end", &shared.path, error);
    let mut decided = Decided::default();
    let ends_line = |offset: u64| {
        let mut last = [0];
        Ok(offset == 0 || source.read_full_at(&mut last, offset - 1)? == 1 && last == *b"\n")
    };
    loop {
        let stop = rest(shared, &source, &mut decided, "end")?;
        let found = match ends_line(stop) {
            Ok(true) => Ok(stop),
            Ok(false) => Backward::new(&source)
                .newline_before(stop)
                .map(|newline| newline.map_or(0, |at| at + 1)),
            Err(error) => Err(error),
        };
        let offset = match found {
            // The file was cut meanwhile.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => continue,
            result => result.map_err(os_error)?,
        };
        if !source.holds().map_err(os_error)? {
            return end(shared);
        }
        // For the same reason as in `tail`.
        if decided.limit(shared, &source, "end")? >= offset
            && ends_line(offset).map_err(os_error)?
        {
            return Ok(Position {
                generation: source.generation,
                offset,
            });
        }
    }
}

/// Returns whether the record looks like a JSON object, as nearly every record does.
fn is_object(record: &OwnedRecord) -> bool {
    record.bytes.starts_with(b"{") && record.bytes.ends_with(b"}")
}

/// Returns the error for a file of another kind, which would read as an empty journal.
fn check_head(shared: &Shared, source: &Source) -> io::Result<Option<Error>> {
    let mut head = vec![0; HEAD];
    let n = source.read_full_at(&mut head, 0)?;
    Ok(Foreign::of(&shared.options, &head[..n])
        .filter(|foreign| *foreign != Foreign::Text)
        .map(|foreign| foreign.error("tail", &shared.path)))
}

/// Returns where the journal ended, at a moment without an append of many under way. If
/// one is under way, returns where that began. The place is never within an append,
/// even if the append is whole by now.
fn rest(
    shared: &Shared,
    source: &Source,
    decided: &mut Decided,
    operation: &'static str,
) -> Result<u64> {
    let size = || {
        let size = source.size();
        size.map_err(|error| Error::os(operation, &shared.path, error))
    };
    loop {
        let limit = decided.limit(shared, source, operation)?;
        let before = size()?;
        if limit != ALL {
            return Ok(before.min(limit));
        }
        // An append that began since may be whole by the time of the second look.
        let limit = decided.limit(shared, source, operation)?;
        if size()? == before {
            return Ok(before.min(limit));
        }
    }
}

/// Passes the last `n` records before `stop` to `take`, the last first. Ends early when
/// `take` wants no more.
fn last_records(
    shared: &Shared,
    source: &Source,
    stop: u64,
    n: usize,
    mut take: impl FnMut(Record<'_>) -> io::Result<bool>,
) -> io::Result<()> {
    let options = &shared.options;
    let at = |offset| Position {
        generation: source.generation,
        offset,
    };
    let mut backward = Backward::new(source);
    let mut scratch = Vec::new();
    let mut left = n;
    let mut newline = match left {
        0 => None,
        // Bytes after the last newline are torn, or in flight.
        _ => backward.newline_before(stop)?,
    };
    while let Some(end) = newline {
        newline = backward.newline_before(end)?;
        let start = newline.map_or(0, |at| at + 1);
        // Of a line that is too long, only the length of the longest record is read.
        let from = start.max(end.saturating_sub(longest(options).saturating_add(1)));
        let line = backward.lend(from, end, &mut scratch)?;
        let line = Line { start, from, line };
        if let Some(bytes) = line.record(options, source)? {
            left -= 1;
            let record = Record {
                bytes,
                start: at(start),
                end: at(end + 1),
            };
            if !take(record)? || left == 0 {
                break;
            }
        }
    }
    Ok(())
}

/// Is a line, or the end of one that is too long.
struct Line<'a> {
    start: u64,
    /// The start of these bytes in the file.
    from: u64,
    line: &'a [u8],
}

impl<'a> Line<'a> {
    /// Returns the record in the line, if it holds one: the same as reading forward
    /// finds.
    fn record(&self, options: &JournalOptions, source: &Source) -> io::Result<Option<&'a [u8]>> {
        let mut line = self.line;
        if self.start == 0 && self.from == 0 {
            line = &line[byte_order_mark(options, line)..];
            if is_header(options, line) {
                return Ok(None);
            }
        }
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let chain = || match options.sealed {
            true => seal::chain_before(source, self.start),
            false => Ok(None),
        };
        if let Some(nul) = memchr::memrchr(0, line) {
            let rest = &line[nul + 1..];
            let record = behind_nuls(options, rest, chain()?);
            return Ok(record.map(|length| &rest[..length]));
        }
        if self.from > self.start {
            return Ok(None);
        }
        let record = match options.sealed.then(|| seal::split(line)).flatten() {
            None => line,
            Some((record, seal)) => {
                let good =
                    seal::is_good(record, seal, chain()?) || seal::is_good(record, seal, None);
                if !good {
                    return Ok(None);
                }
                record
            }
        };
        let skipped = is_blank(record) || record.len() as u64 > options.max_record;
        Ok((!skipped).then_some(record))
    }
}
