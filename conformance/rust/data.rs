//! The bytes and files that the data speaks of. Plain `std` and `serde_json`:
//! nothing here asks the library what a file should hold.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use serde_json::Value;

/// A string's UTF-8, or a list of pieces joined.
pub fn bytes(value: &Value) -> Vec<u8> {
    match value {
        Value::String(text) => text.clone().into_bytes(),
        Value::Array(pieces) => pieces.iter().flat_map(piece).collect(),
        other => panic!("these are no bytes: {other}"),
    }
}

fn piece(value: &Value) -> Vec<u8> {
    if let Some(text) = value.as_str() {
        return text.as_bytes().to_vec();
    }
    if let Some(count) = value.get("nul") {
        return vec![0; length(count)];
    }
    if let Some(unit) = value["repeat"].as_str() {
        return unit.repeat(length(&value["times"])).into_bytes();
    }
    match value["base64"].as_str() {
        Some(text) => base64(text),
        None => panic!("this is no piece of bytes: {value}"),
    }
}

fn length(value: &Value) -> usize {
    let number = value.as_u64().expect("a count");
    usize::try_from(number).expect("a count that fits")
}

fn base64(text: &str) -> Vec<u8> {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bits, mut held, mut out) = (0_u32, 0, Vec::new());
    for letter in text.bytes().filter(|letter| *letter != b'=') {
        let place = alphabet.iter().position(|other| *other == letter);
        bits = bits << 6 | u32::try_from(place.expect("a letter of base64")).unwrap();
        held += 6;
        if held >= 8 {
            held -= 8;
            out.push((bits >> held) as u8);
        }
    }
    out
}

/// Permission bits, written in octal.
pub fn mode(value: &Value) -> u32 {
    u32::from_str_radix(value.as_str().expect("a mode is a string"), 8).expect("octal")
}

/// Puts what `files` says in place.
pub fn place(path: &Path, entry: &Value) {
    if let Some(dir) = path.parent() {
        fs::create_dir_all(dir).unwrap();
    }
    if let Some(target) = entry["symlink"].as_str() {
        symlink(target, path).unwrap();
    } else if entry["directory"] == true {
        fs::create_dir_all(path).unwrap();
    } else if entry.is_object() {
        fs::write(path, bytes(&entry["bytes"])).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(mode(&entry["mode"]))).unwrap();
    } else {
        fs::write(path, bytes(entry)).unwrap();
    }
}

/// Whether the file is what `after` says.
pub fn check(path: &Path, entry: &Value) -> Result<(), String> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let seen = match fs::symlink_metadata(path) {
        Ok(seen) if entry.is_null() => return Err(format!("{name} is there: {seen:?}")),
        Ok(seen) => seen,
        Err(_) if entry.is_null() => return Ok(()),
        Err(error) => return Err(format!("{name}: {error}")),
    };
    if let Some(target) = entry["symlink"].as_str() {
        return same(&name, &fs::read_link(path).ok(), &Some(target.into()));
    }
    if entry["directory"] == true {
        return same(&name, &seen.is_dir(), &true);
    }
    if !seen.is_file() {
        return Err(format!("{name} is not a regular file"));
    }
    if entry.get("mode").is_some() {
        let bits = format!("{:o}", seen.permissions().mode() & 0o7777);
        let wanted = format!("{:o}", mode(&entry["mode"]));
        same(&format!("mode of {name}"), &bits, &wanted)?;
    }
    if entry["any"] == true {
        return Ok(());
    }
    let actual = fs::read(path).map_err(|error| format!("{name}: {error}"))?;
    if let Some(entries) = entry["torn"].as_array() {
        return check_torn(&actual, entries).map_err(|why| format!("{name}: {why}"));
    }
    let expected = if entry.is_object() {
        &entry["bytes"]
    } else {
        entry
    };
    same_bytes(&name, &actual, &bytes(expected))
}

/// `P.torn` as docs/protocol.md has it.
pub fn check_torn(mut rest: &[u8], entries: &[Value]) -> Result<(), String> {
    for entry in entries {
        let stop = rest.iter().position(|byte| *byte == b'\n');
        let stop = stop.ok_or("an entry is missing")?;
        let head: Value = serde_json::from_slice(&rest[..stop]).map_err(|e| e.to_string())?;
        let expected = bytes(&entry["bytes"]);
        same("offset", &head["offset"], &entry["offset"])?;
        same("nuls", &head["nuls"], &entry["nuls"])?;
        same("length", &head["length"], &Value::from(expected.len()))?;
        same("time is text", &head["time"].is_string(), &true)?;
        let body = rest
            .get(stop + 1..stop + 2 + expected.len())
            .ok_or("it is cut short")?;
        same_bytes("entry", body, &[&expected[..], b"\n"].concat())?;
        rest = &rest[stop + 1 + body.len()..];
    }
    same_bytes("behind the last entry", rest, b"")
}

/// What is there after a case: what `after` says; what only `files` names as it
/// was; and nothing else.
pub fn check_all(dir: &Path, case: &Value) -> Result<(), String> {
    let mut expected: BTreeMap<String, Value> = BTreeMap::new();
    for list in ["files", "after"] {
        for (name, entry) in case[list].as_object().into_iter().flatten() {
            expected.insert(name.clone(), entry.clone());
        }
    }
    for (name, entry) in &expected {
        check(&dir.join(name), entry)?;
    }
    let named: BTreeSet<&str> = expected
        .keys()
        .map(|name| name.split('/').next().unwrap_or(name))
        .collect();
    for entry in fs::read_dir(dir).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if !named.contains(&name[..])
            && ![".lock", ".rotated"].iter().any(|end| name.ends_with(end))
        {
            return Err(format!("{name} was left behind"));
        }
    }
    Ok(())
}

pub fn same<T: PartialEq + std::fmt::Debug>(
    what: &str,
    actual: &T,
    expected: &T,
) -> Result<(), String> {
    if actual == expected {
        return Ok(());
    }
    Err(format!("{what} is {actual:?}, not {expected:?}"))
}

pub fn same_bytes(what: &str, actual: &[u8], expected: &[u8]) -> Result<(), String> {
    if actual == expected {
        return Ok(());
    }
    let show = |bytes: &[u8]| {
        let end = &bytes[bytes.len().saturating_sub(120)..];
        format!("{} bytes, …\"{}\"", bytes.len(), end.escape_ascii())
    };
    Err(format!(
        "{what} is {}, not {}",
        show(actual),
        show(expected)
    ))
}
