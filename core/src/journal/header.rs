//! The header: the first line, where it begins with the prefix that the handle
//! was opened with. It is no record.

use std::io;

use super::JournalOptions;
use crate::fs::File;

/// How long a header line may be, its newline included.
fn longest(options: &JournalOptions) -> usize {
    usize::try_from(options.max_record).map_or(usize::MAX, |most| most.saturating_add(1))
}

/// Whether this line, the first of the file, is a header.
#[inline]
pub(super) fn is_header(options: &JournalOptions, line: &[u8]) -> bool {
    match &options.header_prefix {
        None => false,
        Some(prefix) => line.starts_with(prefix),
    }
}

/// The header line with its newline; empty if there is none.
pub(super) fn read_line(file: &File, options: &JournalOptions) -> io::Result<Vec<u8>> {
    let Some(prefix) = &options.header_prefix else {
        return Ok(Vec::new());
    };
    let longest = longest(options);
    let mut line = vec![0; options.header_reserve.max(prefix.len() + 1).min(longest)];
    loop {
        let n = file.read_full_at(&mut line, 0)?;
        if !line[..n].starts_with(prefix) {
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
