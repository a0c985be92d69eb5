//! `untorn watch`: shows a directory's journals again and again.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime};

use crate::args::{Handle, Watch};
use crate::exit::Result;
use crate::input::{Take, files};
use crate::output::{Output, Style, count, harmless, size, thousands};
use crate::when::ago;

/// The state at the last look.
struct Seen {
    at: Instant,
    end: untorn::Position,
}

pub fn run(watch: &Watch, handle: &Handle, out: &mut Output) -> Result {
    let mut seen: HashMap<PathBuf, Seen> = HashMap::new();
    let mut looks = 0;
    loop {
        let rows = look(watch, handle, &mut seen, out)?;
        print(&rows, out)?;
        out.flush()?;
        looks += 1;
        if watch.times.is_some_and(|times| looks >= times) {
            return Ok(0);
        }
        // Nothing tells of a lock that is taken, nor of a record in a directory of many.
        std::thread::sleep(watch.every);
    }
}

#[derive(Default, serde::Serialize)]
struct Row {
    path: PathBuf,
    bytes: u64,
    records_a_second: f64,
    holder: Option<String>,
    /// How many processes wait for the lock.
    waiting: usize,
    #[serde(skip)]
    at: Option<SystemTime>,
}

fn look(
    watch: &Watch,
    handle: &Handle,
    seen: &mut HashMap<PathBuf, Seen>,
    out: &mut Output,
) -> Result<Vec<Row>> {
    let dir = std::slice::from_ref(&watch.dir);
    let mut rows = Vec::new();
    for input in files(dir, Take::Journals, None, out)? {
        match row(&input.path, handle, seen) {
            Ok(row) => rows.push(row),
            // It was removed since it was listed.
            Err(_) if !input.path.exists() => {}
            // The next look shows all others again, so this line would be lost.
            Err(failure) if out.terminal && !out.json => rows.push(Row {
                holder: Some(failure.message),
                path: input.path,
                ..Row::default()
            }),
            Err(failure) => out.fail(&failure),
        }
    }
    rows.sort_by_key(|row| std::cmp::Reverse(row.at));
    Ok(rows)
}

fn row(path: &Path, handle: &Handle, seen: &mut HashMap<PathBuf, Seen>) -> Result<Row> {
    let journal = handle.journal(path, false, false)?;
    let end = journal.end()?;
    let at = Instant::now();
    let mut rate = 0.0;
    if let Some(last) = seen.get(path)
        && last.end.generation == end.generation
        && last.end.offset <= end.offset
    {
        let mut records = journal.records_from(last.end)?;
        let mut new = 0_u64;
        while records
            .next_record()?
            .is_some_and(|record| record.end <= end)
        {
            new += 1;
        }
        rate = new as f64 / (at - last.at).as_secs_f64().max(0.001);
    }
    seen.insert(path.to_owned(), Seen { at, end });
    let holder = untorn::holder(path)?.map(|holder| match holder.label {
        Some(label) => format!("pid {} ({label})", holder.pid),
        None => format!("pid {}", holder.pid),
    });
    let meta = std::fs::metadata(path).ok();
    Ok(Row {
        bytes: meta.as_ref().map_or(0, std::fs::Metadata::len),
        at: meta.and_then(|meta| meta.modified().ok()),
        path: path.to_owned(),
        records_a_second: rate,
        waiting: untorn::waiters(path)?.len(),
        holder,
    })
}

fn print(rows: &[Row], out: &mut Output) -> Result<()> {
    if out.json {
        return Ok(rows.iter().try_for_each(|row| out.object(row))?);
    }
    // Its size may have changed since the last look.
    let (columns, lines) = out.screen().unwrap_or((usize::MAX, usize::MAX));
    if out.escapes {
        // Go to the top and clear what is below, without flicker.
        out.raw(b"\x1b[H\x1b[J")?;
    }
    // The head, the sum, and the line below it, where the cursor is.
    let shown = rows.len().min(lines.saturating_sub(3));
    let cut = |text: String| text.chars().take(columns).collect::<String>();
    let head = format!(
        "{:>10} {:>9}  {:<14} {:<24} {:>7}  path",
        "records/s", "size", "last write", "lock", "waiting"
    );
    out.line(out.styled(Style::Faint, &cut(head)))?;
    for row in &rows[..shown] {
        out.line(cut(format!(
            "{:>10.1} {:>9}  {:<14} {:<24} {:>7}  {}",
            row.records_a_second,
            size(row.bytes),
            row.at.map_or(String::new(), ago),
            harmless(row.holder.as_deref().unwrap_or("-")),
            row.waiting,
            harmless(&row.path.display().to_string()),
        )))?;
    }
    let left = match rows.len() - shown {
        0 => String::new(),
        n => format!(", {} of them not shown", thousands(n as u64)),
    };
    Ok(out.line(cut(format!(
        "{}{left}",
        count(rows.len() as u64, "journal")
    )))?)
}
