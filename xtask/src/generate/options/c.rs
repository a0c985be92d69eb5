//! The structs of C, their defaults, and what the core makes of them.

use super::super::language::Language;
use super::super::output::{Output, mark};
use super::super::prose::{lines, snake};
use super::core::number_in_rust;
use super::text::text;
use super::{Kind, Opt, each, of};
use anyhow::Result;

pub fn outputs(options: &[Opt<'_>]) -> Result<Vec<Output>> {
    let handles = [("journal", "Journal"), ("document", "Document")];
    let structs: String = handles
        .iter()
        .map(|(handle, name)| {
            let options = of(options, handle);
            declared(handle, name, &options) + &converted(handle, name, &options)
        })
        .collect();
    let macros: String = handles
        .iter()
        .map(|(handle, _)| initializer(handle, &of(options, handle)))
        .collect();
    let mark = mark("options");
    let rust = format!(
        "// {mark}\n//! How handles are opened.\n\n\
         use untorn::Result;\n\n\
         use crate::argument::Arguments;\nuse crate::bytes::Bytes;\n\
         use crate::options::{{Options, flag, mode}};\nuse crate::scheme::choose_scheme;\n\
         use crate::words::*;\n\n{structs}"
    );
    Ok(vec![
        Output::rust("ffi/src/option_structs.rs", &rust)?,
        Output::whole("ffi/initializers.h", macros),
    ])
}

/// Times are milliseconds here.
fn field(option: &Opt<'_>) -> String {
    match option.kind {
        Kind::Timeout | Kind::Age(_) => format!("{}_ms", option.name()),
        _ => option.name().to_owned(),
    }
}

fn held(option: &Opt<'_>) -> &'static str {
    match option.kind {
        Kind::Flag(_) | Kind::Enum(_) | Kind::Reserved => "i32",
        Kind::Count(_) if option.rust() == Some("usize") => "usize",
        Kind::Count(_) | Kind::Limit => "u64",
        Kind::Mode => "u32",
        Kind::Timeout | Kind::Age(_) => "i64",
        Kind::Data => "Bytes",
        Kind::Text(_) => "*const c_char",
    }
}

fn declared(handle: &str, name: &str, options: &[&Opt<'_>]) -> String {
    let upper = handle.to_uppercase();
    let fields = each(options, |option| {
        let doc = lines("///", &text(option, Language::C), 80);
        format!("{doc}pub {}: {},\n", field(option), held(option))
    });
    let defaults = each(options, |option| {
        format!("{}: {},\n", field(option), default(option))
    });
    format!(
        "/// How a {handle} is opened. Initialise it with UNTORN_{upper}_OPTIONS_INIT.\n\
         /// NULL means the same as that.\n\
         #[repr(C)]\n#[derive(Clone, Copy)]\npub struct {name}Options {{\n\
         /// sizeof(untorn_{handle}_options).\npub size: usize,\n{fields}}}\n\n\
         // SAFETY: `repr(C)`, integers and pointers, size first.\n\
         unsafe impl Options for {name}Options {{\n\
         const NAME: &'static str = \"untorn_{handle}_options\";\n\
         const FIRST_SIZE: usize = size_of::<{name}Options>();\n\n\
         fn defaults() -> {name}Options {{\n{name}Options {{\n\
         size: size_of::<{name}Options>(),\n{defaults}}}\n}}\n}}\n\n"
    )
}

fn default(option: &Opt<'_>) -> String {
    match option.kind {
        Kind::Flag(yes) => u8::from(yes).to_string(),
        Kind::Count(number) => number_in_rust(number),
        Kind::Limit => "u64::MAX".into(),
        Kind::Mode | Kind::Age(_) | Kind::Reserved => "0".into(),
        Kind::Timeout => "-1".into(),
        Kind::Data => "Bytes { data: std::ptr::null(), len: 0 }".into(),
        Kind::Text(_) => "std::ptr::null()".into(),
        Kind::Enum(one) => constant(one),
    }
}

fn constant(one: &super::constants::Enum) -> String {
    one.default_word()
        .map(|word| one.constant(word))
        .unwrap_or_default()
}

/// The function that makes the core's options.
fn converted(handle: &str, name: &str, options: &[&Opt<'_>]) -> String {
    let takes_pointers = options.iter().any(|option| option.kind == Kind::Data);
    let (safety, word) = if takes_pointers {
        (
            "///\n/// # Safety\n/// Its pointers are valid.\n",
            "unsafe ",
        )
    } else {
        ("", "")
    };
    let chain = each(options, chained);
    let data = each(options, data);
    format!(
        "/// Converts the options for the core.\n{safety}\
         pub(crate) {word}fn {handle}(given: &{name}Options, arguments: &Arguments<'_>) \
         -> Result<untorn::{name}Options> {{\n\
         let core = untorn::{name}::options(){chain};\n{data}\
         Ok(choose_scheme!(core, given, arguments))\n}}\n\n"
    )
}

fn chained(option: &Opt<'_>) -> String {
    let field = field(option);
    let value = match option.kind {
        _ if option.is_choice() => return String::new(),
        Kind::Flag(_) => format!("flag(given.{field})"),
        Kind::Count(_) => format!("given.{field}"),
        // More than there are numbers for is no limit.
        Kind::Limit => match option.rust() {
            Some(number) => format!("{number}::try_from(given.{field}).ok()"),
            None => format!("(given.{field} != u64::MAX).then_some(given.{field})"),
        },
        Kind::Mode => format!("mode(given.{field})"),
        Kind::Timeout => format!("arguments.timeout(given.{field})?"),
        Kind::Enum(one) => format!("{}(given.{field}, arguments)?", snake(&one.name)),
        Kind::Age(_) | Kind::Data | Kind::Text(_) | Kind::Reserved => return String::new(),
    };
    format!(".{}({value})\n", option.name())
}

fn data(option: &Opt<'_>) -> String {
    if option.kind != Kind::Data {
        return String::new();
    }
    let name = option.name();
    format!(
        "let Bytes {{ data, len }} = given.{name};\n\
         // SAFETY: the caller's promise.\n\
         let core = match unsafe {{ arguments.bytes(data, len, \"{name}\")? }} {{\n\
         [] => core,\nbytes => core.{name}(bytes),\n}};\n"
    )
}

fn initializer(handle: &str, options: &[&Opt<'_>]) -> String {
    let values = options.iter().map(|option| match option.kind {
        Kind::Count(number) if held(option) == "u64" => format!("UINT64_C({number})"),
        Kind::Count(number) => number.to_string(),
        Kind::Limit => "UNTORN_NO_LIMIT".into(),
        Kind::Data => "{ NULL, 0 }".into(),
        Kind::Text(_) => "NULL".into(),
        _ => default(option),
    });
    let size = format!("sizeof(untorn_{handle}_options)");
    let values: Vec<_> = [size].into_iter().chain(values).collect();
    let body =
        super::super::prose::hanging(" ", "   ", &format!("{{ {} }}", values.join(", ")), 76);
    let body = body.trim_end().replace('\n', " \\\n");
    let upper = handle.to_uppercase();
    format!("#define UNTORN_{upper}_OPTIONS_INIT \\\n{body}\n")
}
