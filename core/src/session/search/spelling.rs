//! The ways to write a text in a record, and the filter that looks for them.

use super::fold::variants;
use aho_corasick::{AhoCorasick, MatchKind, packed};

/// The most ways in which one escape is looked for. An escape with more ways is
/// looked for by its first bytes.
const ESCAPES: usize = 4;

/// Returns each way to write these characters as they are.
pub(super) fn raw(letters: &[char]) -> Vec<Vec<u8>> {
    let mut ways = vec![Vec::new()];
    for letter in letters {
        let variants = variants(*letter);
        ways = ways
            .iter()
            .flat_map(|way: &Vec<u8>| {
                variants.iter().map(|letter| {
                    let mut longer = way.clone();
                    longer.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
                    longer
                })
            })
            .collect();
    }
    ways
}

/// Returns each way in which an escape of this character can begin.
pub(super) fn escapes(letter: char) -> Vec<Vec<u8>> {
    let short = match letter {
        '"' | '\\' | '/' => Some(letter as u8),
        '\u{8}' => Some(b'b'),
        '\u{c}' => Some(b'f'),
        '\n' => Some(b'n'),
        '\r' => Some(b'r'),
        '\t' => Some(b't'),
        _ => None,
    };
    let unit = letter.encode_utf16(&mut [0; 2])[0];
    let mut ways = vec![b"\\u".to_vec()];
    for digit in format!("{unit:04x}").bytes() {
        let cases = [digit, digit.to_ascii_uppercase()];
        let cases = &cases[..1 + usize::from(digit.is_ascii_alphabetic())];
        if ways.len() * cases.len() > ESCAPES {
            break;
        }
        ways = ways
            .iter()
            .flat_map(|way| cases.iter().map(|digit| [way, &[*digit][..]].concat()))
            .collect();
    }
    ways.extend(short.map(|short| vec![b'\\', short]));
    ways
}

pub(super) fn filter(literals: &[Vec<u8>]) -> Option<Filter> {
    let searcher = packed::Config::new()
        .match_kind(packed::MatchKind::LeftmostFirst)
        .builder()
        .extend(literals)
        .build();
    if let Some(searcher) = searcher {
        return Some(Filter::Packed(searcher));
    }
    AhoCorasick::builder()
        .match_kind(MatchKind::LeftmostFirst)
        .build(literals)
        .ok()
        .map(Filter::Automaton)
}

pub(super) enum Filter {
    /// Finds many short literals at once, with vector instructions.
    Packed(packed::Searcher),
    /// Used if the processor has no such instructions, or the literals are too
    /// many.
    Automaton(AhoCorasick),
}
