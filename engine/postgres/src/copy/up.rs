//! From files to the database.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use untorn::{CallOptions, Error, ReconcileStart as FilesStart, Reconciled, engine};

use super::{Copied, DEAD, OTHER, PIECE, conflict, is_journal, os_error};
use crate::kept::{Change, Kept};
use crate::reconcile::ReconcileStart;
use crate::store::Store;

impl Store {
    /// Copies all sessions of a store of files to this one. Sessions that have an owner
    /// are skipped, and listed.
    ///
    /// # Errors
    /// `CANCELLED`; failures of the system, and those of the database. The copied part
    /// stays, and the next call goes on.
    pub fn copy_from(
        &self,
        files: &untorn::Store,
        call: &CallOptions<'_>,
    ) -> Result<Copied, Error> {
        let wait = engine::Waiting::begin("copy", files.path(), call, None)?;
        let mut copied = Copied::default();
        for key in files.keys()? {
            wait.check("copy", files.path())?;
            let one = self.copy_session_from(files, &key, &wait);
            copied.note(key, one)?;
        }
        Ok(copied)
    }

    fn copy_session_from(
        &self,
        files: &untorn::Store,
        key: &str,
        wait: &engine::Waiting<'_>,
    ) -> Result<Copied, Error> {
        let (from, to) = (files.session(key)?, self.session(key)?);
        // A claim and its release would end what a reconciliation needs to know.
        match from.begin_reconcile(|| Ok(false), &CallOptions::new())? {
            FilesStart::Turn(_) => return Err(conflict(from.path(), DEAD)),
            FilesStart::Not(Reconciled::Busy) => {
                return Err(conflict(
                    from.path(),
                    "another process reconciles the session",
                ));
            }
            FilesStart::Not(_) => {}
        }
        if let ReconcileStart::Turn(_) = to.begin_reconcile(|| Ok(false), &CallOptions::new())? {
            return Err(conflict(&to.kept.name, DEAD));
        }
        let owned = from.claim("store copy")?;
        let lease = to.claim("store copy")?;
        let mut copied = Copied::default();
        let mut names = Vec::new();
        list(from.path(), String::new(), &mut names)?;
        for (name, path) in names {
            wait.check("copy", &path)?;
            let mut generation = None;
            if is_journal(&name, &self.shared.options.journal_name) {
                // A file of another kind has no positions.
                let journal = untorn::Journal::open(&path)?;
                generation = journal.end().ok().map(|end| end.generation as i64);
            }
            let (size, new) = copy_file(&to.kept, &name, &path, generation)?;
            copied.files += 1;
            copied.bytes += size;
            copied.copied += new;
        }
        lease.release()?;
        owned.release()?;
        Ok(copied)
    }
}

/// Lists the program's own files of a session, those of directories in it too.
fn list(dir: &Path, before: String, names: &mut Vec<(String, PathBuf)>) -> Result<(), Error> {
    let entries = std::fs::read_dir(dir).map_err(|error| os_error(dir, error))?;
    for entry in entries {
        let entry = entry.map_err(|error| os_error(dir, error))?;
        let path = entry.path();
        let file_name = entry.file_name();
        let Some(name) = file_name.to_str() else {
            return Err(Error::invalid_argument(
                "copy",
                &path,
                "the name is not UTF-8",
            ));
        };
        if engine::is_own_file(name) {
            continue;
        }
        let kind = entry.file_type().map_err(|error| os_error(&path, error))?;
        let full = format!("{before}{name}");
        if kind.is_dir() {
            list(&path, format!("{full}/"), names)?;
        } else if kind.is_file() {
            names.push((full, path));
        } else {
            let why = "neither a file nor a directory, which a database can't keep";
            return Err(Error::invalid_argument("copy", &path, why));
        }
    }
    Ok(())
}

/// Returns the size, and how many bytes were new.
fn copy_file(
    to: &Kept,
    name: &str,
    path: &Path,
    generation: Option<i64>,
) -> Result<(u64, u64), Error> {
    let shown = to.name_of(name);
    let mut file = File::open(path).map_err(|error| os_error(path, error))?;
    let mut next = || -> Result<Vec<u8>, Error> {
        let mut piece = Vec::new();
        let read = file.by_ref().take(PIECE as u64).read_to_end(&mut piece);
        read.map_err(|error| os_error(path, error))?;
        Ok(piece)
    };
    let mut piece = next()?;
    let mut at = 0;
    let mut new = 0;
    let found = to.read("copy", &shown, name, None, 0, 0)?;
    let is_new = found.is_none();
    let mut number = found.map_or(generation, |found| Some(found.generation));
    if generation.is_some() && number != generation {
        return Err(conflict(&shown, OTHER));
    }
    loop {
        let mut missing = &piece[..];
        if !is_new || at > 0 {
            // The existing part must be the same.
            let there = to.read("copy", &shown, name, number, at, piece.len() as i64)?;
            let there = there.and_then(|there| there.bytes).unwrap_or_default();
            if !piece.starts_with(&there) {
                return Err(conflict(&shown, OTHER));
            }
            missing = &piece[there.len()..];
        }
        let creates = is_new && at == 0;
        if !missing.is_empty() || creates {
            let start = at + (piece.len() - missing.len()) as i64;
            let change = Change {
                verb: if creates { "create" } else { "append" },
                name,
                bytes: Some(missing),
                generation: number,
                end: (!creates).then_some(start),
                must_exist: false,
            };
            let under = to.under("copy", &shown)?;
            let answer = to.commit("copy", &shown, &[change], under, None)?;
            number = answer.generations.first().copied();
            new += missing.len() as u64;
            let written = to.read("copy", &shown, name, number, start, missing.len() as i64)?;
            if written.and_then(|written| written.bytes).as_deref() != Some(missing) {
                return Err(conflict(
                    &shown,
                    "the database returned other bytes than it was sent",
                ));
            }
        }
        at += piece.len() as i64;
        if piece.len() < PIECE {
            break;
        }
        piece = next()?;
        if piece.is_empty() {
            break;
        }
    }
    let size = to
        .read("copy", &shown, name, number, 0, 0)?
        .map(|end| end.size);
    match size == Some(at) {
        true => Ok((at as u64, new)),
        false => Err(conflict(
            &shown,
            "the target's file is longer than the copied one",
        )),
    }
}
