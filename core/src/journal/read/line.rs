//! What a line of a journal is, to whoever reads forward or backward.

use crate::journal::options::{Format, JournalOptions};
use crate::journal::repair::is_value;
use crate::journal::rules::is_blank;
use crate::journal::seal;

/// What editors and Windows programs put before the first line of a text in
/// UTF-8.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// How many bytes before the text of the first line are none of it.
#[inline]
pub(crate) fn byte_order_mark(options: &JournalOptions, first: &[u8]) -> usize {
    match options.format == Format::Json && first.starts_with(MARK) {
        true => MARK.len(),
        false => 0,
    }
}

/// How long a line may be that is kept, with its newline and its seal.
pub(crate) fn longest(options: &JournalOptions) -> u64 {
    let seal = match options.sealed {
        true => seal::LENGTH as u64,
        false => 0,
    };
    options.max_record.saturating_add(1 + seal)
}

/// The whole record in what lies behind the last NUL of a line, if it is one:
/// its length. A power cut left the NULs where something else was; what another
/// program appended behind them has no newline of its own before it.
///
/// A bare number may be half of one. In format `lines` nobody can tell whether
/// the beginning is missing.
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
