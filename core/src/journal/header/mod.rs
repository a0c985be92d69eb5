//! The header: the first line, where it begins with the prefix that the handle
//! was opened with. It is no record.

pub(crate) mod stamp;

use std::io;
use std::path::Path;

use crate::error::{Error, ErrorKind, Result};
use crate::journal::Journal;
use crate::journal::append::Work;
use crate::journal::append::group_commit::commit;
use crate::journal::options::JournalOptions;
use crate::journal::read::Decided;
use crate::journal::read::Source;
use crate::journal::read::byte_order_mark;
use crate::journal::shared::Shared;
use crate::lock::Call;
use crate::lockfile::Identity;
use crate::position::Position;
use crate::recovery::{self, Pending, PendingStamp};
use crate::sys::File;

/// How often a reader looks again before it takes the writer of a stamp, which
/// is not done with it, for dead.
const TRIES: u32 = 1_000;

/// How long a header line may be, its newline included.
fn longest(options: &JournalOptions) -> usize {
    usize::try_from(options.max_record).map_or(usize::MAX, |most| most.saturating_add(1))
}

/// How long the line of a new header is to be.
pub(crate) fn room(options: &JournalOptions, header: &[u8]) -> usize {
    let reserve = options.header_reserve.min(longest(options));
    reserve.max(header.len() + 1)
}

/// The line of a header: padded to this length, which has room for it and the
/// newline.
pub(crate) fn pad(header: &[u8], length: usize) -> Vec<u8> {
    let mut line = Vec::new();
    pad_into(header, length, &mut line);
    line
}

pub(crate) fn pad_into(header: &[u8], length: usize, line: &mut Vec<u8>) {
    line.clear();
    line.reserve(length);
    line.extend_from_slice(header);
    line.resize(length - 1, b' ');
    line.push(b'\n');
}

/// The header in its line: without padding and newline.
pub(crate) fn text(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let stop = line.iter().rposition(|byte| *byte != b' ');
    &line[..stop.map_or(0, |stop| stop + 1)]
}

/// Whether this line, the first of the file, is a header.
#[inline]
pub(crate) fn is_header(options: &JournalOptions, line: &[u8]) -> bool {
    match &options.header_prefix {
        None => false,
        Some(prefix) => line.starts_with(prefix),
    }
}

/// The header line with its newline; empty if there is none.
pub(crate) fn read_line(file: &File, options: &JournalOptions) -> io::Result<Vec<u8>> {
    line_by(|buffer| file.read_full_at(buffer, 0), options)
}

/// The same for a reader, for whom a rewrite in place may be under way.
pub(crate) fn read_line_of(source: &Source, options: &JournalOptions) -> io::Result<Vec<u8>> {
    line_by(|buffer| source.read_full_at(buffer, 0), options)
}

fn line_by(
    read: impl Fn(&mut [u8]) -> io::Result<usize>,
    options: &JournalOptions,
) -> io::Result<Vec<u8>> {
    let Some(prefix) = &options.header_prefix else {
        return Ok(Vec::new());
    };
    let longest = longest(options);
    let mut line = vec![0; options.header_reserve.max(prefix.len() + 4).min(longest)];
    loop {
        let n = read(&mut line)?;
        let mark = byte_order_mark(options, &line[..n]);
        if !line[mark..n].starts_with(prefix) {
            return Ok(Vec::new());
        }
        if let Some(at) = memchr::memchr(b'\n', &line[..n]) {
            line.truncate(at + 1);
            return Ok(line);
        }
        if n < line.len() || n == longest {
            // Torn, or too long to be one.
            return Ok(Vec::new());
        }
        line.resize((n * 2).min(longest), 0);
    }
}

#[cold]
pub(crate) fn not_a_record(path: &Path) -> Error {
    Error::new(
        ErrorKind::InvalidRecord,
        "append",
        path,
        "a record that begins with header_prefix would be the header, if it became the first line of \
         a file: use set_header; nothing was appended",
    )
}

impl Journal {
    /// The header, without its padding; `None` if there is none. Takes no
    /// lock, and never sees half a stamp.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` if the handle was opened without `header_prefix`;
    /// `NOT_FOUND` without `create`, and failures of the system.
    pub fn header(&self) -> Result<Option<Vec<u8>>> {
        if !self.shared.options.has_headers() {
            return Err(Error::invalid_argument(
                "header",
                self.path(),
                "this handle knows no headers: open the journal with header_prefix",
            ));
        }
        read(&self.shared)
    }

    /// Changes the header, or gives the journal one. One that fits in the place
    /// of the old (see [`JournalOptions::header_reserve`]) is written there; else
    /// the whole journal is written anew.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` if the handle was opened without `header_prefix`;
    /// `INVALID_RECORD` if it does not begin with that, ends in a space or could not
    /// be a record; and as [`Journal::append`]: the header is as it was.
    pub fn set_header(&self, header: &[u8]) -> Result<()> {
        self.set_header_with(header, &Call::new())
    }

    /// [`Journal::set_header`], with a way to wait, to cancel, or to work under
    /// a lock that is held already.
    ///
    /// # Errors
    /// The same, and `CANCELLED`.
    pub fn set_header_with(&self, header: &[u8], call: &Call<'_>) -> Result<()> {
        self.shared.rules.check_header(header)?;
        let work = Work {
            lines: &[],
            records: 0,
            header: Some(header),
            at: None,
        };
        commit::append(&self.shared, &work, call).map(drop)
    }

    /// Changes the header and appends records in one step: both or neither,
    /// whenever a process dies, and with durability `power` across a power cut.
    /// (A reader that takes no lock may see the one before the other.)
    ///
    /// # Errors
    /// As [`Journal::set_header`] and [`Journal::append_all`].
    pub fn append_with_header<I>(&self, header: &[u8], records: I) -> Result<Position>
    where
        I: IntoIterator,
        I::Item: AsRef<[u8]>,
    {
        let batch = self.collect(records)?;
        self.shared.rules.check_header(header)?;
        let work = Work {
            header: Some(header),
            ..batch.work(None)
        };
        commit::append(&self.shared, &work, &Call::new())
    }
}

/// Reads until two reads agree, and neither fell into a stamp.
fn read(shared: &Shared) -> Result<Option<Vec<u8>>> {
    let told = |error| Error::os("header", &shared.path, error);
    let Some(source) = Source::open(shared, "header")? else {
        return Ok(None);
    };
    let identity = source.identity;
    let mut decided = Decided::default();
    let mut tries = 0;
    let line = loop {
        let first = read_line_of(&source, &shared.options).map_err(told)?;
        let size = source.size().map_err(told)?;
        // A line that is longer than the journal is none of its.
        let pending = pending(shared, identity).filter(|stamp| stamp.old.len() as u64 <= size);
        // It begins an append of many that is under way.
        if decided.limit(shared, &source, "header")? < first.len() as u64 {
            return Ok(None);
        }
        let second = read_line_of(&source, &shared.options).map_err(told)?;
        tries += 1;
        match pending {
            None if first == second => break first,
            Some(stamp) if first == second && (stamp.old.is(&first) || stamp.new.is(&first)) => {
                break first;
            }
            // Nobody is at it any more; the next locker settles it.
            Some(stamp) if tries >= TRIES => break stamp.old.to_short(),
            _ => std::thread::yield_now(),
        }
    };
    if !source.holds().map_err(told)? {
        return read(shared);
    }
    let Some(text) = line.strip_suffix(b"\n") else {
        return Ok(None);
    };
    let text = &text[byte_order_mark(&shared.options, text)..];
    Ok(Some(text.trim_ascii_end().to_vec()))
}

/// The stamp that is under way. A lock file that we may not read says nothing.
fn pending(shared: &Shared, identity: Identity) -> Option<PendingStamp> {
    let lock = File::open_believed(shared.lock.record_path(), &shared.path).ok()??;
    match recovery::look_at_pending(&lock) {
        Ok(Some(Pending::Stamp(stamp))) if stamp.of == identity => Some(stamp),
        _ => None,
    }
}
