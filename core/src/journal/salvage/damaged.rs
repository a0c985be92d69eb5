//! Takes one damaged line apart: records, and bytes that are set aside.

use std::io;

use super::values::{self, Part};
use crate::journal::options::{Format, JournalOptions};
use crate::journal::read::Source;
use crate::journal::seal;
use crate::torn::Cut;

/// A piece of a damaged line, in file order.
#[derive(Debug)]
pub(super) enum Piece {
    /// A whole record, with whether its own seal has vouched for it.
    Record { bytes: Vec<u8>, sealed: bool },
    /// Bytes that can't be read, and NULs after them.
    Aside(Cut),
}

/// Takes apart the line at `start..stop`, without its newline. `next` receives the
/// pieces. A line can be longer than memory: NULs are only counted.
pub(super) fn take_apart<E: From<io::Error>>(
    source: &Source,
    options: &JournalOptions,
    (start, stop): (u64, u64),
    mut next: impl FnMut(Piece) -> Result<(), E>,
) -> Result<(), E> {
    let mut at = start;
    while at < stop {
        let end = text_end(source, at, stop)?;
        let nuls_end = nuls_end(source, end, stop)?;
        let (first, last) = (at == start, nuls_end == stop && end == stop);
        let pieces = judge(source, options, (at, end), (first, last))?;
        let mut pieces = pieces.into_iter().peekable();
        let mut counted = nuls_end == end;
        while let Some(mut piece) = pieces.next() {
            if let Piece::Aside(cut) = &mut piece
                && pieces.peek().is_none()
            {
                cut.nuls = nuls_end - end;
                counted = true;
            }
            next(piece)?;
        }
        if !counted {
            next(Piece::Aside(Cut {
                offset: end,
                length: 0,
                nuls: nuls_end - end,
            }))?;
        }
        at = nuls_end;
    }
    Ok(())
}

/// Judges a text without NULs. `first`: it begins the line; `last`: it ends it.
fn judge(
    source: &Source,
    options: &JournalOptions,
    (start, stop): (u64, u64),
    (first, last): (bool, bool),
) -> io::Result<Vec<Piece>> {
    let all = || {
        vec![Piece::Aside(Cut {
            offset: start,
            length: stop - start,
            nuls: 0,
        })]
    };
    if start == stop {
        return Ok(Vec::new());
    }
    let longest = options.max_record.saturating_add(seal::LENGTH as u64 + 1);
    // Without JSON nothing shows which bytes are missing. A text between NULs may be a
    // part of a record whose ends are lost.
    if options.format != Format::Json || stop - start > longest || !(first || last) {
        return Ok(all());
    }
    let mut text = vec![0; usize::try_from(stop - start).unwrap_or(usize::MAX)];
    if source.read_full_at(&mut text, start)? < text.len() {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let (body, seal) = match options.sealed.then(|| seal::split(&text)).flatten() {
        Some((body, seal)) => (body, Some(seal)),
        None => (&text[..], None),
    };
    let parts = match first {
        true => values::parts(body, last),
        // The reader yields a record after NULs under the same condition.
        false => values::only_values(body).unwrap_or_default(),
    };
    let Some(seal) = seal else {
        return Ok(match parts.is_empty() {
            true => all(),
            false => parts
                .iter()
                .map(|part| piece(body, start, part, false))
                .collect(),
        });
    };
    // A seal vouches for the record before it alone.
    let vouched = match parts.last() {
        Some(Part::Value(range)) => seal::is_good(&body[range.clone()], seal, None),
        _ => false,
    };
    if !vouched {
        return Ok(all());
    }
    let last = parts.len() - 1;
    let pieces = parts.iter().enumerate();
    Ok(pieces
        .map(|(n, part)| piece(body, start, part, n == last))
        .collect())
}

fn piece(body: &[u8], start: u64, part: &Part, sealed: bool) -> Piece {
    match part {
        Part::Value(range) => Piece::Record {
            bytes: body[range.clone()].to_vec(),
            sealed,
        },
        Part::Rest(range) => Piece::Aside(Cut {
            offset: start + range.start as u64,
            length: range.len() as u64,
            nuls: 0,
        }),
    }
}

/// Returns where the text from `at` on ends: at a NUL, or at `stop`.
fn text_end(source: &Source, at: u64, stop: u64) -> io::Result<u64> {
    scan(source, at, stop, |piece| memchr::memchr(0, piece))
}

fn nuls_end(source: &Source, at: u64, stop: u64) -> io::Result<u64> {
    scan(source, at, stop, |piece| {
        piece.iter().position(|byte| *byte != 0)
    })
}

fn scan(
    source: &Source,
    mut at: u64,
    stop: u64,
    find: impl Fn(&[u8]) -> Option<usize>,
) -> io::Result<u64> {
    let mut piece = vec![0; 64 * 1024];
    while at < stop {
        let want = usize::try_from(stop - at).map_or(piece.len(), |left| left.min(piece.len()));
        let n = source.read_at(&mut piece[..want], at)?;
        if n == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if let Some(found) = find(&piece[..n]) {
            return Ok(at + found as u64);
        }
        at += n as u64;
    }
    Ok(stop)
}
