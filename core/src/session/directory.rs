//! How a session's directory comes to be, and goes.
//!
//! Both happen under the lock of the store's names. A directory that is to go
//! is renamed first: with that it is no session any more, whole as it is. The
//! lock files in it are unlinked before the names are let go, so that whoever
//! has one open learns that it is not the session's lock any more before there
//! can be another session of this key. What else is in it is removed without any
//! lock, since that may take long: what a removal that was cut off has left is
//! given a name of its own first (`set_aside`).

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Session;
use super::lease;
use super::name;
use super::store::Shared;
use crate::background;
use crate::durability::Durability;
use crate::error::{Error, ErrorKind, Result};
use crate::lock::Call;
use crate::oslock::Patience;
use crate::oslock::{Nudge, Waiter};
use crate::sys::{self, Access, File};

/// The lock of the store's names is that of this file, which does not exist.
pub(super) const NAMES: &str = ".untorn.sessions";
/// In front of the name of a session that is being removed.
const GONE: &str = ".untorn.gone.";
/// Behind it: a number, where it is set aside. No session's name ends so.
const ASIDE: char = '=';
/// In front of the name of a directory that is being made.
const NEW: &str = ".untorn.new.";
/// The key, where the directory's name is too short for it.
const KEY: &str = ".untorn.key";

/// Longer than any key that somebody means, in bytes.
pub(super) const LONGEST_KEY: usize = 1 << 20;

/// Makes the session's directory, if it is not there.
pub(super) fn make(
    operation: &'static str,
    session: &Session,
    patience: &Patience<'_>,
) -> Result<()> {
    if is_there(operation, &session.path)? {
        return Ok(());
    }
    let store = &session.store;
    let _names = store.names.acquire(operation, false, patience)?;
    set_aside(operation, store, &session.name.text)?;
    if is_there(operation, &session.path)? {
        return Ok(());
    }
    let told = |error| Error::os(operation, &session.path, error);
    let durable = store.is_durable();
    if session.name.hashed {
        return make_with_key(session, durable).map_err(told);
    }
    sys::create_parents(&session.path.join("-"), durable).map_err(told)?;
    // A symbolic link to nothing is neither made nor there.
    if is_there(operation, &session.path)? {
        return Ok(());
    }
    Err(told(std::io::ErrorKind::NotFound.into())
        .hint("a symbolic link to nothing is in its place"))
}

/// With one rename: a directory without its key would be nobody's.
fn make_with_key(session: &Session, durable: bool) -> std::io::Result<()> {
    let store = &session.store;
    let new = store.path.join(format!("{NEW}{}", session.name.text));
    // We have the lock, so whoever began it is dead.
    sys::remove_tree(&new)?;
    let key = new.join(KEY);
    sys::create_parents(&key, false)?;
    let file = File::create_new(&key, Access::Write, None)?;
    file.write_all_at(session.key.as_bytes(), 0)?;
    if durable {
        file.sync_all()?;
        sys::sync_parent(&key)?;
    }
    sys::rename(&new, &session.path)?;
    if durable {
        sys::sync_parent(&session.path)?;
    }
    Ok(())
}

pub(super) fn is_there(operation: &'static str, path: &Path) -> Result<bool> {
    match sys::stat(path).map_err(|error| Error::os(operation, path, error))? {
        None => Ok(false),
        Some(stat) if stat.is_dir => Ok(true),
        Some(_) => Err(Error::invalid_argument(
            operation,
            path,
            "not a directory: something else is in the session's place",
        )),
    }
}

/// The sessions that there are, in no order; removes what removals that were
/// cut off have left.
pub(super) fn sessions(
    operation: &'static str,
    store: &Shared,
    patience: &Patience<'_>,
) -> Result<Vec<(String, PathBuf)>> {
    let told = |error| Error::os(operation, &store.path, error);
    let mut found = Vec::new();
    for (name, is_dir) in sys::list_kinds(&store.path).map_err(told)? {
        let Some(name) = name.to_str() else {
            continue;
        };
        if let Some(gone) = name.strip_prefix(GONE) {
            sweep(operation, store, gone, patience);
            continue;
        }
        if is_dir == Some(false) {
            continue;
        }
        let path = store.path.join(name);
        let key = if name::is_hashed(name) {
            read_key(name, &path)
        } else {
            name::decode(name)
        };
        let Some(key) = key else {
            continue;
        };
        if is_dir == Some(true) || matches!(sys::stat(&path), Ok(Some(stat)) if stat.is_dir) {
            found.push((key, path));
        }
    }
    Ok(found)
}

/// The key that is too long for the name.
fn read_key(name: &str, path: &Path) -> Option<String> {
    let file = File::open_beside(&path.join(KEY), Access::Read).ok()?;
    // No key is longer, so what is is not one of ours: it is not read.
    let size = usize::try_from(file.size().ok()?).ok();
    let mut bytes = vec![0; size.filter(|size| *size <= LONGEST_KEY)?];
    let n = file.read_full_at(&mut bytes, 0).ok()?;
    bytes.truncate(n);
    let key = String::from_utf8(bytes).ok()?;
    (name::encode(&key).text == name).then_some(key)
}

/// Removes a session that nobody owns.
pub(super) fn remove(session: &Session, call: &Call<'_>) -> Result<bool> {
    const REMOVE: &str = "remove";
    let store = &session.store;
    let patience = call.begin(store.options.timeout);
    let Some(owned) = lease::take_if_there(REMOVE, session, &patience)? else {
        let names = store.names.acquire(REMOVE, false, &patience)?;
        set_aside(REMOVE, store, &session.name.text)?;
        drop(names);
        remove_aside(store, &session.name.text, &patience)?;
        return Ok(false);
    };
    let told = |error| Error::os(REMOVE, &session.path, error);
    {
        let _names = store.names.acquire(REMOVE, false, &patience)?;
        set_aside(REMOVE, store, &session.name.text)?;
        let gone = gone(store, &session.name.text);
        sys::rename(&session.path, &gone).map_err(told)?;
        // From here on the session is removed, whatever happens.
        set_aside(REMOVE, store, &session.name.text)?;
        if store.options.durability == Durability::Power {
            sys::sync_parent(&session.path).map_err(|error| {
                told(error)
                    .with_kind(ErrorKind::NotDurable)
                    .hint("the session is removed, but a power cut may bring it back")
            })?;
        }
    }
    drop(owned);
    remove_aside(store, &session.name.text, &patience)?;
    Ok(true)
}

fn gone(store: &Shared, name: &str) -> PathBuf {
    store.path.join(format!("{GONE}{name}"))
}

fn aside(store: &Shared, name: &str, number: u32) -> PathBuf {
    store.path.join(format!("{GONE}{name}{ASIDE}{number}"))
}

/// Whether what is behind [`GONE`] says that it is set aside.
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

/// What is left of a session of this name is no hindrance any more: no lock file
/// in it has a name, and the place is free for the next. To be called with the
/// names locked.
fn set_aside(operation: &'static str, store: &Shared, name: &str) -> Result<()> {
    let gone = gone(store, name);
    let told = |error| left_over(operation, &gone, error);
    if sys::stat(&gone).map_err(told)?.is_none() && !sys::is_link(&gone).map_err(told)? {
        return Ok(());
    }
    unlink_locks(&gone).map_err(told)?;
    for number in 0..10_000 {
        match sys::rename(&gone, &aside(store, name, number)) {
            // One that is not empty has the name.
            Err(error) if is_taken(&error) => {}
            result => return result.map_err(told),
        }
    }
    Err(told(std::io::ErrorKind::AlreadyExists.into()))
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

/// Removes what is set aside of this name.
fn remove_aside(store: &Shared, name: &str, patience: &Patience<'_>) -> Result<()> {
    for number in 0..10_000 {
        let aside = aside(store, name, number);
        let told = |error| left_over("remove", &aside, error);
        if sys::stat(&aside).map_err(told)?.is_none() && !sys::is_link(&aside).map_err(told)? {
            break;
        }
        if !remove_tree(&aside, patience).map_err(told)? {
            break;
        }
    }
    Ok(())
}

/// Removes the tree. `false`: the caller has lost patience, and the rest goes on,
/// or is left to a later removal. It is no part of a session.
fn remove_tree(tree: &Path, patience: &Patience<'_>) -> std::io::Result<bool> {
    if patience.cancel.is_none() && patience.interrupt.is_none() {
        return sys::remove_tree(tree).map(|()| true);
    }
    let ended = Arc::new(Waiter::new());
    let (tell, path) = (Arc::clone(&ended), tree.to_owned());
    let begun = background::spawn(move || tell.tell(sys::remove_tree(&path)));
    if begun.is_err() {
        return sys::remove_tree(tree).map(|()| true);
    }
    if let Some(token) = patience.cancel {
        let nudge: Arc<dyn Nudge> = Arc::clone(&ended) as _;
        token.watch(Arc::downgrade(&nudge));
    }
    // It is work, not a wait for anybody: no time limit ends it.
    let whole = Patience {
        deadline: None,
        ..*patience
    };
    match ended.wait(&whole) {
        Ok(result) => result.map(|()| true),
        Err(_) => Ok(false),
    }
}

/// Removes what a removal that was cut off has left, if it is ours: for whoever
/// only came by.
fn sweep(operation: &'static str, store: &Shared, name: &str, patience: &Patience<'_>) {
    let gone = gone(store, name);
    if patience.is_cancelled() || !matches!(sys::is_ours_to_remove(&gone), Ok(true)) {
        return;
    }
    if is_aside(name) {
        let _ = remove_tree(&gone, patience);
        return;
    }
    let once = Call::new().timeout(Some(std::time::Duration::ZERO));
    let Ok(names) = store.names.acquire(operation, false, &once.begin(None)) else {
        return;
    };
    let set_aside = set_aside(operation, store, name);
    drop(names);
    if set_aside.is_ok() {
        let _ = remove_aside(store, name, patience);
    }
}

/// Takes the names of the lock files away, the lease's too. Where the session was
/// a symbolic link, only that is removed.
fn unlink_locks(dir: &Path) -> std::io::Result<()> {
    sys::unlink_in(dir, |name| {
        Path::new(name)
            .extension()
            .is_some_and(|last| last == "lock")
    })
}
