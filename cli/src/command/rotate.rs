//! `untorn rotate`: begins a journal again, and removes or compresses old rotated files.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::Serialize;
use untorn::{FileLock, Journal};

use crate::args::{Handle, Rotate};
use crate::exit::{Failure, Result};
use crate::gzip;
use crate::output::{Output, count, harmless};

#[derive(Serialize)]
struct Rotated<'a> {
    path: &'a Path,
    /// `null`: the journal had no records.
    rotated: Option<PathBuf>,
    /// How many rotated files were removed.
    removed: u64,
    /// The compressed copies of the removed files.
    compressed: Vec<PathBuf>,
}

pub fn run(rotate: &Rotate, handle: &Handle, out: &mut Output) -> Result {
    let journal = handle.journal(&rotate.path, false, false)?;
    let rotated = journal.rotate_with(&handle.call())?;
    if let Some(path) = rotated.as_ref().filter(|_| !out.json) {
        out.line(path.display().to_string())?;
        out.flush()?;
    }
    let (keep, age) = (
        rotate.keep.unwrap_or(0),
        rotate.older.unwrap_or(Duration::ZERO),
    );
    let (removed, compressed) = match (rotate.keep, rotate.older) {
        (None, None) => (0, Vec::new()),
        _ if rotate.gzip => compress(&journal, rotate, handle, out)?,
        _ => {
            let removed = journal.prune_rotated_with(keep, age, &handle.call())?;
            (removed, Vec::new())
        }
    };
    if out.json {
        out.object(&Rotated {
            path: &rotate.path,
            rotated,
            removed,
            compressed,
        })?;
    } else if removed > 0 && !out.quiet {
        let copies = match compressed.len() {
            0 => String::new(),
            n => format!(", {} kept", count(n as u64, "compressed copy")),
        };
        out.line(format!(
            "{} removed{copies}",
            count(removed, "rotated file")
        ))?;
    }
    Ok(0)
}

/// Compresses the old rotated files, and only then removes them. A rotated file does not
/// change, so no lock is held while it is compressed.
fn compress(
    journal: &Journal,
    rotate: &Rotate,
    handle: &Handle,
    out: &mut Output,
) -> Result<(u64, Vec<PathBuf>)> {
    let mut done: Vec<(PathBuf, PathBuf)> = Vec::new();
    loop {
        let all = journal.rotated()?;
        let old = old(&all, rotate)?;
        for (at, path) in old.iter().enumerate() {
            if done.iter().all(|(original, _)| original != path) {
                let copy = gzip::copy(path)
                    .map_err(|error| Failure::of(harmless(&path.display().to_string()), error))?;
                done.push((path.clone(), copy));
            }
            out.progress(at as u64 + 1, old.len() as u64, "files");
        }
        let mut lock = FileLock::options().timeout(handle.timeout);
        if let Some(scheme) = handle.scheme {
            lock = lock.scheme(scheme);
        }
        let guard = lock.acquire(&rotate.path)?;
        // Another process may have rotated meanwhile: then more files are old.
        let now = journal.rotated()?;
        let old = self::old(&now, rotate)?;
        if old
            .iter()
            .any(|path| done.iter().all(|(original, _)| original != path))
        {
            continue;
        }
        let keep = (now.len() - old.len()) as u64;
        let removed =
            journal.prune_rotated_with(keep, Duration::ZERO, &handle.call().lock(&guard))?;
        return Ok((removed, done.into_iter().map(|(_, copy)| copy).collect()));
    }
}

/// Returns those that `prune_rotated` would remove: the oldest.
fn old<'a>(all: &'a [PathBuf], rotate: &Rotate) -> Result<&'a [PathBuf]> {
    let keep = rotate
        .keep
        .map_or(0, |n| usize::try_from(n).unwrap_or(usize::MAX));
    let surplus = &all[..all.len().saturating_sub(keep)];
    let Some(age) = rotate.older else {
        return Ok(surplus);
    };
    for (at, path) in surplus.iter().enumerate() {
        let modified = path.metadata().and_then(|seen| seen.modified());
        let modified = modified.map_err(|error| Failure::of(path.display(), error))?;
        let past = SystemTime::now().duration_since(modified);
        if past.unwrap_or_default() <= age {
            return Ok(&surplus[..at]);
        }
    }
    Ok(surplus)
}
