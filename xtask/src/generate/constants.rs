//! The words and numbers that options take and results name: spec/constants.toml.

use super::language::{Language, named};
use super::output::{Output, mark};
use super::prose::{hanging, in_c, kebab, lines, snake, upper};
use anyhow::{Result, ensure};
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    #[serde(rename = "enum")]
    pub enums: Vec<Enum>,
}

#[derive(PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Enum {
    pub name: String,
    core: String,
    c: String,
    meaning: String,
    /// What options take has one.
    thing: Option<String>,
    pub default: Option<String>,
    #[serde(default)]
    open: bool,
    #[serde(rename = "word")]
    pub words: Vec<Word>,
}

#[derive(PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Word {
    pub name: String,
    number: usize,
    meaning: String,
}

impl Enum {
    /// The constant in C.
    pub fn constant(&self, word: &Word) -> String {
        format!("UNTORN_{}_{}", self.c, upper(&word.name))
    }

    /// The module of the core that has it for a handle of the room `handle`.
    pub fn module(&self, handle: &str) -> String {
        let path = self.core.trim_start_matches("core/src/");
        match path.split(['/', '.']).next().unwrap_or(path) {
            room if room == handle => "super::words".into(),
            room => format!("crate::{room}"),
        }
    }

    /// The word, as every language spells it.
    pub fn word(&self, word: &Word) -> String {
        match self.thing {
            Some(_) => kebab(&word.name),
            None => snake(&word.name),
        }
    }

    /// The word that holds where the caller names none.
    pub fn default_word(&self) -> Option<&Word> {
        let default = self.default.as_ref()?;
        self.words.iter().find(|word| word.name == *default)
    }

    /// All words, each in these quotes, joined by `between`.
    pub fn joined(&self, quote: &str, between: &str) -> String {
        let words: Vec<_> = self.words.iter().map(|word| self.word(word)).collect();
        let quoted: Vec<_> = words.iter().map(|w| format!("{quote}{w}{quote}")).collect();
        quoted.join(between)
    }

    /// `"a", "b" or "c"`.
    fn choice(&self) -> String {
        let all = self.joined("\"", ", ");
        match all.rsplit_once(", ") {
            Some((first, last)) => format!("{first} or {last}"),
            None => all,
        }
    }

    fn by_number(&self) -> Vec<&Word> {
        let mut words: Vec<_> = self.words.iter().collect();
        words.sort_by_key(|word| word.number);
        words
    }

    fn check(&self) -> Result<()> {
        let first = self.by_number().first().map_or(0, |word| word.number);
        for (index, word) in self.by_number().iter().enumerate() {
            ensure!(
                word.number == first + index,
                "{}: a number is missing or used twice at {}",
                self.name,
                word.name
            );
        }
        ensure!(
            self.thing.is_some() == self.default_word().is_some(),
            "{}: what options take has a thing and a default",
            self.name
        );
        Ok(())
    }
}

pub fn outputs(table: &Table) -> Result<Vec<Output>> {
    let enums = &table.enums;
    enums.iter().try_for_each(Enum::check)?;
    let taken = || enums.iter().filter(|one| one.thing.is_some());
    let aliases: String = taken()
        .map(|one| {
            format!(
                "    _{}: TypeAlias = Literal[{}]\n",
                one.name,
                one.joined("\"", ", ")
            )
        })
        .collect();
    let types: String = taken().map(type_in_node).collect();
    let mut files: BTreeMap<&str, Vec<&Enum>> = BTreeMap::new();
    for one in enums {
        files.entry(&one.core).or_default().push(one);
    }
    let mut outputs = files
        .iter()
        .map(|(path, enums)| Output::rust(path, &core(enums)))
        .collect::<Result<Vec<_>>>()?;
    outputs.extend([
        Output::rust("ffi/src/words.rs", &ffi(enums))?,
        Output::between(
            "bindings/python/python/untorn/_options.py",
            "words",
            aliases,
        ),
        Output::between("bindings/node/index.d.ts", "words", types),
    ]);
    Ok(outputs)
}

fn core(enums: &[&Enum]) -> String {
    let bodies: String = enums.iter().map(|one| core_enum(one)).collect();
    let mark = mark("constants");
    format!(
        "// {mark}\n//! The words that options take and that results name.\n\n\
         use std::fmt;\nuse std::str::FromStr;\n\n{bodies}"
    )
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
    let meaning = lines("///", &one.meaning, 80);
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

fn ffi(enums: &[Enum]) -> String {
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
            let thing = thing.trim_start_matches("a ");
            let arms: String = one
                .by_number()
                .iter()
                .map(|word| format!("{} => Ok({name}::{}),\n", one.constant(word), word.name))
                .collect();
            format!(
                "/// Returns the {function} that C chose.\n\
                 pub(crate) fn {function}(number: i32, arguments: &Arguments<'_>) -> Result<{name}> {{\n\
                 match number {{\n{arms}\
                 _ => Err(arguments.refuse(format!(\"{{number}} is no {thing}\"))),\n}}\n}}\n\n"
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

fn type_in_node(one: &Enum) -> String {
    let words: String = one
        .words
        .iter()
        .map(|word| {
            let meaning = named(&word.meaning, Language::Node);
            let text = format!("`'{}'`: {meaning}", one.word(word));
            hanging(" * -", " *  ", &text, 100)
        })
        .collect();
    format!(
        "/**\n{} *\n{words} */\nexport type {} = {}\n\n",
        lines(" *", &one.meaning, 100),
        one.name,
        one.joined("'", " | ")
    )
}
