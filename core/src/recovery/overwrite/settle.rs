//! Kind 6: a write in place. It settles on the old `P` or the new one. If a
//! foreign program has saved since, its content stays.

use std::io;
use std::path::{Path, PathBuf};

use super::change::{roll_back, roll_forward, write_again};
use super::content::Content;
use super::record::PendingOverwrite;
use super::state::{State, classify};
use crate::error::{Error, ErrorKind, Result};
use crate::oslock::LockFile;
use crate::sys::{self, Access, File};

pub(crate) fn settle(lock: LockFile<'_>, target: &Path, pending: &PendingOverwrite) -> Result<()> {
    let os_error = |error| Error::os("recover", target, error);
    let kept = |error| Error::os("recover", lock.path(), error);
    let redo = lock.file().map_err(kept)?;
    if !pending.is_whole(redo).map_err(kept)? {
        // It was cut off before `P` was touched.
        return Ok(());
    }
    let Some(data) = lock.data() else {
        return Err(Error::internal(
            "recover",
            target,
            "a write in place is pending, and the lock is elsewhere",
        ));
    };
    let size = data.size().map_err(os_error)?;
    let now = size.checked_sub(pending.from).map(|length| Content::File {
        file: data,
        start: pending.from,
        length,
    });
    let state = classify(now, redo, pending).map_err(os_error)?;
    if state == State::Foreign {
        return set_aside(redo, lock.path(), target).map_err(kept);
    }
    if !lock.may_write_data() {
        return Err(Error::new(
            ErrorKind::PermissionDenied,
            "recover",
            target,
            "a change was cut off here by a crash, and to settle it this file must be writable",
        ));
    }
    match state {
        State::Old | State::Foreign => data.sync_data(),
        State::New | State::Between if pending.back => roll_back(data, redo, pending),
        // Its writer may have said that it is in place, and that only its sync failed. So
        // it never goes back.
        State::New => write_again(data, redo, pending),
        State::Between => match roll_forward(data, redo, pending) {
            // The old content had room.
            Err(error) if is_full(&error) => roll_back(data, redo, pending),
            result => result,
        },
    }
    .map_err(|error| {
        os_error(error).hint("a change was cut off here by a crash, and could not be finished yet")
    })
}

/// Keeps a copy of `P.redo`, which no longer fits `P`, as `P.redo.1` and so on.
fn set_aside(redo: &File, redo_path: &Path, target: &Path) -> io::Result<()> {
    let like = sys::rights(target)?;
    let mut number = 1_u32;
    let (path, aside) = loop {
        let mut name = redo_path.as_os_str().to_owned();
        name.push(format!(".{number}"));
        let path = PathBuf::from(name);
        let made = match &like {
            Some(like) => File::create_beside_like(&path, Access::Write, like),
            None => File::create_beside(&path, Access::Write, Some(0o600)),
        };
        match made {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
            result => break (path, result?),
        }
    };
    let all = Content::File {
        file: redo,
        start: 0,
        length: redo.size()?,
    };
    let copied = all
        .each(|piece, at| aside.write_all_at(piece, at))
        .and_then(|()| aside.sync_all());
    if copied.is_err() {
        let _ = sys::unlink(&path);
    }
    copied
}

fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge
    )
}
