//! The kinds of errors: spec/errors.toml.

use super::output::{Output, mark};
use super::prose::{lines, upper};
use anyhow::{Result, ensure};
use serde::Deserialize;
use std::fmt::Write;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    error: Vec<Kind>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Kind {
    name: String,
    number: usize,
    meaning: String,
    parent: Option<String>,
    #[serde(default)]
    builtin: Vec<String>,
    errno: Option<String>,
    python: Option<String>,
    io: Option<String>,
    #[serde(default)]
    from_io: Vec<String>,
    #[serde(default)]
    note: Note,
}

/// What one language adds to the meaning.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Note {
    rust: Option<String>,
    c: Option<String>,
    python: Option<String>,
    node: Option<String>,
    docs: Option<String>,
}

impl Kind {
    fn code(&self) -> String {
        upper(&self.name)
    }

    fn python(&self) -> &str {
        self.python.as_deref().unwrap_or(&self.name)
    }

    fn node(&self) -> String {
        format!("{}Error", self.name)
    }

    /// Returns the class in Node that its own extends.
    fn base(&self) -> String {
        let parent = self.parent.as_deref().unwrap_or("Untorn");
        format!("{parent}Error")
    }

    fn text(&self, note: Option<&String>) -> String {
        match note {
            None => self.meaning.clone(),
            Some(note) => format!("{} {note}", self.meaning),
        }
    }
}

pub fn outputs(table: &Table) -> Result<Vec<Output>> {
    let kinds = &table.error;
    for (index, kind) in kinds.iter().enumerate() {
        ensure!(
            kind.number == index + 1,
            "{} is not number {}",
            kind.name,
            index + 1
        );
        // A class is defined before the classes that extend it.
        if let Some(parent) = &kind.parent {
            ensure!(
                kinds[..index].iter().any(|kind| kind.name == *parent),
                "{}: no earlier kind is named {parent}",
                kind.name
            );
        }
    }
    Ok(vec![
        Output::rust("core/src/error_kind.rs", &core(kinds))?,
        Output::rust("ffi/src/codes.rs", &ffi(kinds))?,
        Output::between(PYTHON, "exceptions", exceptions(kinds)),
        // mypy reads a list that is written out, and no other module's.
        Output::between(PACKAGE, "exceptions", names("+=", kinds)),
        Output::between(NODE, "classes", classes(kinds)),
        Output::between("bindings/node/index.js", "errors", exports(kinds)),
        Output::between(TYPES, "error codes", codes(kinds)),
        Output::between(TYPES, "errors", class_types(kinds)),
        Output::between("docs/errors.md", "errors", rows(kinds)),
    ])
}

const PYTHON: &str = "bindings/python/python/untorn/_errors.py";
const PACKAGE: &str = "bindings/python/python/untorn/__init__.py";
const NODE: &str = "bindings/node/lib/errors.js";
const TYPES: &str = "bindings/node/types/errors.d.ts";

/// One line a kind, joined.
fn each(kinds: &[Kind], line: impl Fn(&Kind) -> String) -> String {
    kinds.iter().map(line).collect()
}

fn core(kinds: &[Kind]) -> String {
    let variants = each(kinds, |kind| {
        lines("///", &kind.text(kind.note.rust.as_ref()), 80) + &kind.name + ",\n"
    });
    let all = each(kinds, |kind| format!("ErrorKind::{},\n", kind.name));
    let codes = each(kinds, |kind| {
        format!("ErrorKind::{} => {:?},\n", kind.name, kind.code())
    });
    let from_io = each(kinds, |kind| match kind.from_io.as_slice() {
        [] => String::new(),
        from => {
            let from: Vec<_> = from.iter().map(|k| format!("io::ErrorKind::{k}")).collect();
            format!("{} => ErrorKind::{},\n", from.join(" | "), kind.name)
        }
    });
    let io = each(kinds, |kind| match &kind.io {
        None => String::new(),
        Some(io) => format!("ErrorKind::{} => io::ErrorKind::{io},\n", kind.name),
    });
    let mark = mark("errors");
    format!(
        r#"// {mark}
//! The kinds of errors.

use std::fmt;
use std::io;

/// The kind of an error. Every language has the same list.
///
/// ```
/// use std::time::Duration;
/// use untorn::{{ErrorKind, FileLock}};
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("state");
/// # let held = FileLock::acquire(&path)?;
/// # std::thread::scope(|threads| threads.spawn(|| {{
/// let lock = FileLock::options().timeout(Some(Duration::ZERO));
/// match lock.acquire(&path) {{
///     Err(error) if error.kind() == ErrorKind::Locked => eprintln!("{{error}}"),
///     other => drop(other?),
/// }}
/// # Ok::<(), untorn::Error>(())
/// # }}).join().unwrap())?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {{
{variants}}}

impl ErrorKind {{
    /// Every kind, in the order of their numbers in C.
    pub const ALL: &'static [ErrorKind] = &[
{all}];

    /// Returns the code that every language builds its own from: `"LOCK_TIMEOUT"`.
    pub fn code(self) -> &'static str {{
        match self {{
{codes}}}
    }}

    /// Returns the kind of an error of the operating system.
    pub(crate) fn of(error: &io::Error) -> ErrorKind {{
        match error.kind() {{
{from_io}_ => ErrorKind::Io,
        }}
    }}

    /// Returns the kind that std has for it.
    pub(crate) fn io(self) -> io::ErrorKind {{
        match self {{
{io}_ => io::ErrorKind::Other,
        }}
    }}
}}

impl fmt::Display for ErrorKind {{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {{
        f.write_str(self.code())
    }}
}}
"#
    )
}

fn ffi(kinds: &[Kind]) -> String {
    let constants = each(kinds, |kind| {
        let text = lines("///", &kind.text(kind.note.c.as_ref()), 80);
        let (code, number) = (kind.code(), kind.number);
        format!("{text}pub const UNTORN_{code}: Code = {number};\n")
    });
    let of = each(kinds, |kind| match kind.name.as_str() {
        // The last arm has it.
        "Internal" => String::new(),
        name => format!("ErrorKind::{name} => UNTORN_{},\n", kind.code()),
    });
    let names = each(kinds, |kind| format!("c\"UNTORN_{}\",\n", kind.code()));
    let count = kinds.len() + 1;
    let mark = mark("errors");
    format!(
        r#"// {mark}
//! The codes of errors.

use std::ffi::CStr;

use untorn::ErrorKind;

use crate::code::Code;

/// It succeeded.
pub const UNTORN_OK: Code = 0;
{constants}
/// Returns the code of an error.
pub(crate) fn of(kind: ErrorKind) -> Code {{
    match kind {{
{of}
        // The list is open to the compiler only; a test closes it.
        _ => UNTORN_INTERNAL,
    }}
}}

/// The names of the codes, by their numbers.
pub(crate) const NAMES: [&CStr; {count}] = [
c"UNTORN_OK",
{names}];
"#
    )
}

fn exceptions(kinds: &[Kind]) -> String {
    each(kinds, |kind| {
        let bases = kind.builtin.iter().map(|base| format!(", {base}"));
        let mut made = format!(
            "class {}({}{}):\n    \"\"\"{}\"\"\"\n\n    code = \"UNTORN_{}\"\n",
            kind.python(),
            kind.parent.as_deref().unwrap_or("Error"),
            bases.collect::<String>(),
            kind.text(kind.note.python.as_ref()),
            kind.code()
        );
        if let Some(errno) = &kind.errno {
            let _ = writeln!(made, "    _default_errno = _errno.{errno}");
        }
        made + "\n\n"
    }) + &names("=", kinds)
}

/// `__all__`, in the order that ruff keeps.
fn names(sign: &str, kinds: &[Kind]) -> String {
    let mut names: Vec<_> = kinds.iter().map(Kind::python).chain(["Error"]).collect();
    names.sort_unstable();
    let names: String = names
        .iter()
        .map(|name| format!("    \"{name}\",\n"))
        .collect();
    format!("__all__ {sign} [\n{names}]\n")
}

fn classes(kinds: &[Kind]) -> String {
    each(kinds, |kind| {
        let name = kind.node();
        let base = match &kind.parent {
            // The classes are properties of the module.
            Some(_) => format!("exports.{}", kind.base()),
            None => kind.base(),
        };
        format!("exports.{name} = named(class {name} extends {base} {{}}, '{name}')\n")
    })
}

fn exports(kinds: &[Kind]) -> String {
    each(kinds, |kind| {
        let name = kind.node();
        format!("exports.{name} = require('./lib/errors.js').{name}\n")
    })
}

fn codes(kinds: &[Kind]) -> String {
    let codes = each(kinds, |kind| format!("  | 'UNTORN_{}'\n", kind.code()));
    format!(
        "/** The codes of errors, the same in every language. */\nexport type ErrorCode =\n{codes}"
    )
}

fn class_types(kinds: &[Kind]) -> String {
    each(kinds, |kind| {
        let text = kind.text(kind.note.node.as_ref());
        format!(
            "/** {text} */\nexport class {} extends {} {{}}\n",
            kind.node(),
            kind.base()
        )
    })
}

fn rows(kinds: &[Kind]) -> String {
    let rows = each(kinds, |kind| {
        let builtin: Vec<_> = kind
            .builtin
            .iter()
            .map(|name| format!("`{name}`"))
            .collect();
        let builtin = match builtin.as_slice() {
            [] => String::new(),
            names => format!(" ({})", names.join(", ")),
        };
        format!(
            "| {} | `UNTORN_{}` | `{}`{builtin} | `{}` |\n",
            kind.text(kind.note.docs.as_ref()),
            kind.code(),
            kind.python(),
            kind.node()
        )
    });
    format!(
        "\n| meaning | C, and `code` in Python and Node | Python (also a) | Node |\n\
         | --- | --- | --- | --- |\n{rows}\n"
    )
}
