//! `untorn convert`: JSON Lines from a JSON array, and back; CSV.

use std::fs;
use std::io::Write;
use std::path::Path;

use serde_json::value::RawValue;

use crate::args::{Convert, Handle};
use crate::csv;
use crate::exit::{FOUND, Failure, Result};
use crate::output::{Output, count};

enum End {
    Journal,
    Array,
    Csv,
}

fn end(path: &Path) -> Result<End> {
    match path.extension().and_then(|end| end.to_str()) {
        Some("jsonl" | "ndjson") => Ok(End::Journal),
        Some("json") => Ok(End::Array),
        Some("csv") => Ok(End::Csv),
        _ => Err(Failure::usage(format!(
            "{}: the name must end in .jsonl, .ndjson, .json or .csv",
            path.display()
        ))),
    }
}

pub fn run(convert: &Convert, handle: &Handle, out: &mut Output) -> Result {
    fresh(&convert.output)?;
    let (records, bad) = match (end(&convert.input)?, end(&convert.output)?) {
        (End::Array, End::Journal) => (to_journal(convert, handle)?, 0),
        (End::Journal, End::Array) => to_array(convert, handle)?,
        (End::Journal, End::Csv) => to_csv(convert, handle)?,
        (End::Journal, End::Journal) => copied(convert, handle)?,
        _ => {
            return Err(Failure::usage(
                "convert reads a journal or a JSON array, and writes a journal, an array or .csv \
                 (an array becomes .csv by way of .jsonl)",
            ));
        }
    };
    if out.json {
        let path = &convert.output;
        out.object(&serde_json::json!({ "path": path, "records": records, "damage": bad }))?;
    } else if !out.quiet {
        out.line(count(records, "record"))?;
    }
    if bad > 0 {
        out.complain(&format!("{} left out", count(bad, "damaged record")));
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

/// Passes on each good record of the input, and keeps the bytes of each damaged one.
fn each(
    convert: &Convert,
    handle: &Handle,
    mut take: impl FnMut(&[u8]) -> Result<()>,
) -> Result<(u64, u64)> {
    let mut paths = match convert.rotated {
        true => handle.journal(&convert.input, false, false)?.rotated()?,
        false => Vec::new(),
    };
    paths.push(convert.input.clone());
    let (mut good, mut bad) = (0, 0);
    for path in &paths {
        let journal = handle.journal(path, false, false)?;
        let report = journal.verify()?;
        if report.damage_count > 0 && convert.skip_bad.is_none() {
            let why = format!(
                "{}: --skip-bad FILE leaves damage out and keeps its bytes",
                count(report.damage_count, "damaged stretch")
            );
            return Err(Failure::of(path.display(), why));
        }
        let mut records = journal.records()?;
        while let Some(record) = records.next_record()? {
            if !handle.is_json() || untorn::inspect(record.bytes).is_none() {
                take(record.bytes)?;
                good += 1;
            }
        }
        if let Some(kept) = &convert.skip_bad {
            keep_bad(path, kept, &report.damage)?;
        }
        bad += report.damage_count;
    }
    Ok((good, bad))
}

fn keep_bad(from: &Path, to: &Path, damages: &[untorn::Damage]) -> Result<()> {
    use std::io::{Read, Seek, SeekFrom};

    let failed = |error| Failure::of(to.display(), error);
    let mut options = fs::OpenOptions::new();
    let mut kept = options.append(true).create(true).open(to).map_err(failed)?;
    let mut file = fs::File::open(from).map_err(|error| Failure::of(from.display(), error))?;
    for damage in damages {
        file.seek(SeekFrom::Start(damage.offset)).map_err(failed)?;
        std::io::copy(&mut Read::by_ref(&mut file).take(damage.length), &mut kept)
            .map_err(failed)?;
    }
    Ok(())
}

fn to_array(convert: &Convert, handle: &Handle) -> Result<(u64, u64)> {
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

fn to_csv(convert: &Convert, handle: &Handle) -> Result<(u64, u64)> {
    let mut columns = convert.columns.clone();
    let mut text = String::new();
    let counts = each(convert, handle, |record| {
        let record = String::from_utf8_lossy(record);
        if columns.is_empty() {
            columns = csv::columns(&record);
        }
        text += &csv::line(&record, &columns).map_err(Failure::usage)?;
        text += "\r\n";
        Ok(())
    })?;
    let all = format!("{}\r\n{text}", csv::head(&columns));
    handle.document(&convert.output)?.create(all.as_bytes())?;
    Ok(counts)
}

fn copied(convert: &Convert, handle: &Handle) -> Result<(u64, u64)> {
    let plain = Handle {
        sealed: false,
        header_prefix: None,
        ..*handle
    };
    // Without --rotated the seals are added or removed; with it they stay as they are.
    let journal = if handle.sealed != convert.rotated {
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
