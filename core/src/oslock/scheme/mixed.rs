//! Signs that programs lock one file in different schemes.
//!
//! Such programs do not exclude each other, and neither can know of the other's lock.
//! But each scheme leaves a file next to `P` that no other scheme makes. So a handle
//! looks for those of the other schemes when it is opened, if a program listens for
//! events. It sees nothing of a program that has not changed `P` yet.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::{Scheme, pid_file, redo_path, sidecar};
use crate::events::{self, EventKind};
use crate::lockfile;
use crate::sys::{self, Access, File, PerProcess, Stat};

/// The reported pairs: a file, and the scheme of others.
type Reported = HashSet<(PathBuf, Scheme)>;

static REPORTED: PerProcess<Mutex<Reported>> = PerProcess::new();

/// Reports a file of another scheme next to `target`, once a process.
pub(crate) fn report(operation: &'static str, target: &Path, own: Scheme) {
    if !events::is_listening() {
        return;
    }
    let lock_path = sidecar::lock_path(target);
    let guard_path = pid_file::guard_path(&lock_path);
    for (other, sign) in [
        (Scheme::PidFile, guard_path),
        (Scheme::InPlace, redo_path(target)),
        (Scheme::Sidecar, lock_path),
    ] {
        if other != own
            && let Some(stat) = sign_of(other, &sign, own)
            && is_news(target, other)
        {
            emit(operation, target, own, other, &sign, &stat);
        }
    }
}

/// Returns the file of another scheme, if it exists.
fn sign_of(other: Scheme, sign: &Path, own: Scheme) -> Option<Stat> {
    let stat = sys::stat(sign).ok()??;
    // `P.lock` can be any program's, and is the lock itself in the scheme `pid-file`.
    // What is empty there may be a pid file that is being made.
    let is_sign = match (other, own) {
        (Scheme::Sidecar, Scheme::PidFile) => stat.size > 0 && is_sidecar(sign),
        (Scheme::Sidecar, _) => is_sidecar(sign),
        _ => true,
    };
    (stat.is_file && is_sign).then_some(stat)
}

fn is_sidecar(lock_path: &Path) -> bool {
    let file = File::open_beside(lock_path, Access::Read);
    file.is_ok_and(|file| matches!(lockfile::is_ours(&file), Ok(true)))
}

fn is_news(target: &Path, other: Scheme) -> bool {
    let mut reported = REPORTED
        .get(Mutex::default)
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    reported.insert((target.to_owned(), other))
}

#[cold]
fn emit(
    operation: &'static str,
    target: &Path,
    own: Scheme,
    other: Scheme,
    sign: &Path,
    stat: &Stat,
) {
    let what_to_do = match other {
        // Only a locker of that scheme settles it.
        Scheme::InPlace | Scheme::PidFile if stat.size > lockfile::IDLE => {
            format!("it holds an unfinished change: open the file once with scheme {other}")
        }
        _ => format!("if no program uses {other} any more, delete it"),
    };
    events::emit(EventKind::OtherScheme, operation, target, |event| {
        event.detail = Some(format!(
            "this handle has scheme {own}, and {} was made by scheme {other}; use one scheme in \
             all programs; {what_to_do}",
            sign.display()
        ));
    });
}
