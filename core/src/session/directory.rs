//! How a session's directory comes to be, and goes.
//!
//! Both happen under the lock of the store's names. A directory that is to go
//! is renamed first: with that it is no session any more, whole as it is. The
//! lock files in it are unlinked before the names are let go, so that whoever
//! has one open learns that it is not the session's lock any more before there
//! can be another session of this key.

use std::path::{Path, PathBuf};

use super::Session;
use super::lease;
use super::name::{self, Name};
use super::store::Shared;
use crate::durability::Durability;
use crate::error::{Error, ErrorKind, Result};
use crate::fs::{self, Access, File};
use crate::lock::{Call, Patience};

/// The lock of the store's names is that of this file, which does not exist.
pub(super) const NAMES: &str = ".untorn.sessions";
/// In front of the name of a session that is being removed.
const GONE: &str = ".untorn.gone.";
/// In front of the name of a directory that is being made.
const NEW: &str = ".untorn.new.";
/// The key, where the directory's name is too short for it.
const KEY: &str = ".untorn.key";

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
    finish_removal(store, &session.name)?;
    if is_there(operation, &session.path)? {
        return Ok(());
    }
    let told = |error| Error::os(operation, &session.path, error);
    let durable = store.is_durable();
    if session.name.hashed {
        return make_with_key(session, durable).map_err(told);
    }
    fs::create_parents(&session.path.join("-"), durable).map_err(told)?;
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
    fs::remove_tree(&new)?;
    let key = new.join(KEY);
    fs::create_parents(&key, false)?;
    let file = File::create_new(&key, Access::Write, None)?;
    file.write_all_at(session.key.as_bytes(), 0)?;
    if durable {
        file.sync_all()?;
        fs::sync_parent(&key)?;
    }
    fs::rename(&new, &session.path)?;
    if durable {
        fs::sync_parent(&session.path)?;
    }
    Ok(())
}

fn is_there(operation: &'static str, path: &Path) -> Result<bool> {
    match fs::stat(path).map_err(|error| Error::os(operation, path, error))? {
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
pub(super) fn sessions(operation: &'static str, store: &Shared) -> Result<Vec<(String, PathBuf)>> {
    let told = |error| Error::os(operation, &store.path, error);
    let mut found = Vec::new();
    for name in fs::list(&store.path).map_err(told)? {
        let Some(name) = name.to_str() else {
            continue;
        };
        if let Some(gone) = name.strip_prefix(GONE) {
            sweep(store, gone);
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
        // One that goes meanwhile is not there.
        if matches!(fs::stat(&path), Ok(Some(stat)) if stat.is_dir) {
            found.push((key, path));
        }
    }
    Ok(found)
}

/// The key that is too long for the name.
fn read_key(name: &str, path: &Path) -> Option<String> {
    let file = File::open_beside(&path.join(KEY), Access::Read).ok()?;
    let mut bytes = vec![0; usize::try_from(file.size().ok()?).ok()?];
    let n = file.read_full_at(&mut bytes, 0).ok()?;
    bytes.truncate(n);
    let key = String::from_utf8(bytes).ok()?;
    (name::encode(&key).text == name).then_some(key)
}

/// Removes a session that nobody owns.
pub(super) fn remove(session: &Session, call: &Call<'_>) -> Result<bool> {
    let store = &session.store;
    let patience = call.begin(store.options.timeout);
    let Some(owned) = lease::take_if_there("remove", session, &patience)? else {
        let _names = store.names.acquire("remove", false, &Patience::endless())?;
        finish_removal(store, &session.name)?;
        return Ok(false);
    };
    let told = |error| Error::os("remove", &session.path, error);
    let gone = gone(store, &session.name);
    {
        let _names = store.names.acquire("remove", false, &Patience::endless())?;
        finish_removal(store, &session.name)?;
        fs::rename(&session.path, &gone).map_err(told)?;
        // From here on the session is removed, whatever happens.
        unlink_locks(&gone).map_err(|error| left_over(&gone, error))?;
        if store.options.durability == Durability::Power {
            fs::sync_parent(&session.path).map_err(|error| {
                told(error)
                    .with_kind(ErrorKind::NotDurable)
                    .hint("the session is removed, but a power cut may bring it back")
            })?;
        }
    }
    drop(owned);
    fs::remove_tree(&gone).map_err(|error| left_over(&gone, error))?;
    Ok(true)
}

fn gone(store: &Shared, name: &Name) -> PathBuf {
    store.path.join(format!("{GONE}{}", name.text))
}

fn left_over(gone: &Path, error: std::io::Error) -> Error {
    Error::os("remove", gone, error)
        .hint("the session is removed, but files of it are left in this directory")
}

/// Finishes what an earlier removal of this name has begun; to be called with
/// the names locked.
fn finish_removal(store: &Shared, name: &Name) -> Result<()> {
    let gone = gone(store, name);
    fs::remove_tree(&gone).map_err(|error| left_over(&gone, error))
}

/// The same, if it is ours and can be done at once: for whoever only came by.
fn sweep(store: &Shared, name: &str) {
    let gone = store.path.join(format!("{GONE}{name}"));
    if !matches!(fs::is_ours_to_remove(&gone), Ok(true)) {
        return;
    }
    let once = Call::new().timeout(Some(std::time::Duration::ZERO));
    if let Ok(_names) = store.names.acquire("keys", false, &once.begin(None)) {
        let _ = fs::remove_tree(&gone);
    }
}

/// Takes the names of the lock files away, the lease's too. Where the session was
/// a symbolic link, only that is removed.
fn unlink_locks(dir: &Path) -> std::io::Result<()> {
    fs::unlink_in(dir, |name| {
        Path::new(name)
            .extension()
            .is_some_and(|last| last == "lock")
    })
}
