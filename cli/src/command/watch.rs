//! `untorn watch`: shows a directory's journals again and again.

use std::collections::HashMap;
use std::io::Write;
use std::path::PathBuf;
use std::time::{Instant, SystemTime};

use crate::args::{Handle, Watch};
use crate::exit::Result;
use crate::input::{Take, files};
use crate::output::{Output, Style, harmless, size, thousands};
use crate::when::ago;

/// The state at the last look.
struct Seen {
    at: Instant,
    end: untorn::Position,
    records: u64,
}

pub fn run(watch: &Watch, handle: &Handle, out: &mut Output) -> Result {
    let mut seen: HashMap<PathBuf, Seen> = HashMap::new();
    let mut looks = 0;
    loop {
        let rows = look(watch, handle, &mut seen)?;
        if out.terminal && !out.json {
            // Go to the top and clear what is below, without flicker.
            out.raw(b"\x1b[H\x1b[J")?;
        }
        print(&rows, out)?;
        out.flush()?;
        looks += 1;
        if watch.times.is_some_and(|times| looks >= times) {
            return Ok(0);
        }
        std::io::stderr().flush()?;
        std::thread::sleep(watch.every);
    }
}

#[derive(serde::Serialize)]
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

fn look(watch: &Watch, handle: &Handle, seen: &mut HashMap<PathBuf, Seen>) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for input in files(std::slice::from_ref(&watch.dir), Take::Journals, None)? {
        let Ok(journal) = handle.journal(&input.path, false, false) else {
            continue;
        };
        let end = journal.end()?;
        let now = Instant::now();
        let mut rate = 0.0;
        match seen.get_mut(&input.path) {
            Some(last)
                if last.end.generation == end.generation && last.end.offset <= end.offset =>
            {
                let mut records = journal.records_from(last.end)?;
                let mut new = 0_u64;
                while let Some(record) = records.next_record()? {
                    if record.end.offset > end.offset {
                        break;
                    }
                    new += 1;
                }
                rate = new as f64 / (now - last.at).as_secs_f64().max(0.001);
                *last = Seen {
                    at: now,
                    end,
                    records: last.records + new,
                };
            }
            _ => {
                seen.insert(
                    input.path.clone(),
                    Seen {
                        at: now,
                        end,
                        records: 0,
                    },
                );
            }
        }
        let holder = untorn::holder(&input.path)?.map(|holder| match holder.label {
            Some(label) => format!("pid {} ({label})", holder.pid),
            None => format!("pid {}", holder.pid),
        });
        let meta = std::fs::metadata(&input.path).ok();
        let waiting = untorn::waiters(&input.path)?.len();
        rows.push(Row {
            bytes: meta.as_ref().map_or(0, std::fs::Metadata::len),
            at: meta.and_then(|meta| meta.modified().ok()),
            path: input.path,
            records_a_second: rate,
            waiting,
            holder,
        });
    }
    rows.sort_by_key(|row| std::cmp::Reverse(row.at));
    Ok(rows)
}

fn print(rows: &[Row], out: &mut Output) -> Result<()> {
    if out.json {
        return Ok(rows.iter().try_for_each(|row| out.object(row))?);
    }
    let head = out.styled(
        Style::Faint,
        &format!(
            "{:>10} {:>9}  {:<14} {:<24} {:>7}  path",
            "records/s", "size", "last write", "lock", "waiting"
        ),
    );
    out.line(head)?;
    for row in rows.iter().take(40) {
        out.line(format!(
            "{:>10.1} {:>9}  {:<14} {:<24} {:>7}  {}",
            row.records_a_second,
            size(row.bytes),
            row.at.map_or(String::new(), ago),
            harmless(row.holder.as_deref().unwrap_or("-")),
            row.waiting,
            harmless(&row.path.display().to_string()),
        ))?;
    }
    Ok(out.line(format!("{} journals", thousands(rows.len() as u64)))?)
}
