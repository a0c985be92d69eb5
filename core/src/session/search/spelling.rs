//! The ways to write a text in a record, and the filter that looks for them.

use super::fold::variants;
use aho_corasick::automaton::Automaton;
use aho_corasick::dfa::DFA;
use aho_corasick::{Input, MatchKind, packed};

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
    packed(literals).or_else(|| automaton(literals))
}

fn packed(literals: &[Vec<u8>]) -> Option<Filter> {
    packed::Config::new()
        .match_kind(packed::MatchKind::LeftmostFirst)
        .builder()
        .extend(literals)
        .build()
        .map(Filter::Packed)
}

fn automaton(literals: &[Vec<u8>]) -> Option<Filter> {
    DFA::builder()
        .match_kind(MatchKind::LeftmostFirst)
        .build(literals)
        .ok()
        .map(|automaton| Filter::Automaton(Box::new(automaton)))
}

pub(super) enum Filter {
    /// Finds many short literals at once, with vector instructions.
    Packed(packed::Searcher),
    /// Used if the processor has no such instructions, or the literals are too
    /// many. Named, as the crate's choice among three kinds has all of them in the
    /// library. It would be this one: the literals are fewer than a hundred.
    Automaton(Box<DFA>),
}

impl Filter {
    /// Returns where the first literal from `from` on begins, and which one it is.
    #[inline]
    pub fn find(&self, bytes: &[u8], from: usize) -> Option<(usize, usize)> {
        let found = match self {
            Filter::Packed(searcher) => searcher.find_in(bytes, (from..bytes.len()).into())?,
            Filter::Automaton(automaton) => {
                let input = Input::new(bytes).span(from..bytes.len());
                automaton.try_find(&input).ok()??
            }
        };
        Some((found.start(), found.pattern().as_usize()))
    }
}

#[cfg(test)]
mod tests {
    use super::{Filter, automaton, escapes, packed, raw};

    #[test]
    fn both_filters_find_the_same() {
        let mut literals = raw(&['k', '\u{e4}', 's', 'e']);
        literals.extend(escapes('\u{e4}'));
        let text = "a K\u{c4}se and k\\u00e4se, \\u00C4, kase, \u{212a}\u{e4}\u{17f}e".as_bytes();
        let all = |filter: Option<Filter>| {
            let filter = filter.unwrap();
            let places = (0..text.len()).map(|from| filter.find(text, from));
            places.collect::<Vec<_>>()
        };
        let by_automaton = all(automaton(&literals));
        assert!(by_automaton[0].is_some_and(|(at, _)| at == 2));
        if cfg!(any(target_arch = "x86_64", target_arch = "aarch64")) {
            assert_eq!(all(packed(&literals)), by_automaton);
        }
    }
}
