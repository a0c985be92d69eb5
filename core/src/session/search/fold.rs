//! Finds the characters that differ in case only.

use std::collections::HashMap;

use crate::sys::PerProcess;

/// Returns one character for all that differ from each other in case only. It is
/// simple case folding, of one character to one (`ß` is not `ss`, `İ` not `i`).
/// Accents are kept, and so is the way in which they are written.
#[inline(always)]
pub(super) fn fold(letter: char) -> char {
    if letter.is_ascii() {
        letter.to_ascii_lowercase()
    } else {
        fold_beyond_ascii(letter)
    }
}

fn fold_beyond_ascii(letter: char) -> char {
    // First to upper case, so that both of `σς`, and `ſ` and `s`, meet.
    let upper = single(letter.to_uppercase()).unwrap_or(letter);
    single(upper.to_lowercase()).unwrap_or(upper)
}

fn single(mut letters: impl Iterator<Item = char>) -> Option<char> {
    let first = letters.next()?;
    letters.next().is_none().then_some(first)
}

/// Returns all characters that fold to the same one.
pub(super) fn variants(letter: char) -> Vec<char> {
    let folded = fold(letter);
    match folded {
        'i' => return vec!['i', 'I', '\u{131}'],
        'k' => return vec!['k', 'K', '\u{212a}'],
        's' => return vec!['s', 'S', '\u{17f}'],
        'a'..='z' => return vec![folded, folded.to_ascii_uppercase()],
        _ if folded.is_ascii() => return vec![folded],
        _ => {}
    }
    // Built once, in some milliseconds, as std maps only the other way.
    static FOLDED: PerProcess<HashMap<char, Vec<char>>> = PerProcess::new();
    let table = FOLDED.get(|| {
        let mut table: HashMap<char, Vec<char>> = HashMap::new();
        // No character after these has a case.
        for letter in '\u{80}'..'\u{1f000}' {
            let folded = fold(letter);
            if folded != letter {
                let all = table.entry(folded).or_insert_with(|| vec![folded]);
                all.push(letter);
            }
        }
        table
    });
    table.get(&folded).cloned().unwrap_or_else(|| vec![letter])
}

#[cfg(test)]
mod tests {
    use super::{fold, variants};

    #[test]
    fn every_character_is_among_the_variants_of_its_kind() {
        for letter in '\0'..=char::MAX {
            let folded = fold(letter);
            assert_eq!(fold(folded), folded, "{letter:?}");
            if folded != letter {
                assert!(variants(folded).contains(&letter), "{letter:?}");
            }
        }
        for letters in [
            "\u{e4}\u{c4}",
            "\u{3c3}\u{3c2}\u{3a3}",
            "\u{434}\u{414}",
            "kK\u{212a}",
        ] {
            let all: Vec<char> = letters.chars().collect();
            for letter in &all {
                let mut found = variants(*letter);
                found.sort_unstable();
                let mut expected = all.clone();
                expected.extend(found.iter().filter(|other| !all.contains(other)));
                expected.sort_unstable();
                assert_eq!(found, expected, "{letter:?}");
            }
        }
        assert_ne!(fold('\u{df}'), fold('s'));
        assert_ne!(fold('\u{e4}'), fold('a'));
    }
}
