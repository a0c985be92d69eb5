//! The words and numbers that options take and results name: spec/constants.toml.

mod c;
mod core;

use super::language::{Language, named};
use super::output::Output;
use super::prose::{hanging, kebab, lines, snake, upper};
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
    let types: String = enums
        .iter()
        .filter(|one| one.thing.is_some() || one.core.contains("/events/"))
        .map(type_in_node)
        .collect();
    let mut files: BTreeMap<&str, Vec<&Enum>> = BTreeMap::new();
    for one in enums {
        files.entry(&one.core).or_default().push(one);
    }
    let mut outputs = files
        .iter()
        .map(|(path, enums)| Output::rust(path, &core::file(enums)))
        .collect::<Result<Vec<_>>>()?;
    outputs.extend([
        Output::rust("ffi/src/words.rs", &c::file(enums))?,
        Output::between(
            "bindings/python/python/untorn/_options.py",
            "words",
            aliases,
        ),
        Output::between("bindings/node/types/words.d.ts", "words", types),
        Output::between("docs/events.md", "events", events(enums)),
    ]);
    Ok(outputs)
}

/// The table of docs/events.md.
fn events(enums: &[Enum]) -> String {
    let kinds = enums.iter().find(|one| one.name == "EventKind");
    let rows: String = kinds
        .iter()
        .flat_map(|one| one.words.iter().map(move |word| (one, word)))
        .map(|(one, word)| {
            let meaning = named(&word.meaning, Language::Docs);
            format!("| `{}` | {meaning} |\n", one.word(word))
        })
        .collect();
    format!("\n| kind | meaning |\n| --- | --- |\n{rows}\n")
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
