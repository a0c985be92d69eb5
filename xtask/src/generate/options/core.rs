//! The structs of the core.

use super::super::language::Language;
use super::super::output::{Output, mark};
use super::super::prose::lines;
use super::text::text;
use super::{Kind, Opt, each, of};
use anyhow::Result;
use std::collections::BTreeSet;

pub fn outputs(options: &[Opt<'_>]) -> Result<Vec<Output>> {
    let journal = file(
        "journal",
        "JournalOptions",
        JOURNAL,
        &of(options, "journal"),
    );
    let document = file(
        "document",
        "DocumentOptions",
        DOCUMENT,
        &of(options, "document"),
    );
    Ok(vec![
        Output::rust("core/src/journal/option_fields.rs", &journal)?,
        Output::rust("core/src/document/option_fields.rs", &document)?,
    ])
}

const JOURNAL: &str = r#"/// How a journal is opened.
///
/// ```
/// use untorn::{Durability, Journal};
/// # let dir = tempfile::tempdir()?;
/// let journal = Journal::options()
///     .durability(Durability::Process)
///     .max_record(1 << 20)
///     .open(dir.path().join("session.jsonl"))?;
/// journal.append(b"{\"role\":\"user\"}")?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
"#;

const DOCUMENT: &str = r#"/// How a document is opened.
///
/// ```
/// use std::time::Duration;
/// use untorn::{Document, Durability};
/// # let dir = tempfile::tempdir()?;
/// let document = Document::options()
///     .durability(Durability::Process)
///     .timeout(Some(Duration::from_secs(5)))
///     .open(dir.path().join("session.json"))?;
/// document.save(b"{\"turns\":1}")?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
"#;

fn file(handle: &str, name: &str, doc: &str, options: &[&Opt<'_>]) -> String {
    let fields = each(options, field);
    let setters = each(options, |option| setter(option, name));
    let (derive, default) = if options.iter().any(|option| has_default(option)) {
        ("Clone, Debug", default(name, options))
    } else {
        ("Clone, Debug, Default", String::new())
    };
    let mark = mark("options");
    format!(
        "// {mark}\n//! The options, and how each is set.\n\n\
         {}\n\
         {doc}#[derive({derive})]\npub struct {name} {{\n{fields}\
         pub(super) choice: Choice,\npub(super) home: Option<Home>,\n}}\n\n\
         {default}impl {name} {{\n{setters}}}\n",
        imports(handle, options)
    )
}

fn imports(handle: &str, options: &[&Opt<'_>]) -> String {
    let words: BTreeSet<_> = options
        .iter()
        .filter_map(|option| match option.kind {
            Kind::Enum(one) => Some(format!("use {}::{};\n", one.module(handle), one.name)),
            _ => None,
        })
        .collect();
    let words: String = words.into_iter().collect();
    format!("use std::time::Duration;\n\nuse crate::oslock::{{Choice, Home}};\n{words}")
}

/// Its type as a field.
fn held(option: &Opt<'_>) -> String {
    let number = option.rust().unwrap_or("u64");
    match option.kind {
        Kind::Flag(_) => "bool".into(),
        Kind::Count(_) => number.into(),
        Kind::Limit => format!("Option<{number}>"),
        Kind::Mode => "Option<u32>".into(),
        Kind::Timeout => "Option<Duration>".into(),
        Kind::Age(_) => "Duration".into(),
        Kind::Data => "Option<Vec<u8>>".into(),
        Kind::Text(_) => "String".into(),
        Kind::Enum(one) => one.name.clone(),
        Kind::Reserved => String::new(),
    }
}

/// Whether Rust's own default is another one.
fn has_default(option: &Opt<'_>) -> bool {
    match option.kind {
        Kind::Flag(yes) => yes,
        Kind::Count(number) => number > 0,
        _ => false,
    }
}

fn field(option: &Opt<'_>) -> String {
    match option.kind {
        Kind::Reserved => String::new(),
        _ if option.is_choice() => String::new(),
        _ => format!("pub(crate) {}: {},\n", option.name(), held(option)),
    }
}

fn default(name: &str, options: &[&Opt<'_>]) -> String {
    let values = each(options, |option| {
        let value = match option.kind {
            _ if option.is_choice() => return String::new(),
            Kind::Reserved => return String::new(),
            Kind::Flag(yes) => yes.to_string(),
            Kind::Count(number) => number_in_rust(number),
            Kind::Enum(one) => format!("{}::default()", one.name),
            _ => "None".into(),
        };
        format!("{}: {value},\n", option.name())
    });
    format!(
        "impl Default for {name} {{\nfn default() -> {name} {{\n{name} {{\n{values}\
         choice: Choice::default(),\nhome: None,\n}}\n}}\n}}\n\n"
    )
}

/// As clippy wants a long one.
pub fn number_in_rust(number: u64) -> String {
    match number >> 20 {
        mebi if mebi > 0 && mebi << 20 == number => format!("{mebi} << 20"),
        _ => number.to_string(),
    }
}

fn setter(option: &Opt<'_>, of: &str) -> String {
    if option.kind == Kind::Reserved {
        return String::new();
    }
    let name = option.name();
    let (taken, value) = match option.kind {
        Kind::Data => ("impl Into<Vec<u8>>".into(), format!("Some({name}.into())")),
        Kind::Text(_) => ("impl Into<String>".into(), format!("{name}.into()")),
        _ => (held(option), name.to_owned()),
    };
    let within = if option.is_choice() { "choice." } else { "" };
    let doc = lines("///", &text(option, Language::Rust), 80);
    format!(
        "{doc}#[must_use]\npub fn {name}(mut self, {name}: {taken}) -> {of} {{\n\
         self.{within}{name} = {value};\nself\n}}\n\n"
    )
}
