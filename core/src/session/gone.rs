//! Removes the remains of a session, which have no session's name any more.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::shared::Shared;
use crate::background;
use crate::error::{Error, Result};
use crate::oslock::{WaitPolicy, Waiter, Wakeup};
use crate::sys;

/// The prefix of a session that is being removed.
pub(super) const GONE: &str = ".untorn.gone.";
/// Comes before the number in a name that is set aside. No session's name ends
/// so.
const ASIDE: char = '=';
pub(super) fn gone(store: &Shared, name: &str) -> PathBuf {
    store.path.join(format!("{GONE}{name}"))
}

fn aside(store: &Shared, name: &str, number: u32) -> PathBuf {
    store.path.join(format!("{GONE}{name}{ASIDE}{number}"))
}

/// Returns whether the part of the name after [`GONE`] is that of a tree set
/// aside.
fn is_aside(gone: &str) -> bool {
    gone.rsplit_once(ASIDE).is_some_and(|(_, number)| {
        // A hash is longer.
        (1..=5).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit())
    })
}

fn left_over(operation: &'static str, gone: &Path, error: std::io::Error) -> Error {
    Error::os(operation, gone, error)
        .hint("the session is removed, but files of it are left in this directory")
}

/// Moves the remains of a session of this name out of the way. After it no lock
/// file in them has a name, and the place is free for the next removal. The
/// caller must have locked the names.
pub(super) fn set_aside(operation: &'static str, store: &Shared, name: &str) -> Result<()> {
    let gone = gone(store, name);
    let os_error = |error| left_over(operation, &gone, error);
    if sys::stat(&gone).map_err(os_error)?.is_none() && !sys::is_link(&gone).map_err(os_error)? {
        return Ok(());
    }
    unlink_locks(&gone).map_err(os_error)?;
    for number in 0..10_000 {
        match sys::rename(&gone, &aside(store, name, number)) {
            // A directory that is not empty has the name.
            Err(error) if is_taken(&error) => {}
            result => return result.map_err(os_error),
        }
    }
    Err(os_error(std::io::ErrorKind::AlreadyExists.into()))
}

fn is_taken(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{
        AlreadyExists, DirectoryNotEmpty, IsADirectory, NotADirectory, PermissionDenied,
    };

    matches!(
        error.kind(),
        AlreadyExists | DirectoryNotEmpty | IsADirectory | NotADirectory
    ) || cfg!(windows) && error.kind() == PermissionDenied
}

/// Removes the remains of this name that are set aside.
pub(super) fn remove_aside(store: &Shared, name: &str, wait: &WaitPolicy<'_>) -> Result<()> {
    for number in 0..10_000 {
        let aside = aside(store, name, number);
        let os_error = |error| left_over("remove", &aside, error);
        if sys::stat(&aside).map_err(os_error)?.is_none()
            && !sys::is_link(&aside).map_err(os_error)?
        {
            break;
        }
        if !remove_tree(&aside, wait).map_err(os_error)? {
            break;
        }
    }
    Ok(())
}

/// Removes the tree. `false`: the caller's wait has ended. The rest goes on, or
/// is left to a later removal. The tree is no part of a session.
fn remove_tree(tree: &Path, wait: &WaitPolicy<'_>) -> std::io::Result<bool> {
    if wait.cancel.is_none() && wait.interrupt.is_none() {
        return sys::remove_tree(tree).map(|()| true);
    }
    let ended = Arc::new(Waiter::new());
    let (tell, path) = (Arc::clone(&ended), tree.to_owned());
    let begun = background::spawn(move || tell.tell(sys::remove_tree(&path)));
    if begun.is_err() {
        return sys::remove_tree(tree).map(|()| true);
    }
    if let Some(token) = wait.cancel {
        let nudge: Arc<dyn Wakeup> = Arc::clone(&ended) as _;
        token.watch(Arc::downgrade(&nudge));
    }
    // This is work, not a wait for a lock, so no time limit ends it.
    let whole = WaitPolicy {
        deadline: None,
        ..*wait
    };
    match ended.wait(&whole) {
        Ok(result) => result.map(|()| true),
        Err(_) => Ok(false),
    }
}

/// Removes the remains of an interrupted removal, if they are ours. It serves
/// callers that only pass by, so it reports no failure.
pub(super) fn sweep(operation: &'static str, store: &Shared, name: &str, wait: &WaitPolicy<'_>) {
    let gone = gone(store, name);
    if wait.is_cancelled() || !matches!(sys::is_ours_to_remove(&gone), Ok(true)) {
        return;
    }
    if is_aside(name) {
        let _ = remove_tree(&gone, wait);
        return;
    }
    let once = WaitPolicy::once(None);
    let Ok(names) = store.names.acquire(operation, false, &once) else {
        return;
    };
    let set_aside = set_aside(operation, store, name);
    drop(names);
    if set_aside.is_ok() {
        let _ = remove_aside(store, name, wait);
    }
}

/// Unlinks the lock files, the lease's too. If the session was a symbolic link,
/// only the link is removed.
fn unlink_locks(dir: &Path) -> std::io::Result<()> {
    sys::unlink_in(dir, |name| {
        Path::new(name)
            .extension()
            .is_some_and(|last| last == "lock")
    })
}
