//! What a sentence must not do.

use super::text::{Kind, Sentence, Text};

/// As many words as a sentence of a page may have.
const LONGEST: usize = 30;

/// Words of our own that plain English has other words for.
const WORDS: [&str; 14] = [
    "anew",
    "whoever",
    "whosoever",
    "nobody",
    "somebody",
    "for ever",
    "not there",
    "told",
    "heir",
    "is to be",
    "are to be",
    "is not to",
    "let go",
    "lets go",
];

/// A clause without a head as the subject of a sentence. A question, or a clause
/// that is one with `is`, is none.
const HEADLESS: [&str; 5] = ["Who", "Whoever", "What", "Whatever", "Whose"];
const QUESTIONS: [&str; 4] = ["is", "are", "does", "do"];

pub struct Fault {
    pub line: usize,
    pub what: String,
}

pub fn of(text: &Text) -> Vec<Fault> {
    let mut faults = Vec::new();
    for sentence in &text.sentences {
        let mut add = |what| {
            faults.push(Fault {
                line: sentence.line,
                what,
            });
        };
        if let Some(word) = odd_word(&sentence.words) {
            add(format!("\"{word}\" in: {}", sentence.words));
        }
        if is_headless(&sentence.words) {
            add(format!("no subject first: {}", sentence.words));
        }
        if text.kind == Kind::Page && length(sentence) > LONGEST {
            add(format!("{} words: {}", length(sentence), sentence.words));
        }
    }
    faults
}

fn length(sentence: &Sentence) -> usize {
    sentence.words.split_whitespace().count()
}

fn odd_word(words: &str) -> Option<&'static str> {
    let letters = |c: char| if c.is_alphanumeric() { c } else { ' ' };
    let plain: String = words.to_lowercase().chars().map(letters).collect();
    let plain = plain.split_whitespace().collect::<Vec<_>>().join(" ");
    let plain = format!(" {plain} ");
    WORDS
        .into_iter()
        .find(|word| plain.contains(&format!(" {word} ")))
}

fn is_headless(words: &str) -> bool {
    let mut words = words.split_whitespace();
    let first = words.next().unwrap_or_default();
    let first = first.trim_matches(['*', '(']);
    let second = words.next().unwrap_or_default();
    HEADLESS.contains(&first) && !QUESTIONS.contains(&second)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(page: &str) -> Vec<String> {
        let found = of(&Text::of(Kind::Page, page));
        found.into_iter().map(|fault| fault.what).collect()
    }

    #[test]
    fn plain_sentences_pass() {
        assert!(faults("# Who\n\nIt appends one record. `told` is code.\n").is_empty());
        assert!(faults("Why does it wait?\n\n```text\nanew\n```\n").is_empty());
        assert!(faults("What is a journal? A file.\n").is_empty());
    }

    #[test]
    fn habits_are_found() {
        for page in [
            "The file is made anew.",
            "Whose lock it was\nis told by the line.",
            "It waits. Who gives up learns why.",
            "**What** fails is said.",
        ] {
            assert_eq!(
                faults(page).len(),
                1 + usize::from(page.contains("told")),
                "{page}"
            );
        }
        assert_eq!(faults(&"word ".repeat(31)).len(), 1);
        assert!(faults(&"word ".repeat(30)).is_empty());
    }

    #[test]
    fn comments_are_read_and_code_is_not() {
        let source = "/// Waits for ever.\nlet told = 1; // anew\n// anew\n";
        let found = of(&Text::of(Kind::Comments, source));
        assert_eq!(
            found.iter().map(|fault| fault.line).collect::<Vec<_>>(),
            [1, 3]
        );
    }
}
