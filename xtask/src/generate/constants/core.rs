//! The enums of the core.

use super::super::language::{Language, named};
use super::super::output::mark;
use super::super::prose::lines;
use super::{Enum, Word};

pub fn file(enums: &[&Enum]) -> String {
    let bodies: String = enums.iter().map(|one| core_enum(one)).collect();
    let mark = mark("constants");
    let parsed = enums.iter().any(|one| one.thing.is_some());
    let uses = if parsed {
        "use std::fmt;\nuse std::str::FromStr;\n\n"
    } else {
        ""
    };
    format!("// {mark}\n//! The words that options take and that results name.\n\n{uses}{bodies}")
}

fn core_enum(one: &Enum) -> String {
    let Enum { name, .. } = one;
    let open = if one.open { "#[non_exhaustive]\n" } else { "" };
    let default = if one.default.is_some() {
        "Default, "
    } else {
        ""
    };
    let variants: String = one.words.iter().map(|word| variant(one, word)).collect();
    let arms: String = one
        .words
        .iter()
        .map(|word| format!("{name}::{} => {:?},\n", word.name, one.word(word)))
        .collect();
    let meaning = lines("///", &one.meaning, 80) + &example(one);
    let parse = one.thing.as_ref().map(|thing| parse(one, thing));
    format!(
        "{meaning}{open}#[derive(Clone, Copy, Debug, {default}PartialEq, Eq, Hash)]\n\
         pub enum {name} {{\n{variants}}}\n\n\
         impl {name} {{\n/// Returns the word, the same in every language: `{:?}`.\n\
         pub fn as_str(self) -> &'static str {{\nmatch self {{\n{arms}}}\n}}\n}}\n\n{}",
        one.word(&one.words[0]),
        parse.unwrap_or_default()
    )
}

fn variant(one: &Enum, word: &Word) -> String {
    let default = if one.default.as_ref() == Some(&word.name) {
        "#[default]\n"
    } else {
        ""
    };
    format!(
        "{}{default}{},\n",
        lines("///", &named(&word.meaning, Language::Rust), 76),
        word.name
    )
}

/// An example of a word: taken, or only named.
fn example(one: &Enum) -> String {
    let word = &one.words[0];
    let Enum { name, .. } = one;
    let (variant, text) = (&word.name, one.word(word));
    let line = match one.thing {
        Some(_) => format!("assert_eq!({text:?}.parse(), Ok(untorn::{name}::{variant}));"),
        None => format!("assert_eq!(untorn::{name}::{variant}.as_str(), {text:?});"),
    };
    format!("///\n/// ```\n/// {line}\n/// ```\n")
}

/// Of a word that a caller gives.
fn parse(one: &Enum, thing: &str) -> String {
    let Enum { name, .. } = one;
    let arms: String = one
        .words
        .iter()
        .map(|word| format!("{:?} => Ok({name}::{}),\n", one.word(word), word.name))
        .collect();
    let message = format!("{thing} must be {}, not {{word:?}}", one.choice());
    format!(
        "impl fmt::Display for {name} {{\n\
         fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {{\n\
         f.write_str(self.as_str())\n}}\n}}\n\n\
         impl FromStr for {name} {{\ntype Err = String;\n\n\
         fn from_str(word: &str) -> Result<Self, String> {{\nmatch word {{\n{arms}\
         _ => Err(format!({message:?})),\n}}\n}}\n}}\n\n"
    )
}
