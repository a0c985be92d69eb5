//! Lays out the header's line: the first of the file, padded so that another header
//! fits in its place.

use std::io;

use crate::journal::options::JournalOptions;
use crate::journal::read::byte_order_mark;
use crate::sys::File;

/// Returns how long a header line may be, its newline included.
fn longest(options: &JournalOptions) -> usize {
    usize::try_from(options.max_record).map_or(usize::MAX, |most| most.saturating_add(1))
}

/// Returns the length that the line of a new header must have.
pub(crate) fn room(options: &JournalOptions, header: &[u8]) -> usize {
    let reserve = options.header_reserve.min(longest(options));
    reserve.max(header.len() + 1)
}

/// Returns the line of a header, padded to this length. The length must have room for
/// the header and the newline.
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

/// Returns the header in its line, without padding and newline.
pub(crate) fn text(line: &[u8]) -> &[u8] {
    let mut text = line.strip_suffix(b"\n").unwrap_or(line);
    // Usually there is much padding, and each stamp passes it.
    while let Some((rest, b"                ")) = text.split_last_chunk() {
        text = rest;
    }
    while let [rest @ .., b' '] = text {
        text = rest;
    }
    text
}

/// Returns whether this line, the first of the file, is a header.
#[inline]
pub(crate) fn is_header(options: &JournalOptions, line: &[u8]) -> bool {
    match &options.header_prefix {
        None => false,
        Some(prefix) => line.starts_with(prefix),
    }
}

/// Reads the header line with its newline. The line is empty if the journal has no
/// header.
pub(crate) fn read_line(file: &File, options: &JournalOptions) -> io::Result<Vec<u8>> {
    line_by(|buffer| file.read_full_at(buffer, 0), options)
}

pub(super) fn line_by(
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
            // The line is torn, or too long for a header.
            return Ok(Vec::new());
        }
        line.resize((n * 2).min(longest), 0);
    }
}
