//! The sentences of a page, or of the comments of a source file.

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Page,
    Comments,
}

pub struct Text {
    pub kind: Kind,
    pub sentences: Vec<Sentence>,
}

pub struct Sentence {
    /// Where it begins, from 1.
    pub line: usize,
    /// With `X` for code and for what a link points to.
    pub words: String,
}

impl Text {
    pub fn of(kind: Kind, content: &str) -> Text {
        let mut sentences = Vec::new();
        let mut paragraph = Vec::new();
        let mut code = false;
        for (n, line) in content.lines().enumerate() {
            let prose = match kind {
                Kind::Page => Some(line.trim()),
                Kind::Comments => comment(line),
            };
            let fence = prose.is_some_and(|prose| prose.starts_with("```"));
            code ^= fence;
            match prose {
                Some(prose) if !code && !fence && is_sentence(prose) => {
                    // An item of a list is a paragraph.
                    if prose.starts_with("- ") {
                        flush(&mut paragraph, &mut sentences);
                    }
                    paragraph.push((n + 1, prose));
                }
                _ => flush(&mut paragraph, &mut sentences),
            }
        }
        flush(&mut paragraph, &mut sentences);
        Text { kind, sentences }
    }
}

/// What a comment says, if the line is one.
fn comment(line: &str) -> Option<&str> {
    let line = line.trim();
    let marks = ["///", "//!", "//", "/**", "*/", "* ", "*"];
    let rest = marks.iter().find_map(|mark| line.strip_prefix(mark))?;
    Some(rest.trim())
}

/// Tables and headings are none.
fn is_sentence(line: &str) -> bool {
    !(line.is_empty() || line.starts_with('|') || line.starts_with('#'))
}

fn flush(paragraph: &mut Vec<(usize, &str)>, sentences: &mut Vec<Sentence>) {
    let mut code = false;
    let mut words = String::new();
    let mut begins = None;
    for (line, text) in paragraph.drain(..) {
        for word in text.trim_start_matches("- ").split_whitespace() {
            let plain = without_code(word, &mut code);
            if plain.is_empty() {
                continue;
            }
            begins.get_or_insert(line);
            words.push_str(&plain);
            words.push(' ');
            if plain
                .trim_end_matches([')', '*', '"'])
                .ends_with(['.', '!', '?'])
            {
                sentences.extend(begins.take().map(|line| Sentence {
                    line,
                    words: std::mem::take(&mut words),
                }));
            }
        }
    }
    sentences.extend(begins.map(|line| Sentence { line, words }));
}

/// The word with `X` in the place of code between backquotes, which may begin in
/// one word and end in another.
fn without_code(word: &str, code: &mut bool) -> String {
    let mut plain = String::new();
    for (n, part) in word.split('`').enumerate() {
        if n > 0 {
            *code = !*code;
            if *code {
                plain.push('X');
            }
        }
        if !*code {
            plain.push_str(part);
        }
    }
    plain
}
