//! The text that is searched for.
//!
//! A filter finds a few rare characters of it at memory speed, in every way in
//! which they can be written: any case, raw or escaped. Around each finding the
//! text is decoded and compared.

use std::collections::BTreeMap;

use super::fold::{fold, variants};
use super::spelling::{Filter, escapes, filter, raw};
use super::text::{LONGEST, Letter, Text};

/// How many characters the filter looks for.
const WINDOW: usize = 4;
/// The filter's characters are among this many first ones of the text.
const RARE_WITHIN: usize = 1 << 10;
/// How many characters are compared before a closer look.
const LOOK: usize = 16;
/// After how many bytes of a record `step` is called.
const ASK_AFTER: usize = 1 << 16;
/// The most raw ways to write the filter's characters.
const WAYS: usize = 16;
pub(super) struct Needle {
    folded: Vec<char>,
    /// For each prefix, the length of its longest proper prefix that is a suffix
    /// too (Knuth, Morris and Pratt). So no character is looked at twice.
    back: Vec<usize>,
    json: bool,
    /// How many bytes before the filter's finding the match can begin.
    before: usize,
    filter: Filter,
    /// For each literal, the places in the needle that it may begin with.
    begins: Vec<Vec<usize>>,
}

impl Needle {
    /// Returns `None` if the text is empty.
    pub fn new(text: &str, json: bool) -> Option<Needle> {
        let folded: Vec<char> = text.chars().map(fold).collect();
        if folded.is_empty() {
            return None;
        }
        let (start, end) = window(&folded);
        let mut ways: BTreeMap<Vec<u8>, Vec<usize>> = BTreeMap::new();
        for literal in raw(&folded[start..end]) {
            ways.entry(literal).or_default().push(start);
        }
        if json {
            for (place, letter) in folded.iter().enumerate().take(end).skip(start) {
                for letter in variants(*letter) {
                    for literal in escapes(letter) {
                        ways.entry(literal).or_default().push(place);
                    }
                }
            }
        }
        let (literals, begins): (Vec<_>, Vec<_>) = ways.into_iter().unzip();
        Some(Needle {
            back: back(&folded),
            before: end * LONGEST,
            filter: filter(&literals)?,
            begins,
            folded,
            json,
        })
    }

    /// Returns the first match in a record: its start and end, in bytes. `step`
    /// is called now and then, and its error ends the search.
    ///
    /// The work is in proportion to the record, for any text. A finding of the
    /// filter is compared with a few characters, and then with all of them in one
    /// pass. The pass goes over no part of the record twice.
    #[inline]
    pub fn find<E>(
        &self,
        record: &[u8],
        step: &mut impl FnMut() -> Result<(), E>,
    ) -> Result<Option<(usize, usize)>, E> {
        // No match begins before `done`.
        let (mut from, mut done, mut asked) = (0, 0, 0);
        while let Some((at, literal)) = self.candidate(record, from) {
            from = at + 1;
            if at >= asked + ASK_AFTER {
                step()?;
                asked = at;
            }
            if self.may_be(record, at, literal) {
                match self.compare(record, at, done, step)? {
                    Compared::Found(start, end) => return Ok(Some((start, end))),
                    Compared::None(next) => {
                        done = next;
                        from = from.max(next);
                    }
                }
            }
        }
        Ok(None)
    }

    /// Returns whether a match may be anywhere in these bytes. They may be many records.
    pub fn may_be_in(&self, bytes: &[u8]) -> bool {
        self.candidate(bytes, 0).is_some()
    }

    #[inline]
    fn candidate(&self, record: &[u8], from: usize) -> Option<(usize, usize)> {
        self.filter.find(record, from)
    }

    /// Returns whether the needle's next characters follow, if a character begins
    /// here. The filter does not know that: its finding may begin within an
    /// escape.
    #[inline]
    fn may_be(&self, record: &[u8], at: usize, literal: usize) -> bool {
        self.begins[literal].iter().any(|place| {
            let mut text = Text::at(record, at, self.json);
            self.folded[*place..]
                .iter()
                .take(LOOK)
                .all(|letter| text.next().is_some_and(|next| fold(next.letter) == *letter))
        })
    }

    /// Returns whether the needle is around this place, or begins a match that
    /// goes on after it. No match begins before `done`, where a character begins.
    fn compare<E>(
        &self,
        record: &[u8],
        at: usize,
        done: usize,
        step: &mut impl FnMut() -> Result<(), E>,
    ) -> Result<Compared, E> {
        let from = at.saturating_sub(self.before);
        let text = match from > done {
            true => Text::from(record, from, self.json),
            false => Text::at(record, done, self.json),
        };
        let mut starts = std::collections::VecDeque::new();
        let (mut same, mut asked) = (0, at);
        for Letter { letter, start, end } in text {
            if start > at && same == 0 {
                return Ok(Compared::None(start));
            }
            if start >= asked + ASK_AFTER {
                step()?;
                asked = start;
            }
            if starts.len() == self.folded.len() {
                starts.pop_front();
            }
            starts.push_back(start);
            let letter = fold(letter);
            while same > 0 && self.folded[same] != letter {
                same = self.back[same - 1];
            }
            if self.folded[same] == letter {
                same += 1;
            }
            if same == self.folded.len() {
                let start = starts.front().copied().unwrap_or(start);
                return Ok(Compared::Found(start, end));
            }
        }
        Ok(Compared::None(record.len()))
    }
}

/// The result of a comparison.
enum Compared {
    Found(usize, usize),
    /// No match begins before this place.
    None(usize),
}

fn back(folded: &[char]) -> Vec<usize> {
    let mut back = vec![0; folded.len()];
    let mut same = 0;
    for at in 1..folded.len() {
        while same > 0 && folded[same] != folded[at] {
            same = back[same - 1];
        }
        same += usize::from(folded[same] == folded[at]);
        back[at] = same;
    }
    back
}

/// Returns the range of characters that are the least likely to be found by
/// chance.
fn window(folded: &[char]) -> (usize, usize) {
    let mut best = (0, 1);
    let mut rarest = f64::INFINITY;
    for start in 0..folded.len().min(RARE_WITHIN) {
        let (mut ways, mut chance) = (1, 1.0);
        for (end, letter) in folded.iter().enumerate().skip(start).take(WINDOW) {
            let all = variants(*letter);
            ways *= all.len();
            if ways > WAYS && end > start {
                break;
            }
            chance *= frequency(*letter);
            if chance < rarest {
                rarest = chance;
                best = (start, end + 1);
            }
        }
    }
    best
}

/// Returns how often a character occurs in text and JSON, roughly.
fn frequency(letter: char) -> f64 {
    const OFTEN: &str = " e\"taoinsrhl,:dcumfpg";
    match OFTEN.find(letter) {
        Some(rank) => 0.12 - 0.005 * rank as f64,
        None if letter.is_ascii() => 0.01,
        None => 0.002,
    }
}

#[cfg(test)]
mod tests {
    use super::{Needle, fold};
    use proptest::prelude::*;

    fn find(needle: &str, record: &str) -> Option<(usize, usize)> {
        place(&Needle::new(needle, true).unwrap(), record.as_bytes())
    }

    fn place(needle: &Needle, record: &[u8]) -> Option<(usize, usize)> {
        let found = needle.find(record, &mut || Ok::<(), std::convert::Infallible>(()));
        found.unwrap_or_else(|never| match never {})
    }

    #[test]
    fn what_is_found() {
        for (needle, record, found) in [
            ("hello", r#"{"t":"Say HELLO"}"#, "HELLO"),
            ("K\u{e4}se", r#"{"t":"k\u00C4SE"}"#, r"k\u00C4SE"),
            ("k\u{e4}se", "[\"K\u{c4}SE\"]", "K\u{c4}SE"),
            ("a\nb", r#"["xA\nB"]"#, r"A\nB"),
            ("say \"hi\"", r#"["SAY \"Hi\""]"#, r#"SAY \"Hi\""#),
            ("\\u0041", r#"["\\u0041"]"#, r"\\u0041"),
            ("\u{1f980}!", r#"["\ud83e\udd80!"]"#, r"\ud83e\udd80!"),
            ("\u{4f60}\u{597d}", r#"["\u4f60\u597D"]"#, r"\u4f60\u597D"),
            ("a/b", r#"["A\/b"]"#, r"A\/b"),
            ("<b>", r#"["\u003cb\u003e"]"#, r"\u003cb\u003e"),
            ("role\":\"user", r#"{"role":"user"}"#, r#"role":"user"#),
            ("aab", r#"["aaab"]"#, "aab"),
            ("skis", "[\"\u{17f}\u{212a}iS\"]", "\u{17f}\u{212a}iS"),
            ("x", "X", "X"),
        ] {
            let place = find(needle, record).unwrap_or_else(|| panic!("{needle:?} in {record}"));
            assert_eq!(&record[place.0..place.1], found);
        }
        for (needle, record) in [
            ("A", r#"["\\u0041"]"#),
            ("n", r#"["\n"]"#),
            ("u00e4", r#"["\u00e4"]"#),
            ("strasse", "[\"Stra\u{df}e\"]"),
            ("a", "[\"\u{e4}\"]"),
            ("\u{e4}", "[\"a\u{308}\"]"),
            ("hello", r#"["hell","o"]"#),
        ] {
            assert_eq!(find(needle, record), None, "{needle:?} in {record}");
        }
        assert!(Needle::new("", true).is_none());
        let lines = Needle::new("\\n", false).unwrap();
        assert_eq!(place(&lines, br"a\Nb"), Some((1, 3)));
    }

    /// Searches texts that begin, again and again, with the needle. The work is
    /// in proportion to the record, and the search can be ended within it.
    #[test]
    fn the_work_is_linear_and_can_be_ended() {
        let record = "x".repeat(1 << 18);
        for (needle, found) in [
            ("x".repeat(20_000) + "q", None),
            ("q".to_owned() + &"x".repeat(20_000), None),
            ("x".repeat(15) + "q", None),
            ("xxxxxxxxy".repeat(3000), None),
            ("x".repeat(20_000), Some((0, 20_000))),
        ] {
            let needle = Needle::new(&needle, true).unwrap();
            let mut asked = 0_usize;
            let step = &mut || -> Result<(), ()> {
                asked += 1;
                Ok(())
            };
            assert_eq!(needle.find(record.as_bytes(), step), Ok(found));
            // Once for the filter, and once for the comparison.
            assert!(
                asked <= 2 * (record.len() / super::ASK_AFTER) + 1,
                "{asked}"
            );
            if found.is_none() && asked >= 3 {
                let mut left = 3;
                let step = &mut || {
                    left -= 1;
                    if left == 0 { Err("ended") } else { Ok(()) }
                };
                assert_eq!(needle.find(record.as_bytes(), step), Err("ended"));
            }
        }
        // The first comparison found it, whatever came before.
        let mixed = "xy".repeat(4000) + &"x".repeat(100) + "q" + &"xy".repeat(4000);
        let needle = "x".repeat(100) + "q";
        assert_eq!(find(&needle, &mixed), Some((8000, 8101)));
    }

    /// The simplest possible search, on the text that a JSON parser returns.
    fn plainly(needle: &str, text: &str) -> bool {
        let fold = |text: &str| text.chars().map(fold).collect::<String>();
        fold(text).contains(&fold(needle))
    }

    proptest! {
        /// Long ones, which repeat themselves.
        #[test]
        fn the_same_as_a_plain_search_among_repetitions(
            text in "(x|y|xx|\u{e4}){0,60}",
            needle in "(x|y|\u{c4}){1,24}",
        ) {
            let found = find(&needle, &text).map(|(start, end)| &text[start..end]);
            prop_assert_eq!(found.is_some(), plainly(&needle, &text));
            prop_assert!(found.is_none_or(|found| plainly(&needle, found)));
            let simple = text.to_lowercase().find(&needle.to_lowercase());
            prop_assert_eq!(find(&needle, &text).map(|(start, _)| start), simple);
        }

        #[test]
        fn the_same_as_a_plain_search(
            text in "[abAB \"\\\\\n\u{e4}\u{c4}\u{1f980}k\u{212a}/]{0,40}",
            needle in "[abAB \"\\\\\n\u{e4}\u{c4}\u{1f980}k\u{212a}/]{1,5}",
            ascii in any::<bool>(),
            upper in any::<bool>(),
        ) {
            let mut json = serde_json::to_string(&text).unwrap();
            json = json[1..json.len() - 1].to_owned();
            if ascii {
                let units = json.encode_utf16();
                json = units.map(|unit| match u8::try_from(unit) {
                    Ok(byte) if byte < 0x80 => char::from(byte).to_string(),
                    _ if upper => format!("\\u{unit:04X}"),
                    _ => format!("\\u{unit:04x}"),
                }).collect();
            }
            let found = find(&needle, &json);
            prop_assert_eq!(found.is_some(), plainly(&needle, &text), "{}", json);
            if let Some((start, end)) = found {
                let read = |part: &str| -> String {
                    serde_json::from_str(&format!("\"{part}\"")).unwrap()
                };
                let matched = read(&json[start..end]);
                prop_assert!(plainly(&needle, &matched) && plainly(&matched, &needle));
                let before = read(&json[..start]);
                prop_assert!(!plainly(&needle, &before));
            }
        }
    }
}
