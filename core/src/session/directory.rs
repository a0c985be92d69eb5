//! Creates and removes a session's directory.
//!
//! Both happen under the lock of the store's names. A removal first renames the
//! directory: from that moment it is no session any more, whole as it is. Then it
//! unlinks the lock files in it, and only then releases the names. So a process
//! that has one open learns in time that it is not the session's lock any more:
//! no other session of this key can exist yet.
//!
//! The other files are removed without any lock, since that may take long. The
//! remains of an interrupted removal first get a name of their own (`set_aside`).

use std::path::Path;

use super::gone::{GONE, set_aside, sweep};
use super::handle::Session;
use super::name;
use super::shared::Shared;
use crate::error::{Error, Result};
use crate::oslock::WaitPolicy;
use crate::sys::{self, Access, File};

/// The lock of the store's names is the lock of this file, which does not exist.
pub(super) const NAMES: &str = ".untorn.sessions";
/// The prefix of a directory that is being created.
const NEW: &str = ".untorn.new.";
/// The file with the key, if the key is too long for the directory's name.
const KEY: &str = ".untorn.key";

/// The most bytes of a key: more than any real key has.
pub(super) const LONGEST_KEY: usize = 1 << 20;

/// Creates the session's directory, if it is missing.
pub(super) fn make(
    operation: &'static str,
    session: &Session,
    wait: &WaitPolicy<'_>,
) -> Result<()> {
    if is_there(operation, &session.path)? {
        return Ok(());
    }
    let store = &session.store;
    let _names = store.names.acquire(operation, false, wait)?;
    set_aside(operation, store, &session.name.text)?;
    if is_there(operation, &session.path)? {
        return Ok(());
    }
    let os_error = |error| Error::os(operation, &session.path, error);
    let durable = store.is_durable();
    if session.name.hashed {
        return make_with_key(session, durable).map_err(os_error);
    }
    sys::create_parents(&session.path.join("-"), durable).map_err(os_error)?;
    // A dangling symbolic link: the directory can be neither created nor found.
    if is_there(operation, &session.path)? {
        return Ok(());
    }
    Err(os_error(std::io::ErrorKind::NotFound.into())
        .hint("a dangling symbolic link is in its place"))
}

/// Creates the directory and its key file with one rename. A directory without
/// its key would belong to no session.
fn make_with_key(session: &Session, durable: bool) -> std::io::Result<()> {
    let store = &session.store;
    let new = store.path.join(format!("{NEW}{}", session.name.text));
    // We have the lock, so the process that began this directory is dead.
    sys::remove_tree(&new)?;
    let key = new.join(KEY);
    sys::create_parents(&key, false)?;
    let file = File::create_new(&key, Access::Write, None)?;
    file.write_all_at(session.key.as_bytes(), 0)?;
    if durable {
        file.sync_all()?;
        sys::sync_parent(&key)?;
    }
    // Windows renames no directory with an open file in it.
    drop(file);
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

/// Returns the keys of the existing sessions, and the names of their directories, in no
/// order. Also removes the remains of interrupted removals.
pub(super) fn sessions(
    operation: &'static str,
    store: &Shared,
    wait: &WaitPolicy<'_>,
) -> Result<Vec<(String, String)>> {
    let os_error = |error| Error::os(operation, &store.path, error);
    let listed = sys::list_kinds(&store.path).map_err(os_error)?;
    let mut found = Vec::with_capacity(listed.len());
    for (name, is_dir) in listed {
        let Ok(name) = name.into_string() else {
            continue;
        };
        if let Some(gone) = name.strip_prefix(GONE) {
            sweep(operation, store, gone, wait);
            continue;
        }
        if is_dir == Some(false) {
            continue;
        }
        let key = if name::is_hashed(&name) {
            read_key(&name, &store.path.join(&name))
        } else {
            name::decode(&name)
        };
        let Some(key) = key else {
            continue;
        };
        let is_dir = is_dir == Some(true)
            || matches!(sys::stat(&store.path.join(&name)), Ok(Some(stat)) if stat.is_dir);
        if is_dir {
            found.push((key, name));
        }
    }
    Ok(found)
}

/// Returns the key that is too long for the name.
fn read_key(name: &str, path: &Path) -> Option<String> {
    let file = File::open_beside(&path.join(KEY), Access::Read).ok()?;
    // A longer file is not a key of ours, so it is not read.
    let size = usize::try_from(file.size().ok()?).ok();
    let mut bytes = vec![0; size.filter(|size| *size <= LONGEST_KEY)?];
    let n = file.read_full_at(&mut bytes, 0).ok()?;
    bytes.truncate(n);
    let key = String::from_utf8(bytes).ok()?;
    (name::encode(&key).text == name).then_some(key)
}
