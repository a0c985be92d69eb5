//! Decides what a line of a journal is, for reading forward and backward.

use crate::journal::options::{Format, JournalOptions};
use crate::journal::record_policy::is_blank;
use crate::journal::repair::is_value;
use crate::journal::seal;

/// The mark that editors and Windows programs put before the first line of a UTF-8
/// text.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// Returns how many bytes before the text of the first line are a byte order mark.
#[inline]
pub(crate) fn byte_order_mark(options: &JournalOptions, first: &[u8]) -> usize {
    match options.format == Format::Json && first.starts_with(MARK) {
        true => MARK.len(),
        false => 0,
    }
}

/// Returns the same for a line that may have been the first of another file.
pub(crate) fn byte_order_mark_length(line: &[u8]) -> usize {
    match line.starts_with(MARK) {
        true => MARK.len(),
        false => 0,
    }
}

/// Returns the longest line that is kept, with its newline and its seal, in bytes.
pub(crate) fn longest(options: &JournalOptions) -> u64 {
    let seal = match options.sealed {
        true => seal::LENGTH as u64,
        false => 0,
    };
    options.max_record.saturating_add(1 + seal)
}

/// Returns the length of the whole record after the last NUL of a line, if one is
/// there. A power cut replaced earlier bytes with the NULs. Another program's append
/// after them has no newline of its own before it.
///
/// A bare number may be half a number. In format `lines` nothing shows whether the
/// beginning is missing.
pub(crate) fn behind_nuls(
    options: &JournalOptions,
    text: &[u8],
    chain: Option<u32>,
) -> Option<usize> {
    if options.format != Format::Json || is_blank(text) {
        return None;
    }
    let (record, sealed) = match options.sealed.then(|| seal::split(text)).flatten() {
        Some((record, seal)) => (record, Some(seal)),
        None => (text, None),
    };
    let good = sealed
        .is_none_or(|seal| seal::is_good(record, seal, chain) || seal::is_good(record, seal, None));
    let fits = record.len() as u64 <= options.max_record;
    (good && fits && is_value(record)).then_some(record.len())
}
