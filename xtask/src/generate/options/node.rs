//! The objects of Node: their types, their names, and what the addon makes of them.

use super::super::language::Language;
use super::super::output::{Output, mark};
use super::super::prose::{camel, lines};
use super::text::text;
use super::{Kind, Opt, each, of};
use anyhow::Result;
use std::collections::BTreeMap;

pub fn outputs(options: &[Opt<'_>]) -> Result<Vec<Output>> {
    let mut outputs = vec![
        Output::rust("bindings/node/src/open_options.rs", &addon(options))?,
        Output::rust("bindings/node/src/spelling.rs", &spelling(options))?,
        Output::whole("bindings/node/lib/option-names.js", names(options)),
    ];
    let choice: Vec<_> = options.iter().filter(|option| option.is_choice()).collect();
    let declared = |name: &str, options: &[&Opt<'_>]| {
        Output::between(
            "bindings/node/types/options.d.ts",
            name,
            each(options, declaration),
        )
    };
    outputs.push(declared("scheme options", &choice));
    for handle in ["journal", "document"] {
        let options = own(options, handle);
        outputs.push(declared(&format!("{handle} options"), &options));
    }
    Ok(outputs)
}

/// Without those that every lock has.
fn own<'o, 'a>(options: &'o [Opt<'a>], handle: &str) -> Vec<&'o Opt<'a>> {
    let mut options = of(options, handle);
    options.retain(|option| !option.is_choice() && option.kind != Kind::Reserved);
    options
}

fn declaration(option: &Opt<'_>) -> String {
    let kind = match option.kind {
        Kind::Flag(_) => "boolean".into(),
        Kind::Data => "string | Uint8Array".into(),
        Kind::Text(_) => "string".into(),
        Kind::Enum(one) => one.name.clone(),
        _ => "number".into(),
    };
    let text = lines("   *", &text(option, Language::Node), 100);
    let name = camel(option.name());
    format!("  /**\n{text}   */\n  {name}?: {kind} | undefined\n")
}

fn names(options: &[Opt<'_>]) -> String {
    let list = |options: &[&Opt<'_>]| -> String {
        let names: Vec<_> = options
            .iter()
            .map(|option| format!("'{}'", camel(option.name())))
            .collect();
        format!(
            "[\n{}]",
            lines("  ", &(names.join(", ") + ","), 100).replace("   ", "  ")
        )
    };
    let choice: Vec<_> = options.iter().filter(|option| option.is_choice()).collect();
    let mut kinds: BTreeMap<String, &str> = BTreeMap::new();
    for option in options {
        kinds.insert(camel(option.name()), kind(option));
    }
    let kinds: String = kinds
        .iter()
        .filter(|(_, kind)| !kind.is_empty())
        .map(|(name, kind)| format!("  {name}: '{kind}',\n"))
        .collect();
    format!(
        "'use strict'\n\n// {}\n\n\
         exports.scheme = {}\n\nexports.journal = {}\n\nexports.document = {}\n\n\
         /** The kind of value that each takes. */\nexports.kinds = {{\n{kinds}}}\n",
        mark("options"),
        list(&choice),
        list(&own(options, "journal")),
        list(&own(options, "document"))
    )
}

/// The options whose names the library's messages spell otherwise than JavaScript.
fn spelling(options: &[Opt<'_>]) -> String {
    let pairs: BTreeMap<&str, String> = options
        .iter()
        .map(|option| (option.name(), camel(option.name())))
        .filter(|(ours, theirs)| ours != theirs)
        .collect();
    let pairs: String = pairs
        .iter()
        .map(|(ours, theirs)| format!("({ours:?}, {theirs:?}),\n"))
        .collect();
    format!(
        "// {}\n//! The names of options, in the library's messages and in JavaScript.\n\n\
         pub const OPTIONS: &[(&str, &str)] = &[\n{pairs}];\n",
        mark("options")
    )
}

fn kind(option: &Opt<'_>) -> &'static str {
    match option.kind {
        Kind::Flag(_) => "flag",
        Kind::Count(_) | Kind::Limit => "count",
        Kind::Mode => "mode",
        Kind::Timeout => "timeout",
        Kind::Age(_) => "age",
        Kind::Data => "data",
        Kind::Text(_) => "text",
        Kind::Enum(_) => "word",
        Kind::Reserved => "",
    }
}

fn addon(options: &[Opt<'_>]) -> String {
    let journal = of(options, "journal");
    let fields = each(&journal, field);
    let functions: String = [("journal", "Journal"), ("document", "Document")]
        .iter()
        .map(|(handle, name)| function(handle, name, &of(options, handle)))
        .collect();
    let mark = mark("options");
    format!(
        "// {mark}\n//! The options of journals and documents.\n\n\
         use std::path::Path;\n\nuse napi::bindgen_prelude::{{Either, Uint8Array}};\n\
         use napi_derive::napi;\n\nuse crate::scheme::choose_scheme;\n\
         use crate::values::{{bytes_of, whole, word}};\n\n\
         #[napi(object)]\n#[derive(Default)]\npub struct OpenOptions {{\n{fields}}}\n\n\
         impl OpenOptions {{\n{functions}}}\n"
    )
}

/// The timeout is the caller's own: each call has one.
fn field(option: &Opt<'_>) -> String {
    let held = match option.kind {
        Kind::Timeout | Kind::Reserved => return String::new(),
        Kind::Flag(_) => "bool",
        Kind::Count(_) | Kind::Limit | Kind::Age(_) => "f64",
        Kind::Mode => "u32",
        Kind::Data => "Either<String, Uint8Array>",
        Kind::Text(_) | Kind::Enum(_) => "String",
    };
    format!("pub {}: Option<{held}>,\n", option.name())
}

fn function(handle: &str, name: &str, options: &[&Opt<'_>]) -> String {
    let steps = each(options, step);
    format!(
        "pub fn {handle}(&self, path: &Path) -> napi::Result<untorn::{name}Options> {{\n\
         let mut options = untorn::{name}::options();\n{steps}\
         Ok(choose_scheme!(options, self, \"open\", path))\n}}\n\n"
    )
}

fn step(option: &Opt<'_>) -> String {
    let name = option.name();
    let number = format!("whole(self.{name}, \"{}\", path)?", camel(name));
    let set = |value: &str| format!("options = options.{name}({value});\n");
    match (option.kind, option.rust()) {
        _ if option.is_choice() => String::new(),
        (Kind::Flag(_), _) => format!("if let Some(yes) = self.{name} {{\n{}}}\n", set("yes")),
        (Kind::Count(_), None) => format!("if let Some(n) = {number} {{\n{}}}\n", set("n")),
        (Kind::Count(_), Some(kind)) => format!(
            "if let Some(n) = {number} {{\n{}}}\n",
            set(&format!("{kind}::try_from(n).unwrap_or({kind}::MAX)"))
        ),
        (Kind::Limit, None) => set(&number),
        (Kind::Limit, Some(kind)) => set(&format!(
            "{number}.map(|n| {kind}::try_from(n).unwrap_or({kind}::MAX))"
        )),
        (Kind::Mode, _) => set(&format!("self.{name}")),
        (Kind::Data, _) => format!(
            "if let Some(data) = &self.{name} {{\n{}}}\n",
            set("bytes_of(data)")
        ),
        (Kind::Text(_), _) => format!(
            "if let Some(text) = &self.{name} {{\n{}}}\n",
            set("text.clone()")
        ),
        (Kind::Enum(_), _) => format!(
            "if let Some(given) = &self.{name} {{\n{}}}\n",
            set("word(given, path)?")
        ),
        (Kind::Timeout | Kind::Age(_) | Kind::Reserved, _) => String::new(),
    }
}
