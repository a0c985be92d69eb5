//! The files that a command works on.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::exit::{Failure, Result};
use crate::output::Output;

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

/// Returns the files of these paths, in order of name. Directories are searched. One
/// that can't be read is reported, and the others are searched.
pub fn files(
    paths: &[PathBuf],
    take: Take,
    since: Option<SystemTime>,
    out: &mut Output,
) -> Result<Vec<Input>> {
    let mut found = Vec::new();
    for path in paths {
        let seen = fs::metadata(path).map_err(|error| Failure::of(path.display(), error));
        match seen {
            Ok(seen) if seen.is_dir() => below(path, take, since, &mut found, out),
            Ok(_) => {
                let kind = match path.extension().and_then(|end| end.to_str()) {
                    Some("json") => Kind::Document,
                    _ => Kind::Journal,
                };
                let path = path.clone();
                found.push(Input { path, kind });
            }
            Err(failure) if paths.len() > 1 => out.fail(&failure),
            Err(failure) => return Err(failure),
        }
    }
    Ok(found)
}

fn below(
    dir: &Path,
    take: Take,
    since: Option<SystemTime>,
    found: &mut Vec<Input>,
    out: &mut Output,
) {
    let entries = fs::read_dir(dir).and_then(Iterator::collect::<io::Result<Vec<_>>>);
    let mut entries = match entries {
        Ok(entries) => entries,
        // It was removed since it was listed.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return,
        Err(error) => return out.fail(&Failure::of(dir.display(), error)),
    };
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        // A symbolic link is not followed: its target may be anywhere.
        let Ok(of) = entry.file_type() else { continue };
        if of.is_dir() {
            below(&path, take, since, found, out);
        } else if of.is_file()
            && let Some(kind) = kind_in_directory(&path, take)
            && since.is_none_or(|since| is_newer(&entry, since))
        {
            found.push(Input { path, kind });
        }
    }
}

/// Does `work` for each file. One of many that fails is reported, and the others follow.
pub fn each(
    inputs: &[Input],
    out: &mut Output,
    mut work: impl FnMut(&Input, &mut Output) -> Result<()>,
) -> Result<()> {
    for (at, input) in inputs.iter().enumerate() {
        match work(input, out) {
            Err(failure) if failure.of_one_file && inputs.len() > 1 => out.fail(&failure),
            result => result?,
        }
        out.progress(at as u64 + 1, inputs.len() as u64, "files");
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
