//! `untorn rewind`, `compact`, `seal`, `sync`: the verbs of a journal.

use std::collections::HashMap;
use std::str::FromStr;

use untorn::Position;

use crate::args::{Compact, Handle, OneJournal, Rewind};
use crate::exit::{FOUND, Failure, Result};
use crate::json;
use crate::output::{Output, count};

pub fn rewind(rewind: &Rewind, handle: &Handle, out: &mut Output) -> Result {
    let journal = handle.journal(&rewind.path, false, false)?;
    let to = match (&rewind.to, rewind.records) {
        (Some(to), _) => Position::from_str(to).map_err(|_| {
            Failure::usage("--to takes a position, as cat --with-position prints it")
        })?,
        (None, Some(0) | None) => return Ok(0),
        (None, Some(n)) => {
            let last = journal.tail(n)?;
            let first = last.first().filter(|_| last.len() == n);
            let Some(first) = first else {
                out.complain(&format!(
                    "{}: the journal has fewer than {}",
                    rewind.path.display(),
                    count(n as u64, "record")
                ));
                return Ok(FOUND);
            };
            first.start
        }
    };
    let rotated = journal.rewind_with(to, &handle.call())?;
    match rotated {
        _ if out.json => {
            out.object(&serde_json::json!({ "path": rewind.path, "rotated": rotated }))?;
        }
        Some(path) => out.line(path.display().to_string())?,
        // No record was after the position.
        None => {}
    }
    Ok(0)
}

pub fn compact(compact: &Compact, handle: &Handle, out: &mut Output) -> Result {
    let journal = handle.journal(&compact.path, false, false)?;
    let steps = compact
        .keep_last_by
        .as_deref()
        .map(json::steps)
        .transpose()
        .map_err(Failure::usage)?;
    let mut rewrite = journal.begin_rewrite(&handle.call())?;
    // Two passes: only the end shows which record is the last of its key.
    let mut last = HashMap::new();
    let mut records = rewrite.records()?;
    let mut bad = 0;
    while let Some(record) = records.next_record()? {
        if handle.is_json() && untorn::inspect(record.bytes).is_some() {
            bad += 1;
        } else if let Some(key) = key_of(record.bytes, steps.as_deref()) {
            last.insert(key, record.start.offset);
        }
    }
    bad += records.damage_count();
    if bad > 0 && !compact.drop_damage {
        let why = format!(
            "{} would be lost: inspect them with untorn check, or add --drop-damage",
            count(bad, "damaged stretch")
        );
        return Err(Failure::of(compact.path.display(), why));
    }
    let (mut kept, mut left) = (0_u64, 0_u64);
    let mut records = rewrite.records()?;
    while let Some(record) = records.next_record()? {
        let good = !handle.is_json() || untorn::inspect(record.bytes).is_none();
        let stays = key_of(record.bytes, steps.as_deref())
            .is_none_or(|key| last.get(&key) == Some(&record.start.offset));
        if good && stays {
            rewrite.push_encoded(record.bytes)?;
            kept += 1;
        } else {
            left += 1;
        }
    }
    rewrite.commit()?;
    if out.json {
        out.object(&serde_json::json!({ "path": compact.path, "kept": kept, "removed": left }))?;
    } else if !out.quiet {
        out.line(format!("{} kept, {left} removed", count(kept, "record")))?;
    }
    Ok(0)
}

fn key_of(record: &[u8], steps: Option<&[&str]>) -> Option<String> {
    let text = std::str::from_utf8(record).ok()?;
    json::select(text, steps?).map(str::to_owned)
}

/// The records stay as they are.
pub fn seal(one: &OneJournal, handle: &Handle, out: &mut Output) -> Result {
    let options = Handle {
        sealed: true,
        header_prefix: handle.header_prefix.clone(),
        ..*handle
    };
    let report = options.journal(&one.path, false, false)?.verify()?;
    if report.damage_count > 0 {
        let why = format!(
            "{} would be lost: untorn check",
            count(report.damage_count, "damaged stretch")
        );
        return Err(Failure::of(one.path.display(), why));
    }
    let journal = options.journal(&one.path, false, false)?;
    let mut rewrite = journal.begin_rewrite(&handle.call())?;
    let mut records = rewrite.records()?;
    let mut sealed = 0_u64;
    while let Some(record) = records.next_record()? {
        rewrite.push(record.bytes)?;
        sealed += 1;
    }
    rewrite.commit()?;
    if out.json {
        out.object(&serde_json::json!({ "path": one.path, "records": sealed }))?;
    } else if !out.quiet {
        out.line(format!("{} sealed", count(sealed, "record")))?;
    }
    Ok(0)
}

pub fn sync(one: &OneJournal, handle: &Handle, out: &mut Output) -> Result {
    handle.journal(&one.path, false, false)?.sync()?;
    if out.json {
        out.object(&serde_json::json!({ "path": one.path }))?;
    }
    Ok(0)
}
