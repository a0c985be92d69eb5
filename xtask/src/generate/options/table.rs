//! The table as it stands in the file, and what its entries mean.

use crate::generate::constants::{self, Enum};
use anyhow::{Context, Result, bail};
use serde::Deserialize;
use toml::Value;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    #[serde(rename = "option")]
    entries: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    of: Vec<String>,
    #[serde(default)]
    through: Vec<String>,
    #[serde(rename = "type")]
    kind: String,
    rust: Option<String>,
    default: Option<Value>,
    #[serde(default)]
    meaning: String,
    #[serde(default)]
    note: Note,
    #[serde(default)]
    choice: bool,
    case: Option<String>,
}

/// What one language adds to the meaning.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Note {
    pub rust: Option<String>,
    pub c: Option<String>,
    pub python: Option<String>,
    pub node: Option<String>,
}

/// What an option takes, and what it is where the caller says nothing.
#[derive(Clone, Copy, PartialEq)]
pub enum Kind<'a> {
    Flag(bool),
    Count(u64),
    Limit,
    Mode,
    Timeout,
    /// Seconds.
    Age(u64),
    Data,
    Text(Option<&'a str>),
    Enum(&'a Enum),
    /// Room in a struct of C, and nothing elsewhere.
    Reserved,
}

pub struct Opt<'a> {
    entry: &'a Entry,
    pub kind: Kind<'a>,
}

impl Table {
    pub fn resolve<'a>(&'a self, constants: &'a constants::Table) -> Result<Vec<Opt<'a>>> {
        let resolved = |entry: &'a Entry| {
            let kind = kind(entry, constants).with_context(|| format!("option {}", entry.name))?;
            Ok(Opt { entry, kind })
        };
        self.entries.iter().map(resolved).collect()
    }
}

fn kind<'a>(entry: &'a Entry, constants: &'a constants::Table) -> Result<Kind<'a>> {
    let number = || {
        let number = entry.default.as_ref().and_then(Value::as_integer);
        let number = number.context("the default is missing, or no number")?;
        Ok::<_, anyhow::Error>(u64::try_from(number)?)
    };
    Ok(match entry.kind.as_str() {
        "flag" => Kind::Flag(entry.default == Some(Value::Boolean(true))),
        "count" => Kind::Count(number()?),
        "limit" => Kind::Limit,
        "mode" => Kind::Mode,
        "timeout" => Kind::Timeout,
        "age" => Kind::Age(number()?),
        "data" => Kind::Data,
        "text" => Kind::Text(entry.default.as_ref().and_then(Value::as_str)),
        "reserved" => Kind::Reserved,
        name => match constants.enums.iter().find(|one| one.name == name) {
            Some(one) if one.default.is_some() => Kind::Enum(one),
            _ => bail!("no such type: {name}"),
        },
    })
}

impl Opt<'_> {
    pub fn name(&self) -> &str {
        &self.entry.name
    }

    /// Its name in the cases of conformance/.
    pub fn case(&self) -> &str {
        self.entry.case.as_deref().unwrap_or(self.name())
    }

    pub fn meaning(&self) -> &str {
        &self.entry.meaning
    }

    pub fn note(&self) -> &Note {
        &self.entry.note
    }

    /// Another type in Rust than is usual for its kind.
    pub fn rust(&self) -> Option<&str> {
        self.entry.rust.as_deref()
    }

    /// Whether it is one of the three that say which lock is taken.
    pub fn is_choice(&self) -> bool {
        self.entry.choice
    }

    pub fn is_of(&self, handle: &str) -> bool {
        self.entry.of.iter().any(|of| of == handle)
    }

    /// Whether the handle takes it, if only to hand it on to its journals.
    pub fn is_taken_by(&self, handle: &str) -> bool {
        self.is_of(handle) || self.entry.through.iter().any(|through| through == handle)
    }
}
