//! Names within a text, spelled as each language does.

use super::prose::{camel, upper};

#[derive(Clone, Copy, PartialEq)]
pub enum Language {
    Rust,
    C,
    Python,
    Node,
    Docs,
}

/// Spells the names in braces: `{max_bytes}` is an option, `{Conflict}` a kind of error.
pub fn named(meaning: &str, language: Language) -> String {
    let mut made = String::new();
    let mut rest = meaning;
    while let Some((before, (name, after))) = rest
        .split_once('{')
        .and_then(|(before, within)| Some((before, within.split_once('}')?)))
    {
        made.push_str(before);
        made.push_str(&spelled(name, language));
        rest = after;
    }
    made + rest
}

/// An option's name, or that of a kind of error.
fn spelled(name: &str, language: Language) -> String {
    let is_error = name.starts_with(char::is_uppercase);
    match (language, is_error) {
        (Language::Node, true) => format!("{name}Error"),
        (Language::Python, true) => name.to_owned(),
        (Language::C, true) => format!("UNTORN_{}", upper(name)),
        (_, true) => upper(name),
        (Language::Node, false) => camel(name),
        (_, false) => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Language, named};

    #[test]
    fn each_language_has_its_own_names() {
        let spelled = |language| named("{max_bytes}: {NotFound}.", language);
        assert_eq!(spelled(Language::Rust), "max_bytes: NOT_FOUND.");
        assert_eq!(spelled(Language::C), "max_bytes: UNTORN_NOT_FOUND.");
        assert_eq!(spelled(Language::Python), "max_bytes: NotFound.");
        assert_eq!(spelled(Language::Node), "maxBytes: NotFoundError.");
    }
}
