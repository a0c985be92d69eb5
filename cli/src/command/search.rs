//! `untorn grep`: searches decoded records.

use std::collections::VecDeque;
use std::path::Path;

use serde::Serialize;
use untorn::Position;

use crate::args::{Grep, Handle};
use crate::exit::{FOUND, Result};
use crate::input::{Take, each, files};
use crate::output::{Output, Style, harmless};

#[derive(Serialize)]
struct Hit<'a> {
    path: &'a Path,
    position: String,
    snippet: &'a str,
    /// A neighbour of a match, printed because of -C.
    context: bool,
}

pub fn run(grep: &Grep, handle: &Handle, out: &mut Output) -> Result {
    let inputs = files(&grep.paths, Take::Journals, None, out)?;
    let mut search = Search {
        grep,
        needle: if grep.case_sensitive {
            grep.text.clone()
        } else {
            fold(&grep.text)
        },
        many: inputs.len() > 1,
        any: false,
    };
    each(&inputs, out, |input, out| {
        search.file(&input.path, handle, out)
    })?;
    Ok(if search.any { 0 } else { FOUND })
}

struct Search<'a> {
    grep: &'a Grep,
    needle: String,
    /// More than one file is searched, so each line names its file.
    many: bool,
    any: bool,
}

impl Search<'_> {
    fn file(&mut self, path: &Path, handle: &Handle, out: &mut Output) -> Result<()> {
        let grep = self.grep;
        let context = if grep.count { 0 } else { grep.context };
        let mut records = handle.journal(path, false, false)?.records()?;
        let mut hits = 0;
        // Neighbours before the next match, and how many after the last one are due.
        let (mut before, mut due) = (VecDeque::new(), 0);
        // Whether the next match is not next to what was printed last.
        let mut apart = true;
        while let Some(record) = records.next_record()? {
            let full = grep.max.is_some_and(|max| hits >= max);
            if full && due == 0 {
                break;
            }
            let text = decoded(record.bytes);
            let Some(found) = self.find(&text).filter(|_| !full) else {
                if due > 0 {
                    due -= 1;
                    self.print(path, record.start, &start(&text), true, out)?;
                } else if context > 0 {
                    before.push_back((record.start, start(&text)));
                    if before.len() > context {
                        before.pop_front();
                        apart = true;
                    }
                }
                continue;
            };
            hits += 1;
            let first = !std::mem::replace(&mut self.any, true);
            if grep.files_with_matches {
                if out.json {
                    out.object(&serde_json::json!({ "path": path }))?;
                } else {
                    out.line(harmless(&path.display().to_string()))?;
                }
                return Ok(());
            }
            if grep.count {
                continue;
            }
            if context > 0 && apart && !first && !out.json {
                out.line("--")?;
            }
            for (position, snippet) in before.drain(..) {
                self.print(path, position, &snippet, true, out)?;
            }
            let snippet = around(&text, found, self.needle.len());
            self.print(path, record.start, &snippet, false, out)?;
            (due, apart) = (context, false);
        }
        if grep.count && out.json {
            out.object(&serde_json::json!({ "path": path, "matches": hits }))?;
        } else if grep.count {
            out.line(format!("{}:{hits}", harmless(&path.display().to_string())))?;
        }
        Ok(())
    }

    fn find(&self, text: &str) -> Option<usize> {
        if self.grep.case_sensitive {
            text.find(&self.needle)
        } else {
            fold(text).find(&self.needle)
        }
    }

    /// Prints a match, or one of its neighbours. With -C, a mark tells them apart.
    fn print(
        &self,
        path: &Path,
        position: Position,
        snippet: &str,
        context: bool,
        out: &mut Output,
    ) -> Result<()> {
        if out.json {
            return Ok(out.object(&Hit {
                path,
                position: position.to_string(),
                snippet,
                context,
            })?);
        }
        let mark = match (self.grep.context, context) {
            (0, _) => "",
            (_, true) => "  ",
            (_, false) => "> ",
        };
        let name = if self.many {
            format!("{}@{}: ", path.display(), position.offset)
        } else {
            String::new()
        };
        let name = out.styled(Style::Name, &harmless(&name));
        Ok(out.line(format!("{mark}{name}{}", harmless(snippet)))?)
    }
}

/// Makes the search ignore case.
fn fold(text: &str) -> String {
    text.to_lowercase()
}

/// Replaces escapes by the characters for which they stand.
fn decoded(record: &[u8]) -> String {
    let text = String::from_utf8_lossy(record);
    if !text.contains('\\') {
        return text.into_owned();
    }
    let mut made = String::with_capacity(text.len());
    let mut rest = &*text;
    while let Some(at) = rest.find('\\') {
        made.push_str(&rest[..at]);
        let (meant, length) = escape(&rest[at..]);
        made.push(meant);
        rest = &rest[at + length..];
    }
    made + rest
}

/// Returns the character of an escape, and the escape's length.
fn escape(text: &str) -> (char, usize) {
    let unit = |text: &str| {
        text.get(2..6)
            .and_then(|digits| u32::from_str_radix(digits, 16).ok())
    };
    let Some(kind) = text[1..].chars().next() else {
        return ('\\', 1);
    };
    match kind {
        'n' => ('\n', 2),
        't' => ('\t', 2),
        'r' => ('\r', 2),
        'b' => ('\u{8}', 2),
        'f' => ('\u{c}', 2),
        'u' => match unit(text) {
            Some(high @ 0xd800..0xdc00) if text[6..].starts_with("\\u") => {
                let low = unit(&text[6..]).filter(|low| (0xdc00..0xe000).contains(low));
                let pair = low.and_then(|low| {
                    char::from_u32(0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00))
                });
                (
                    pair.unwrap_or(char::REPLACEMENT_CHARACTER),
                    if pair.is_some() { 12 } else { 6 },
                )
            }
            Some(unit) => (
                char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER),
                6,
            ),
            None => ('\\', 1),
        },
        other => (other, 1 + other.len_utf8()),
    }
}

/// Returns as much of a neighbour as is printed.
fn start(text: &str) -> String {
    text.chars().take(120).collect()
}

/// Returns up to 60 characters before and after. `found` is an offset in the
/// folded text. It equals that in the text, except after the few letters whose
/// case changes their length.
fn around(text: &str, found: usize, length: usize) -> String {
    let place = |at: usize| {
        (0..=at.min(text.len()))
            .rev()
            .find(|at| text.is_char_boundary(*at))
            .unwrap_or(0)
    };
    let (from, to) = (place(found), place(found + length));
    let before: String = text[..from]
        .chars()
        .rev()
        .take(60)
        .collect::<Vec<_>>()
        .into_iter()
        .rev()
        .collect();
    let after: String = text[to..].chars().take(60).collect();
    format!("{before}{}{after}", &text[from..to])
}

#[cfg(test)]
mod tests {
    use super::{around, decoded};

    #[test]
    fn escapes_mean_characters() {
        assert_eq!(decoded(br#"a\n\u00e9\ud83d\ude00\\\"\/b"#), "a\né😀\\\"/b");
        assert_eq!(decoded(br"\ud83d x \u12"), "\u{fffd} x \\u12");
    }

    #[test]
    fn snippets_keep_whole_characters() {
        assert_eq!(around("äöü", 1, 2), "äöü");
        assert_eq!(around("abc", 1, 1), "abc");
    }
}
