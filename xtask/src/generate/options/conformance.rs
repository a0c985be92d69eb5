//! How the runners of the shared cases read options. Python's reads the table itself.

use super::super::output::{Output, mark};
use super::super::prose::camel;
use super::{Kind, Opt, each, of};
use anyhow::Result;

const HANDLES: [(&str, &str); 2] = [("journal", "Journal"), ("document", "Document")];

pub fn outputs(options: &[Opt<'_>]) -> Result<Vec<Output>> {
    Ok(vec![
        Output::rust("conformance/rust/options.rs", &rust(options))?,
        Output::whole("conformance/c/options.c", c(options)),
        Output::whole("conformance/node/options.mjs", node(options)),
    ])
}

fn functions(options: &[Opt<'_>], function: impl Fn(&str, &str, &[&Opt<'_>]) -> String) -> String {
    HANDLES
        .iter()
        .map(|(handle, name)| function(handle, name, &of(options, handle)))
        .collect()
}

fn rust(options: &[Opt<'_>]) -> String {
    let functions = functions(options, |handle, name, options| {
        let steps = each(options, step);
        format!(
            "pub fn {handle}(step: &Value) -> {name}Options {{\n\
             let mut options = {name}::options().durability(Durability::Process);\n\
             {steps}options\n}}\n\n"
        )
    });
    let mark = mark("options");
    format!(
        "// {mark}\n//! The options of a step.\n\n\
         use std::time::Duration;\n\nuse serde_json::Value;\n\
         use untorn::{{Document, DocumentOptions, Durability, Journal, JournalOptions}};\n\n\
         use super::data;\n\n{functions}"
    )
}

fn step(option: &Opt<'_>) -> String {
    let (name, case) = (option.name(), option.case());
    let number = match option.rust() {
        Some(kind) => format!("{kind}::try_from(given).expect(\"{case}\")"),
        None => "given".into(),
    };
    let (given, value) = match option.kind {
        Kind::Flag(_) => ("step[CASE].as_bool()", "given".to_owned()),
        Kind::Count(_) => ("step[CASE].as_u64()", number),
        Kind::Limit => ("step[CASE].as_u64()", format!("Some({number})")),
        Kind::Timeout => (
            "step[CASE].as_u64()",
            "Some(Duration::from_millis(given))".into(),
        ),
        Kind::Age(_) => ("step[CASE].as_u64()", "Duration::from_millis(given)".into()),
        Kind::Text(_) => ("step[CASE].as_str()", "given".into()),
        Kind::Enum(_) => (
            "step[CASE].as_str()",
            format!("given.parse().expect(\"{case}\")"),
        ),
        Kind::Mode => ("step.get(CASE)", "Some(data::mode(given))".into()),
        Kind::Data => ("step.get(CASE)", "data::bytes(given)".into()),
        Kind::Reserved => return String::new(),
    };
    let given = given.replace("CASE", &format!("\"{case}\""));
    format!("if let Some(given) = {given} {{\noptions = options.{name}({value});\n}}\n")
}

fn c(options: &[Opt<'_>]) -> String {
    let functions = functions(options, |handle, _, options| {
        let steps = each(options, read);
        format!(
            "untorn_{handle}_options {handle}_options(void) {{\n  \
             untorn_{handle}_options options = UNTORN_{}_OPTIONS_INIT;\n  \
             options.durability = UNTORN_DURABILITY_PROCESS;\n{steps}  \
             return options;\n}}\n\n",
            handle.to_uppercase()
        )
    });
    let mark = mark("options");
    format!(
        "/* {mark} */\n\n#include \"driver.h\"\n\n{}\n",
        functions.trim_end()
    )
}

fn read(option: &Opt<'_>) -> String {
    let (name, case) = (option.name(), option.case());
    let (field, kind) = match option.kind {
        Kind::Flag(_) | Kind::Enum(_) => (name.to_owned(), "int32_t"),
        Kind::Count(_) if option.rust() == Some("usize") => (name.to_owned(), "size_t"),
        Kind::Count(_) | Kind::Limit => (name.to_owned(), "uint64_t"),
        Kind::Mode => (name.to_owned(), "uint32_t"),
        Kind::Timeout | Kind::Age(_) => (format!("{name}_ms"), "int64_t"),
        Kind::Text(_) => return format!("  options.{name} = text(\"{case}\");\n"),
        Kind::Data => {
            return format!(
                "  if (optional(\"{case}\") != NULL)\n    \
                 options.{name} = decoded(required(\"{case}\"));\n"
            );
        }
        Kind::Reserved => return String::new(),
    };
    format!("  options.{field} = ({kind})number(\"{case}\", (uint64_t)options.{field});\n")
}

fn node(options: &[Opt<'_>]) -> String {
    let lists = functions(options, |handle, _, options| {
        let rows = each(options, |option| match how(option) {
            "" => String::new(),
            how => format!(
                "  ['{}', '{}', {how}],\n",
                option.case(),
                camel(option.name())
            ),
        });
        format!("export const {} = [\n{rows}]\n\n", handle.to_uppercase())
    });
    let mark = mark("options");
    format!(
        "// {mark}\n\nimport {{ bytes }} from './data.mjs'\n\n\
         const itself = (value) => value\nconst octal = (value) => parseInt(value, 8)\n\n\
         /** Of each option: its name in a step, its name here, and how it is read. */\n{}\n",
        lists.trim_end()
    )
}

fn how(option: &Opt<'_>) -> &'static str {
    match option.kind {
        Kind::Mode => "octal",
        Kind::Data => "bytes",
        Kind::Reserved => "",
        _ => "itself",
    }
}
