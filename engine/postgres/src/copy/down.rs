//! From the database to files.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use untorn::{CallOptions, Error, ReconcileStart as FilesStart, Reconciled, engine};

use super::{Copied, DEAD, OTHER, PIECE, conflict, is_journal, os_error};
use crate::kept::Kept;
use crate::reconcile::ReconcileStart;
use crate::session::Stat;
use crate::store::Store;

impl Store {
    /// Copies all sessions of this store to a store of files. Sessions that have an
    /// owner are skipped, and listed.
    ///
    /// # Errors
    /// `CANCELLED`; failures of the system, and those of the database. The copied part
    /// stays, and the next call goes on.
    pub fn copy_to(&self, files: &untorn::Store, call: &CallOptions<'_>) -> Result<Copied, Error> {
        let wait = engine::Waiting::begin("copy", files.path(), call, None)?;
        let mut copied = Copied::default();
        for key in self.each_key() {
            let key = key?;
            wait.check("copy", files.path())?;
            let one = self.copy_session_to(files, &key, &wait);
            copied.note(key, one)?;
        }
        Ok(copied)
    }

    fn copy_session_to(
        &self,
        files: &untorn::Store,
        key: &str,
        wait: &engine::Waiting<'_>,
    ) -> Result<Copied, Error> {
        let (from, to) = (self.session(key)?, files.session(key)?);
        if let ReconcileStart::Turn(_) = from.begin_reconcile(|| Ok(false), &CallOptions::new())? {
            return Err(conflict(&from.kept.name, DEAD));
        }
        match to.begin_reconcile(|| Ok(false), &CallOptions::new())? {
            FilesStart::Turn(_) => return Err(conflict(to.path(), DEAD)),
            FilesStart::Not(Reconciled::Busy) => {
                return Err(conflict(
                    to.path(),
                    "another process reconciles the session",
                ));
            }
            FilesStart::Not(_) => {}
        }
        let lease = from.claim("store copy")?;
        let owned = to.claim("store copy")?;
        let mut copied = Copied::default();
        for stat in from.files()? {
            let path = place(to.path(), &stat.name)?;
            wait.check("copy", &path)?;
            copied.copied += copy_file(&from.kept, &stat, &path)?;
            if is_journal(&stat.name, &self.shared.options.journal_name) {
                let now = untorn::Journal::open(&path)?.end().ok();
                if now.is_some_and(|now| now.generation != stat.generation) {
                    engine::keep_generation(&path, stat.generation)?;
                }
            }
            copied.files += 1;
            copied.bytes += stat.size;
        }
        owned.release()?;
        lease.release()?;
        Ok(copied)
    }
}

/// Returns the path of a file. A name that leads out of the session's directory, or to a
/// file of this library's own, is refused.
fn place(dir: &Path, name: &str) -> Result<PathBuf, Error> {
    let mut path = dir.to_owned();
    for part in name.split('/') {
        let is_plain = !matches!(part, "" | "." | "..") && !part.contains(['\\', ':', '\0']);
        if !is_plain || engine::is_own_file(part) {
            let why = format!("a session of files can have no file {name:?}");
            return Err(Error::invalid_argument("copy", dir, why));
        }
        path.push(part);
    }
    Ok(path)
}

/// Returns how many bytes were new.
fn copy_file(from: &Kept, stat: &Stat, path: &Path) -> Result<u64, Error> {
    let failed = |error| os_error(path, error);
    let shown = from.name_of(&stat.name);
    let dir = path.parent().unwrap_or(path);
    std::fs::create_dir_all(dir).map_err(failed)?;
    let options = OpenOptions::new()
        .create(true)
        .read(true)
        .append(true)
        .open(path);
    let mut file = options.map_err(failed)?;
    let there = file.metadata().map_err(failed)?.len();
    if there > stat.size {
        return Err(conflict(path, OTHER));
    }
    let mut at = 0;
    while at < stat.size {
        let most = (stat.size - at).min(PIECE as u64) as i64;
        let piece = from.read(
            "copy",
            &shown,
            &stat.name,
            Some(stat.generation as i64),
            at as i64,
            most,
        )?;
        let bytes = piece.and_then(|piece| piece.bytes).unwrap_or_default();
        if bytes.is_empty() {
            return Err(conflict(&shown, "the file was changed while it was copied"));
        }
        let old = bytes
            .len()
            .min(usize::try_from(there.saturating_sub(at)).unwrap_or(PIECE));
        file.write_all(&bytes[old..]).map_err(failed)?;
        file.seek(SeekFrom::Start(at)).map_err(failed)?;
        let mut again = vec![0; bytes.len()];
        file.read_exact(&mut again).map_err(failed)?;
        if again != bytes {
            return Err(conflict(path, OTHER));
        }
        at += bytes.len() as u64;
    }
    file.sync_all().map_err(failed)?;
    #[cfg(unix)]
    File::open(dir)
        .and_then(|dir| dir.sync_all())
        .map_err(failed)?;
    #[cfg(not(unix))]
    let _ = File::open(path);
    Ok(stat.size - there)
}
