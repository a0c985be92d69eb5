//! The signatures of Python, and what the extension makes of what they give.

use super::super::language::Language;
use super::super::output::{Output, mark};
use super::super::prose::hanging;
use super::core::number_in_rust;
use super::text::text;
use super::{Kind, Opt, each, of};
use anyhow::Result;

/// Whose signature is where, and what its parts are called.
const SIGNATURES: [(&str, &str, &str, &str); 4] = [
    ("journal", "_journal.py", "parameters", "options"),
    ("document", "_document.py", "parameters", "options"),
    ("transaction", "_transaction.py", "parameters", "options"),
    ("store", "_store.py", "parameters", "options"),
];

pub fn outputs(options: &[Opt<'_>]) -> Result<Vec<Output>> {
    let mut outputs = vec![Output::rust(
        "bindings/python/src/option_arms.rs",
        &arms(options),
    )?];
    for (handle, file, parameters, given) in SIGNATURES {
        let path = format!("bindings/python/python/untorn/{file}");
        let options = taken(options, handle);
        outputs.push(Output::between(
            &path,
            parameters,
            each(&options, parameter),
        ));
        outputs.push(Output::between(&path, given, each(&options, item)));
    }
    for handle in ["journal", "document"] {
        let path = format!("bindings/python/python/untorn/_{handle}.py");
        let bullets = each(&of(options, handle), bullet);
        outputs.push(Output::between_lines(
            &path,
            "    Options:",
            "    - `dumps`",
            bullets,
        ));
    }
    for handle in ["lock", "document", "journal", "transaction", "store"] {
        let name = format!("{handle} options");
        let keys = each(&taken(options, handle), key);
        outputs.push(Output::between(
            "bindings/python/python/untorn/_options.py",
            &name,
            keys,
        ));
    }
    Ok(outputs)
}

/// What the flat signature of a handle has.
fn taken<'o, 'a>(options: &'o [Opt<'a>], handle: &str) -> Vec<&'o Opt<'a>> {
    let is_taken = |option: &&Opt<'_>| option.is_taken_by(handle) && option.kind != Kind::Reserved;
    options.iter().filter(is_taken).collect()
}

fn annotation(option: &Opt<'_>) -> String {
    match option.kind {
        Kind::Flag(_) => "bool".into(),
        Kind::Count(_) => "int".into(),
        Kind::Limit | Kind::Mode => "int | None".into(),
        Kind::Timeout => "float | None".into(),
        Kind::Age(_) => "float".into(),
        Kind::Data => "bytes | str | None".into(),
        Kind::Text(Some(_)) => "str".into(),
        Kind::Text(None) => "str | None".into(),
        Kind::Enum(one) => format!("_{}", one.name),
        Kind::Reserved => String::new(),
    }
}

fn default(option: &Opt<'_>) -> String {
    match option.kind {
        Kind::Flag(yes) => if yes { "True" } else { "False" }.into(),
        Kind::Count(number) => number_in_rust(number),
        Kind::Age(seconds) => format!("{seconds}.0"),
        Kind::Text(Some(name)) => format!("\"{name}\""),
        Kind::Enum(one) => {
            let word = one.default_word().map(|word| one.word(word));
            format!("\"{}\"", word.unwrap_or_default())
        }
        _ => "None".into(),
    }
}

fn parameter(option: &Opt<'_>) -> String {
    let note = match option.name() {
        "format" => "  # noqa: A002 - the option's name in every language",
        _ => "",
    };
    let (name, annotation, default) = (option.name(), annotation(option), default(option));
    format!("        {name}: {annotation} = {default},{note}\n")
}

fn item(option: &Opt<'_>) -> String {
    let name = option.name();
    format!("            \"{name}\": {name},\n")
}

fn key(option: &Opt<'_>) -> String {
    format!("    {}: {}\n", option.name(), annotation(option))
}

fn bullet(option: &Opt<'_>) -> String {
    if option.kind == Kind::Reserved {
        return String::new();
    }
    let text = format!("`{}`: {}", option.name(), text(option, Language::Python));
    hanging("    -", "     ", &text, 120)
}

fn arms(options: &[Opt<'_>]) -> String {
    let functions: String = [("journal", "Journal"), ("document", "Document")]
        .iter()
        .map(|(handle, name)| function(handle, name, &of(options, handle)))
        .collect();
    let mark = mark("options");
    format!(
        "// {mark}\n//! The core's option for each option of a dictionary.\n\n\
         use pyo3::prelude::*;\nuse untorn::{{DocumentOptions, JournalOptions}};\n\n\
         use crate::given::Given;\n\n{functions}"
    )
}

fn function(handle: &str, name: &str, options: &[&Opt<'_>]) -> String {
    let arms = each(options, arm);
    format!(
        "/// Sets the option of this name. A name that is not an option of a {handle} is ignored.\n\
         pub fn {handle}(made: {name}Options, name: &str, given: &Given<'_, '_>) \
         -> PyResult<{name}Options> {{\nOk(match name {{\n{arms}_ => made,\n}})\n}}\n\n"
    )
}

fn arm(option: &Opt<'_>) -> String {
    let name = option.name();
    let value = match option.kind {
        Kind::Count(_) | Kind::Flag(_) | Kind::Limit | Kind::Mode | Kind::Text(_) => "given.is()?",
        Kind::Timeout => "given.timeout()?",
        Kind::Age(_) => "given.seconds()?",
        Kind::Enum(_) => "given.word()?",
        Kind::Data => {
            return format!(
                "\"{name}\" if given.is_none() => made,\n\
                 \"{name}\" => made.{name}(given.data()?.bytes()),\n"
            );
        }
        Kind::Reserved => return String::new(),
    };
    format!("\"{name}\" => made.{name}({value}),\n")
}
