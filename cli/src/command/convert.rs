//! `untorn convert`: JSON Lines from a JSON array, and back.

use std::fs;
use std::io::Write;
use std::path::Path;

use serde_json::value::RawValue;

use crate::args::{Convert, Handle};
use crate::exit::{FOUND, Failure, Result};
use crate::input::Kind;
use crate::output::{Output, thousands};

fn kind(path: &Path) -> Result<Kind> {
    match path.extension().and_then(|end| end.to_str()) {
        Some("jsonl" | "ndjson") => Ok(Kind::Journal),
        Some("json") => Ok(Kind::Document),
        _ => Err(Failure::usage(format!(
            "{}: the name must end in .jsonl, .ndjson or .json",
            path.display()
        ))),
    }
}

pub fn run(convert: &Convert, handle: &Handle, out: &mut Output) -> Result {
    let (count, bad) = match (kind(&convert.input)?, kind(&convert.output)?) {
        (Kind::Document, Kind::Journal) => (to_journal(convert, handle)?, 0),
        (Kind::Journal, Kind::Document) => to_array(convert, handle)?,
        (Kind::Journal, Kind::Journal) => copied(convert, handle)?,
        _ => {
            return Err(Failure::usage(
                "nothing to convert: both are JSON documents",
            ));
        }
    };
    if !out.quiet {
        out.line(format!("{} records", thousands(count)))?;
    }
    if bad > 0 {
        out.complain(&format!("{bad} damaged records left out"));
    }
    Ok(if bad > 0 { FOUND } else { 0 })
}

/// Checks that the output is a new file: an existing one is not overwritten.
fn fresh(path: &Path) -> Result<()> {
    if path.exists() {
        return Err(Failure::of(
            path.display(),
            "the file exists already, and is not overwritten",
        ));
    }
    Ok(())
}

fn to_journal(convert: &Convert, handle: &Handle) -> Result<u64> {
    fresh(&convert.output)?;
    let failed = |error: &dyn std::fmt::Display| Failure::of(convert.input.display(), error);
    let text = fs::read_to_string(&convert.input).map_err(|error| failed(&error))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let values: Vec<&RawValue> = serde_json::from_str(text)
        .map_err(|error| failed(&format!("not a JSON array: {error}")))?;
    let journal = handle.journal(&convert.output, true, false)?;
    let mut batch = journal.batch();
    for value in &values {
        batch.push(one_line(value.get()).as_bytes())?;
    }
    journal.append_batch(&batch, None, &handle.call())?;
    Ok(values.len() as u64)
}

/// Removes line breaks between the tokens. JSON strings contain none.
fn one_line(text: &str) -> String {
    text.replace(['\n', '\r'], " ")
}

/// Passes on each good record, and the bytes of each damaged one.
fn each(
    convert: &Convert,
    handle: &Handle,
    mut take: impl FnMut(&[u8]) -> Result<()>,
) -> Result<(u64, u64)> {
    let journal = handle.journal(&convert.input, false, false)?;
    let report = journal.verify()?;
    if report.damage_count > 0 && convert.skip_bad.is_none() {
        let why = format!(
            "{} damaged stretches: --skip-bad FILE leaves them out and keeps their bytes",
            report.damage_count
        );
        return Err(Failure::of(convert.input.display(), why));
    }
    let mut count = 0;
    let mut records = journal.records()?;
    while let Some(record) = records.next_record()? {
        if !handle.is_json() || untorn::inspect(record.bytes).is_none() {
            take(record.bytes)?;
            count += 1;
        }
    }
    if let Some(bad) = &convert.skip_bad {
        keep_bad(&convert.input, bad, &report.damage)?;
    }
    Ok((count, report.damage_count))
}

fn keep_bad(from: &Path, to: &Path, damages: &[untorn::Damage]) -> Result<()> {
    use std::io::{Read, Seek, SeekFrom};

    let failed = |error| Failure::of(to.display(), error);
    let mut options = fs::OpenOptions::new();
    let mut kept = options
        .write(true)
        .create_new(true)
        .open(to)
        .map_err(failed)?;
    let mut file = fs::File::open(from).map_err(|error| Failure::of(from.display(), error))?;
    for damage in damages {
        file.seek(SeekFrom::Start(damage.offset)).map_err(failed)?;
        std::io::copy(&mut Read::by_ref(&mut file).take(damage.length), &mut kept)
            .map_err(failed)?;
    }
    Ok(())
}

fn to_array(convert: &Convert, handle: &Handle) -> Result<(u64, u64)> {
    fresh(&convert.output)?;
    let mut text = Vec::from(b"[");
    let counts = each(convert, handle, |record| {
        if text.len() > 1 {
            text.push(b',');
        }
        text.push(b'\n');
        text.extend_from_slice(record);
        Ok(())
    })?;
    text.write_all(b"\n]\n")?;
    handle.document(&convert.output)?.create(&text)?;
    Ok(counts)
}

fn copied(convert: &Convert, handle: &Handle) -> Result<(u64, u64)> {
    fresh(&convert.output)?;
    let plain = Handle {
        sealed: false,
        header_prefix: None,
        ..*handle
    };
    let journal = if handle.sealed {
        plain.journal(&convert.output, true, false)?
    } else {
        let sealed = Handle {
            sealed: true,
            header_prefix: None,
            ..*handle
        };
        sealed.journal(&convert.output, true, false)?
    };
    let mut batch = journal.batch();
    let counts = each(convert, handle, |record| Ok(batch.push(record)?))?;
    journal.append_batch(&batch, None, &handle.call())?;
    Ok(counts)
}
