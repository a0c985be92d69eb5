//! The files that a command works on.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::exit::{Failure, Result};

/// The kind of a file, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Journal,
    Document,
    /// The directory has an unfinished transaction.
    Transaction,
}

#[derive(Clone, Debug)]
pub struct Input {
    pub path: PathBuf,
    pub kind: Kind,
}

const JOURNALS: [&str; 2] = ["jsonl", "ndjson"];
const PENDING: [&str; 2] = [".untorn.txn", ".untorn.prep"];

/// Which files of a directory a command takes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Take {
    Journals,
    All,
}

/// Returns the files of these paths, in order of name. Directories are searched.
pub fn files(paths: &[PathBuf], take: Take, since: Option<SystemTime>) -> Result<Vec<Input>> {
    let mut found = Vec::new();
    for path in paths {
        let seen = fs::metadata(path).map_err(|error| Failure::of(path.display(), error))?;
        if seen.is_dir() {
            below(path, take, since, &mut found)?;
        } else {
            let kind = match path.extension().and_then(|end| end.to_str()) {
                Some("json") => Kind::Document,
                _ => Kind::Journal,
            };
            let path = path.clone();
            found.push(Input { path, kind });
        }
    }
    Ok(found)
}

fn below(dir: &Path, take: Take, since: Option<SystemTime>, found: &mut Vec<Input>) -> Result<()> {
    let failed = |error| Failure::of(dir.display(), error);
    let mut entries: Vec<_> = fs::read_dir(dir)
        .and_then(Iterator::collect::<std::io::Result<Vec<_>>>)
        .map_err(failed)?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        // A symbolic link is not followed: its target may be anywhere.
        let of = entry.file_type().map_err(failed)?;
        if of.is_dir() {
            below(&path, take, since, found)?;
        } else if of.is_file()
            && let Some(kind) = kind_in_directory(&path, take)
            && since.is_none_or(|since| is_newer(&entry, since))
        {
            found.push(Input { path, kind });
        }
    }
    Ok(())
}

fn kind_in_directory(path: &Path, take: Take) -> Option<Kind> {
    let name = path.file_name()?.to_str()?;
    if take == Take::All && PENDING.contains(&name) {
        return Some(Kind::Transaction);
    }
    match path.extension()?.to_str()? {
        end if JOURNALS.contains(&end) => Some(Kind::Journal),
        "json" if take == Take::All => Some(Kind::Document),
        _ => None,
    }
}

fn is_newer(entry: &fs::DirEntry, since: SystemTime) -> bool {
    let modified = entry.metadata().and_then(|seen| seen.modified());
    modified.is_ok_and(|modified| modified >= since)
}
