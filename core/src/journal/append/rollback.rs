//! Handles a write that did not take everything: it writes the rest, or takes all of it
//! back.

use std::io;

use crate::sys::File;

type Failed = (io::Error, io::Result<()>);

/// Marks a stretch that one write call put into the file.
struct Piece {
    start: u64,
    length: u64,
}

/// Continues after a first write of `first` bytes. A short write is no error: a full
/// disk or a signal causes it. If that fails, all of it is taken back. The second error
/// is the result of taking it back.
#[cold]
pub(crate) fn write_rest(file: &File, end: u64, lines: &[u8], first: usize) -> Result<(), Failed> {
    let mut pieces = Vec::new();
    let mut done = 0;
    let mut n = first;
    let error = loop {
        if n == 0 {
            break io::ErrorKind::WriteZero.into();
        }
        // An append leaves the descriptor's offset at its own end. That holds even if a
        // program that ignores the lock appended in between.
        let stop = file.offset().unwrap_or(end + (done + n) as u64);
        pieces.push(Piece {
            start: stop - n as u64,
            length: n as u64,
        });
        done += n;
        if done == lines.len() {
            return Ok(());
        }
        match file.append(&lines[done..]) {
            Ok(more) => n = more,
            Err(error) => break error,
        }
    };
    let undone = take_back(file, end, done as u64, &pieces);
    Err((error, undone))
}

/// Takes back what was written. If a foreign program appended meanwhile, its bytes must
/// stay. Ours are then overwritten with spaces, which read as blank lines.
fn take_back(file: &File, end: u64, written: u64, pieces: &[Piece]) -> io::Result<()> {
    // This is the last moment to look. docs/guarantees.md describes the window that
    // remains.
    if file.size()? == end + written {
        return file.set_len(end);
    }
    for piece in pieces {
        blank(file, piece)?;
    }
    Ok(())
}

fn blank(file: &File, piece: &Piece) -> io::Result<()> {
    let mut spaces = vec![b' '; 65_536];
    let mut at = piece.start;
    let stop = piece.start + piece.length;
    while at < stop {
        let n = usize::try_from(stop - at).map_or(spaces.len(), |left| left.min(spaces.len()));
        if at + n as u64 == stop {
            // The bytes after it begin a line of their own.
            spaces[n - 1] = b'\n';
        }
        file.overwrite_at(&spaces[..n], at)?;
        at += n as u64;
    }
    Ok(())
}
