//! The documentation of an option, as each language writes it.

use super::super::constants::Word;
use super::super::language::{Language, named};
use super::super::prose::in_c;
use super::{Kind, Opt};

/// What it is, what the language adds, and what it is by default.
pub fn text(option: &Opt<'_>, language: Language) -> String {
    let note = option.note();
    let note = match language {
        Language::Rust => &note.rust,
        Language::C => &note.c,
        Language::Python => &note.python,
        Language::Node => &note.node,
        Language::Docs => &None,
    };
    let note = note.as_ref().map(|note| format!(" {note}"));
    let default = match language {
        Language::Docs => String::new(),
        _ => format!(" {}", default(option, language)),
    };
    let text = named(option.meaning(), language) + &note.unwrap_or_default() + &default;
    if language == Language::C {
        in_c(&text)
    } else {
        text
    }
}

fn default(option: &Opt<'_>, language: Language) -> String {
    use Language::{C, Docs, Node, Python, Rust};
    match (option.kind, language) {
        (Kind::Reserved, _) => "0.".into(),
        (Kind::Flag(yes), C) => format!("Not 0 means yes. Default: {}.", u8::from(yes)),
        (Kind::Flag(yes), _) => format!("Default: {}.", if yes { "yes" } else { "no" }),
        (Kind::Count(number), _) => format!("Default: {}.", readable(number)),
        (Kind::Limit, Rust) => "Default: no limit (`None`).".into(),
        (Kind::Limit, C) => "Default: UNTORN_NO_LIMIT.".into(),
        (Kind::Limit, Node) => "Default: no limit (`Infinity`).".into(),
        (Kind::Limit, _) => "Default: no limit.".into(),
        (Kind::Mode, C) => "Default: 0, which is 0666 less the umask.".into(),
        (Kind::Mode, _) => "Default: 0666 less the umask.".into(),
        (Kind::Timeout, Rust) => {
            "`None` (the default) waits without a limit, zero tries once.".into()
        }
        (Kind::Timeout, C) => {
            "In milliseconds. -1 (the default) waits without a limit, 0 tries once.".into()
        }
        (Kind::Timeout, Node) => {
            "In milliseconds; 0 tries once. Default: without a limit; blocking calls 5,000.".into()
        }
        (Kind::Timeout, _) => "In seconds; `None` waits without a limit, 0 tries once.".into(),
        (Kind::Age(seconds), Rust | Docs) => format!("Default: {seconds} s."),
        (Kind::Age(seconds), Python) => format!("In seconds; default: {seconds}."),
        (Kind::Age(seconds), C) => format!("In milliseconds; default: 0, which is {seconds},000."),
        (Kind::Age(seconds), Node) => format!("In milliseconds; default: {seconds},000."),
        (Kind::Data, C) => "Default: no bytes, and no header.".into(),
        (Kind::Data, _) => "Default: none.".into(),
        (Kind::Text(name), C) => format!("NULL (the default): {}.", name.unwrap_or("none")),
        (Kind::Text(Some(name)), _) => format!("Default: `{name}`."),
        (Kind::Text(None), _) => "Default: none.".into(),
        (Kind::Enum(_), _) => words(option, language),
    }
}

/// The words that it takes.
fn words(option: &Opt<'_>, language: Language) -> String {
    let Kind::Enum(one) = option.kind else {
        return String::new();
    };
    let spelled = |word: &Word| match language {
        Language::Rust => format!("[`{}::{}`]", one.name, word.name),
        Language::C => one.constant(word),
        Language::Node => format!("`'{}'`", one.word(word)),
        _ => format!("`\"{}\"`", one.word(word)),
    };
    let Some(default) = one.default_word() else {
        return String::new();
    };
    if language == Language::Rust || language == Language::Node {
        return format!("Default: {}.", spelled(default));
    }
    let others = one.words.iter().filter(|word| word.name != default.name);
    let mut all = vec![format!("{} (the default)", spelled(default))];
    all.extend(others.map(spelled));
    let last = all.pop().unwrap_or_default();
    format!("{} or {last}.", all.join(", "))
}

/// A number of bytes as one says it.
pub fn readable(number: u64) -> String {
    match number >> 20 {
        mebi if mebi > 0 && mebi << 20 == number => format!("{mebi} MiB"),
        _ => number.to_string(),
    }
}
