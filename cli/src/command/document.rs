//! `untorn get`, `set`, `edit`, `rm`: documents.

use std::process::Command;
use std::str::FromStr;

use serde::Serialize;
use serde_json::value::RawValue;
use untorn::{Document, Error, ErrorKind, Expect, Version};

use super::printer::Printer;
use crate::args::{Edit, Get, Handle, Rm, Set};
use crate::exit::{FAILED, FOUND, Failure, Result};
use crate::json;
use crate::output::Output;

#[derive(Serialize)]
struct Value<'a> {
    path: &'a std::path::Path,
    version: String,
    value: &'a RawValue,
}

fn text_of(bytes: Vec<u8>, path: &std::path::Path) -> Result<String> {
    let bytes = match bytes.strip_prefix(b"\xef\xbb\xbf") {
        Some(rest) => rest.to_vec(),
        None => bytes,
    };
    if let Some(kind) = untorn::inspect(&bytes) {
        return Err(Failure::of(
            path.display(),
            format!("not one JSON value ({})", kind.as_str()),
        ));
    }
    String::from_utf8(bytes).map_err(|error| Failure::of(path.display(), error))
}

fn steps(key: &str) -> Result<Vec<&str>> {
    json::steps(key).map_err(Failure::usage)
}

fn expected(version: Option<&str>) -> Result<Expect> {
    match version {
        None => Ok(Expect::Anything),
        Some(version) => Version::from_str(version)
            .map(Expect::Version)
            .map_err(Failure::usage),
    }
}

pub fn get(get: &Get, handle: &Handle, out: &mut Output) -> Result {
    let (bytes, version) = match handle.document(&get.path)?.load() {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            out.complain(&error.to_string());
            return Ok(FOUND);
        }
        result => result?,
    };
    let text = text_of(bytes, &get.path)?;
    let steps = steps(get.key.as_deref().unwrap_or("."))?;
    let Some(value) = json::select(&text, &steps) else {
        return Ok(FOUND);
    };
    if out.json {
        let value: &RawValue =
            serde_json::from_str(value).map_err(|error| Failure::of(get.path.display(), error))?;
        let version = version.to_string();
        out.object(&Value {
            path: &get.path,
            version,
            value,
        })?;
        return Ok(0);
    }
    let is_text = value.starts_with('"');
    if is_text && !get.shape.pretty && !get.shape.compact && get.key.is_some() {
        // As `jq -r` does, for shells.
        let text: String =
            serde_json::from_str(value).map_err(|error| Failure::of(get.path.display(), error))?;
        out.line(text)?;
        return Ok(0);
    }
    let printer = Printer::new(&get.shape, true, out)?;
    printer.value(value, out)?;
    Ok(0)
}

pub fn set(set: &Set, handle: &Handle, out: &mut Output) -> Result {
    let document = handle.document(&set.path)?;
    let steps = steps(&set.key)?;
    let value = match untorn::inspect(set.value.as_bytes()) {
        None => set.value.clone(),
        Some(_) => {
            serde_json::to_string(&set.value).map_err(|error| Failure::usage(error.to_string()))?
        }
    };
    let expect = expected(set.expect.as_deref())?;
    let mut update = document.begin_update(&handle.call())?;
    if let Expect::Version(version) = expect
        && update.version() != Some(version)
    {
        return Err(Failure::of(
            set.path.display(),
            "the document has another version: another program has saved it",
        ));
    }
    let old = match update.value() {
        Some(bytes) => text_of(bytes.to_vec(), &set.path)?,
        None if set.create => "{}".to_owned(),
        None => {
            return Err(Failure::of(
                set.path.display(),
                "the document does not exist; --create creates it",
            ));
        }
    };
    let new =
        json::set(&old, &steps, &value).map_err(|why| Failure::of(set.path.display(), why))?;
    let version = update.save(new.as_bytes())?;
    if out.json {
        out.object(&serde_json::json!({ "path": set.path, "version": version.to_string() }))?;
    }
    Ok(0)
}

pub fn rm(rm: &Rm, handle: &Handle, out: &mut Output) -> Result {
    let document = handle.document(&rm.path)?;
    let expect = expected(rm.expect.as_deref())?;
    let removed = match &rm.key {
        None => {
            let removed = document.remove_with(expect, &handle.call())?;
            if !removed {
                complain_missing(rm, out);
            }
            removed
        }
        Some(key) => remove_value(rm, key, &document, expect, handle, out)?,
    };
    if out.json {
        out.object(&serde_json::json!({ "path": rm.path, "removed": removed }))?;
    }
    Ok(if removed { 0 } else { FOUND })
}

fn complain_missing(rm: &Rm, out: &mut Output) {
    out.complain(&format!(
        "{}: the document does not exist",
        rm.path.display()
    ));
}

fn remove_value(
    rm: &Rm,
    key: &str,
    document: &Document,
    expect: Expect,
    handle: &Handle,
    out: &mut Output,
) -> Result<bool> {
    let steps = steps(key)?;
    let mut update = document.begin_update(&handle.call())?;
    if let Expect::Version(version) = expect
        && update.version() != Some(version)
    {
        return Err(Failure::of(
            rm.path.display(),
            "the document has another version: another program has saved it",
        ));
    }
    let Some(bytes) = update.value() else {
        complain_missing(rm, out);
        return Ok(false);
    };
    let old = text_of(bytes.to_vec(), &rm.path)?;
    match json::removed(&old, &steps).map_err(Failure::usage)? {
        None => Ok(false),
        Some(new) => {
            update.save(new.as_bytes())?;
            Ok(true)
        }
    }
}

/// The editor works on a copy. If another program saves the document meanwhile,
/// nothing is overwritten.
pub fn edit(edit: &Edit, handle: &Handle, out: &mut Output) -> Result {
    let document = handle.document(&edit.path)?;
    let (bytes, version) = document.load()?;
    let name = edit
        .path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let copy = std::env::temp_dir().join(format!("untorn-edit.{}.{name}", std::process::id()));
    write_private(&copy, &bytes)?;
    let result = edited(&copy, &bytes, out);
    let version = match result? {
        None => version,
        Some(new) => document
            .save_with(&new, Expect::Version(version), &handle.call())
            .map_err(|error| conflict(error, &copy))?,
    };
    let _ = std::fs::remove_file(&copy);
    if out.json {
        let version = version.to_string();
        out.object(&serde_json::json!({ "path": edit.path, "version": version }))?;
    }
    Ok(0)
}

fn conflict(error: Error, copy: &std::path::Path) -> Failure {
    let failure = Failure::from(error);
    Failure::new(
        failure.code.max(FAILED),
        format!("{}; your text is in {}", failure.message, copy.display()),
    )
}

#[cfg(unix)]
fn write_private(path: &std::path::Path, bytes: &[u8]) -> Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;

    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    let written = options
        .open(path)
        .and_then(|mut file| file.write_all(bytes));
    written.map_err(|error| Failure::of(path.display(), error))
}

#[cfg(not(unix))]
fn write_private(path: &std::path::Path, bytes: &[u8]) -> Result<()> {
    std::fs::write(path, bytes).map_err(|error| Failure::of(path.display(), error))
}

/// Returns the text that the editor saved; `None` if it is unchanged.
fn edited(copy: &std::path::Path, old: &[u8], out: &mut Output) -> Result<Option<Vec<u8>>> {
    let editor = ["VISUAL", "EDITOR"].iter().find_map(std::env::var_os);
    let usual = if cfg!(windows) { "notepad" } else { "vi" };
    let editor = editor.unwrap_or_else(|| usual.into());
    let words = editor.to_string_lossy().into_owned();
    let mut words = words.split_whitespace();
    let program = words.next().unwrap_or(usual);
    let status = Command::new(program).args(words).arg(copy).status();
    let status = status.map_err(|error| {
        // It has no text of the user's.
        let _ = std::fs::remove_file(copy);
        Failure::of(program, error)
    })?;
    if !status.success() {
        return Err(Failure::of(
            program,
            format!(
                "{status}; nothing was saved, and your text is in {}",
                copy.display()
            ),
        ));
    }
    let new = std::fs::read(copy).map_err(|error| Failure::of(copy.display(), error))?;
    if new == old {
        out.remark("untorn: nothing was changed");
        return Ok(None);
    }
    if let Some(kind) = untorn::inspect(&new) {
        let why = format!("not one JSON value ({}); nothing was saved", kind.as_str());
        return Err(Failure::of(copy.display(), why));
    }
    Ok(Some(new))
}
