//! `untorn torn`: what repairs have cut off.

use std::path::Path;

use serde::Serialize;
use untorn::TornEntry;

use crate::args::{Handle, Torn};
use crate::exit::{FOUND, Failure, Result};
use crate::input::{Take, files};
use crate::output::{Output, count, harmless, size};

#[derive(Serialize)]
struct Entry<'a> {
    path: &'a Path,
    number: u64,
    time: &'a str,
    /// The place of the bytes in the journal as it was.
    offset: u64,
    length: u64,
    /// The number of NULs that followed them, which are not kept.
    nuls: u64,
    /// The kind of damage, or another reason; `null` for a torn tail.
    why: Option<&'a str>,
}

pub fn run(torn: &Torn, handle: &Handle, out: &mut Output) -> Result {
    let inputs = files(&torn.paths, Take::Journals, None, out)?;
    let one = torn.cat.or(torn.restore);
    if one.is_some() && inputs.len() != 1 {
        return Err(Failure::usage("--cat and --restore take one journal"));
    }
    let mut any = false;
    for input in &inputs {
        let journal = handle.journal(&input.path, false, false)?;
        if let Some(number) = torn.cat {
            out.raw(&journal.torn_bytes(number)?)?;
            return Ok(0);
        }
        if let Some(number) = torn.restore {
            let end = journal.restore_torn_with(number, &handle.call())?;
            if out.json {
                let position = end.to_string();
                let path = &input.path;
                out.object(
                    &serde_json::json!({ "path": path, "number": number, "position": position }),
                )?;
            } else if !out.quiet {
                out.line(format!(
                    "entry {number} appended; the journal ends at {end}"
                ))?;
            }
            return Ok(0);
        }
        let entries = journal.torn()?;
        any |= !entries.is_empty();
        if torn.prune && !entries.is_empty() {
            let age = torn.older.unwrap_or_default();
            let forgotten = journal.prune_torn_with(age, &handle.call())?;
            if out.json {
                out.object(&serde_json::json!({ "path": input.path, "forgotten": forgotten }))?;
            } else if !out.quiet && forgotten > 0 {
                let name = harmless(&input.path.display().to_string());
                out.line(format!("{name}: {} forgotten", count(forgotten, "entry")))?;
            }
            continue;
        }
        for entry in &entries {
            print(&input.path, entry, out)?;
        }
    }
    Ok(if any || torn.prune { 0 } else { FOUND })
}

fn print(path: &Path, entry: &TornEntry, out: &mut Output) -> Result<()> {
    let why = entry.why.as_deref();
    if out.json {
        return Ok(out.object(&Entry {
            path,
            number: entry.number,
            time: &entry.time,
            offset: entry.offset,
            length: entry.length,
            nuls: entry.nuls,
            why,
        })?);
    }
    let nuls = match entry.nuls {
        0 => String::new(),
        n => format!(", then {}", count(n, "NUL")),
    };
    Ok(out.line(format!(
        "{} #{}  {}  {} from offset {}{nuls}  {}",
        harmless(&path.display().to_string()),
        entry.number,
        entry.time,
        size(entry.length),
        entry.offset,
        why.unwrap_or("torn_tail"),
    ))?)
}
