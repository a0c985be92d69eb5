//! `untorn stats`: figures about journals.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::Serialize;

use super::since::time;
use crate::args::{Handle, Sort, Stats};
use crate::exit::Result;
use crate::input::{Take, each, files};
use crate::output::{Output, Style, count, harmless, size, thousands};
use crate::when::ago;

#[derive(Default, Serialize)]
struct Row {
    path: PathBuf,
    records: u64,
    bytes: u64,
    /// The bytes of the largest record.
    largest: u64,
    damage: u64,
    /// The bytes of `P.torn`, which repairs have cut off.
    torn: u64,
    /// How many rotated files the journal has.
    rotated: u64,
    /// The times of the first and the last record, in seconds since 1970.
    first: Option<f64>,
    last: Option<f64>,
    /// Seconds since 1970.
    modified: Option<u64>,
    /// How many journals a directory has, with --by-dir.
    #[serde(skip_serializing_if = "Option::is_none")]
    journals: Option<u64>,
    #[serde(skip)]
    at: Option<SystemTime>,
}

pub fn run(stats: &Stats, handle: &Handle, out: &mut Output) -> Result {
    let inputs = files(&stats.paths, Take::Journals, None, out)?;
    let mut rows = Vec::with_capacity(inputs.len());
    each(&inputs, out, |input, _| {
        rows.push(row(&input.path, handle)?);
        Ok(())
    })?;
    let journals = rows.len() as u64;
    if stats.by_dir {
        rows = by_dir(rows);
    }
    match stats.sort {
        Sort::Size => rows.sort_by_key(|row| std::cmp::Reverse(row.bytes)),
        Sort::Records => rows.sort_by_key(|row| std::cmp::Reverse(row.records)),
        Sort::Damage => rows.sort_by_key(|row| std::cmp::Reverse(row.damage)),
        Sort::Time => rows.sort_by_key(|row| std::cmp::Reverse(row.at)),
        Sort::Path => {}
    }
    let cut = if out.terminal && !out.json {
        20
    } else {
        rows.len()
    };
    let top = stats.top.unwrap_or(cut);
    if out.json {
        return rows
            .iter()
            .take(top)
            .try_for_each(|row| out.object(row))
            .map(|()| 0)
            .map_err(Into::into);
    }
    let head = format!(
        "{:>10} {:>9} {:>9} {:>6} {:>9}  {:<12} path",
        "records", "size", "largest", "damage", "torn", "last write"
    );
    let head = out.styled(Style::Faint, &head);
    out.line(head)?;
    for row in rows.iter().take(top) {
        print(row, out)?;
    }
    if rows.len() > top {
        out.line(format!("{:>10}", "…"))?;
    }
    let sum = |of: fn(&Row) -> u64| rows.iter().map(of).sum::<u64>();
    out.line(format!(
        "{:>10} {:>9} {:>9} {:>6} {:>9}  {:<12} {}",
        thousands(sum(|row| row.records)),
        size(sum(|row| row.bytes)),
        size(rows.iter().map(|row| row.largest).max().unwrap_or(0)),
        sum(|row| row.damage),
        size(sum(|row| row.torn)),
        "",
        count(journals, "journal"),
    ))?;
    Ok(0)
}

fn row(path: &Path, handle: &Handle) -> Result<Row> {
    let journal = handle.journal(path, false, false)?;
    let mut records = journal.records()?;
    let (mut good, mut largest, mut bad) = (0, 0, 0);
    let json = handle.is_json();
    let mut first = None;
    while let Some(record) = records.next_record()? {
        if json && untorn::inspect(record.bytes).is_some() {
            bad += 1;
            continue;
        }
        if good == 0 {
            first = time(record.bytes, None);
        }
        good += 1;
        largest = largest.max(record.bytes.len() as u64);
    }
    let last = journal.tail(1)?;
    let last = last.first().and_then(|record| time(&record.bytes, None));
    let mut torn = path.as_os_str().to_owned();
    torn.push(".torn");
    let seen = std::fs::metadata(path).ok();
    let at = seen.as_ref().and_then(|seen| seen.modified().ok());
    Ok(Row {
        path: path.to_owned(),
        records: good,
        bytes: seen.map_or(0, |seen| seen.len()),
        largest,
        damage: bad + records.damage_count(),
        torn: std::fs::metadata(torn).map_or(0, |seen| seen.len()),
        rotated: journal.rotated()?.len() as u64,
        first,
        last,
        modified: at.and_then(seconds),
        journals: None,
        at,
    })
}

fn seconds(at: SystemTime) -> Option<u64> {
    let since = at.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    Some(since.as_secs())
}

/// Sums up the journals of each directory, without those of the directories in it:
/// so the sums of all directories are the sum of all journals.
fn by_dir(rows: Vec<Row>) -> Vec<Row> {
    let mut dirs = BTreeMap::new();
    for row in rows {
        let dir = row.path.parent().filter(|dir| !dir.as_os_str().is_empty());
        let dir = dir.unwrap_or(Path::new(".")).to_owned();
        let sum = dirs.entry(dir.clone()).or_insert(Row {
            path: dir,
            ..Row::default()
        });
        sum.records += row.records;
        sum.bytes += row.bytes;
        sum.largest = sum.largest.max(row.largest);
        sum.damage += row.damage;
        sum.torn += row.torn;
        sum.rotated += row.rotated;
        sum.first = either(sum.first, row.first, f64::min);
        sum.last = either(sum.last, row.last, f64::max);
        sum.at = sum.at.max(row.at);
        sum.modified = sum.modified.max(row.modified);
        sum.journals = Some(sum.journals.unwrap_or(0) + 1);
    }
    dirs.into_values().collect()
}

fn either(a: Option<f64>, b: Option<f64>, choose: fn(f64, f64) -> f64) -> Option<f64> {
    match (a, b) {
        (Some(a), Some(b)) => Some(choose(a, b)),
        _ => a.or(b),
    }
}

fn print(row: &Row, out: &mut Output) -> Result<()> {
    let damage = format!("{:>6}", row.damage);
    let damage = if row.damage > 0 {
        out.styled(Style::Bad, &damage)
    } else {
        damage
    };
    let journals = match row.journals {
        Some(journals) => format!(": {}", count(journals, "journal")),
        None => String::new(),
    };
    Ok(out.line(format!(
        "{:>10} {:>9} {:>9} {damage} {:>9}  {:<12} {}{journals}",
        thousands(row.records),
        size(row.bytes),
        size(row.largest),
        size(row.torn),
        row.at.map_or(String::new(), ago),
        harmless(&row.path.display().to_string()),
    ))?)
}
