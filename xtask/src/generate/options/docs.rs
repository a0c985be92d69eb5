//! The tables of docs/options.md.

use super::super::language::Language;
use super::super::output::Output;
use super::super::prose::camel;
use super::text::{readable, text};
use super::{Kind, Opt, each, of};

pub fn outputs(options: &[Opt<'_>]) -> Vec<Output> {
    ["journal", "document", "lock", "transaction", "store"]
        .iter()
        .map(|handle| {
            let rows = each(&of(options, handle), row);
            let table = format!(
                "\n| Rust, Python, C | Node | takes | default | meaning |\n\
                 | --- | --- | --- | --- | --- |\n{rows}\n"
            );
            Output::between("docs/options.md", handle, table)
        })
        .collect()
}

fn row(option: &Opt<'_>) -> String {
    let name = option.name();
    let (takes, default): (String, String) = match option.kind {
        Kind::Reserved => return String::new(),
        Kind::Flag(yes) => ("yes or no".into(), if yes { "yes" } else { "no" }.into()),
        Kind::Count(number) => ("a number".into(), readable(number)),
        Kind::Limit => ("a number, or none".into(), "none".into()),
        Kind::Mode => ("permission bits".into(), "0666 less the umask".into()),
        Kind::Timeout => ("a time, or none".into(), "none".into()),
        Kind::Age(seconds) => ("a time".into(), format!("{seconds} s")),
        Kind::Data => ("bytes, or none".into(), "none".into()),
        Kind::Text(name) => (
            "a name".into(),
            name.map_or("none".into(), |name| format!("`{name}`")),
        ),
        Kind::Enum(one) => (
            one.joined("`", ", "),
            one.default_word()
                .map(|word| format!("`{}`", one.word(word)))
                .unwrap_or_default(),
        ),
    };
    let c = match option.kind {
        Kind::Timeout | Kind::Age(_) => format!("`{name}` (C: `{name}_ms`)"),
        _ => format!("`{name}`"),
    };
    let meaning = text(option, Language::Docs);
    format!(
        "| {c} | `{}` | {takes} | {default} | {meaning} |\n",
        camel(name)
    )
}
