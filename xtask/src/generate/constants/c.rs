//! The numbers of C.

use super::super::language::{Language, named};
use super::super::output::mark;
use super::super::prose::{in_c, lines, snake, upper};
use super::{Enum, Word};

pub fn file(enums: &[Enum]) -> String {
    let bodies: String = enums.iter().map(ffi_enum).collect();
    let names: Vec<_> = enums.iter().map(|one| one.name.as_str()).collect();
    let (mark, names) = (mark("constants"), names.join(", "));
    format!(
        "// {mark}\n//! The numbers of what options take and results name.\n\n\
         use std::ffi::CStr;\n\nuse untorn::{{Result, {names}}};\n\n\
         use crate::argument::Arguments;\n\n{bodies}"
    )
}

fn ffi_enum(one: &Enum) -> String {
    let constants: String = one.by_number().iter().map(|w| constant(one, w)).collect();
    let Enum { name, .. } = one;
    let function = snake(name);
    let body = match &one.thing {
        Some(thing) => {
            // `a scheme` has its article; the name of an option is one of its values.
            let thing = match thing.trim_start_matches("a ") {
                option if option.contains('_') => format!("value of {option}"),
                thing => thing.to_owned(),
            };
            let arms: String = one
                .by_number()
                .iter()
                .map(|word| format!("{} => Ok({name}::{}),\n", one.constant(word), word.name))
                .collect();
            let words = one.by_number();
            let choice: Vec<_> = words
                .iter()
                .map(|word| format!("{} ({})", one.constant(word), word.number))
                .collect();
            let choice = choice.join(" or ");
            format!(
                "/// Returns the {function} that C chose.\n\
                 pub(crate) fn {function}(number: i32, arguments: &Arguments<'_>) -> Result<{name}> {{\n\
                 match number {{\n{arms}\
                 _ => Err(arguments.refuse(format!(\"{{number}} is not a {thing}: use {choice}\"))),\n}}\n}}\n\n"
            )
        }
        None => numbers(one, &function),
    };
    constants + &body
}

fn constant(one: &Enum, word: &Word) -> String {
    let default = if one.default.as_ref() == Some(&word.name) {
        " The default."
    } else {
        ""
    };
    let meaning = named(&word.meaning, Language::C);
    // The first says what they all are: C has no place for it.
    let lead = if one.by_number()[0] == word {
        format!("{} {}: ", one.meaning, one.word(word))
    } else {
        String::new()
    };
    let meaning = in_c(&format!("{lead}{meaning}{default}"));
    let text = lines("///", &meaning, 80);
    format!(
        "{text}pub const {}: i32 = {};\n",
        one.constant(word),
        word.number
    )
}

/// Of an enum that only results name.
fn numbers(one: &Enum, function: &str) -> String {
    let Enum { name, .. } = one;
    let words = one.by_number();
    let arms: String = words
        .iter()
        .map(|word| format!("{name}::{} => {},\n", word.name, one.constant(word)))
        .collect();
    let names: String = words
        .iter()
        .map(|word| format!("c{:?},\n", one.word(word)))
        .collect();
    format!(
        "/// Returns the number of a {function}; 0 for one that the header has no number for.\n\
         pub(crate) fn {function}(kind: {name}) -> i32 {{\nmatch kind {{\n{arms}_ => 0,\n}}\n}}\n\n\
         /// The names, from number {} on.\n\
         pub(crate) const {}_NAMES: [&CStr; {}] = [\n{names}];\n\n",
        words[0].number,
        upper(name),
        words.len()
    )
}
