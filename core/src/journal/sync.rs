//! One sync for many: whoever comes first syncs for all that have written by
//! then, and the others wait for it. Never under the lock.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::open::Data;
use super::shared::Shared;
use crate::error::{Error, ErrorKind, Result};
use crate::fs;

pub(super) struct SyncPoint {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    running: bool,
    /// Up to where which file is synced.
    synced: Option<(Arc<Data>, u64)>,
}

impl SyncPoint {
    pub fn new() -> SyncPoint {
        SyncPoint {
            state: Mutex::new(State {
                running: false,
                synced: None,
            }),
            changed: Condvar::new(),
        }
    }

    /// Returns when all that was written is on the medium, with its name.
    pub fn sync(&self, shared: &Shared, data: &Arc<Data>, end: u64) -> Result<()> {
        let mut state = self.lock();
        loop {
            if shared.is_poisoned() {
                return Err(not_durable(shared, None));
            }
            if let Some((file, synced)) = &state.synced
                && Arc::ptr_eq(file, data)
                && *synced >= end
            {
                return Ok(());
            }
            if !state.running {
                break;
            }
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        state.running = true;
        drop(state);
        // Before the sync begins: what is written later it may not cover.
        let end = data.written.load(Ordering::Acquire).max(end);
        let result = sync_file(shared, data);
        let mut state = self.lock();
        state.running = false;
        match &result {
            Ok(()) => state.synced = (!shared.is_closed()).then(|| (Arc::clone(data), end)),
            // Linux reports a failed write-back once and then calls the pages
            // clean: to try again would be to lie.
            Err(_) => shared.poison(),
        }
        drop(state);
        self.changed.notify_all();
        result.map_err(|error| not_durable(shared, Some(error)))
    }

    /// Keeps no file open. To be called when the journal is closed.
    pub fn close(&self) {
        self.lock().synced = None;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn sync_file(shared: &Shared, data: &Data) -> std::io::Result<()> {
    data.file.sync_data()?;
    // Once: another process may have made the file without syncing its name.
    if !data.name_synced.load(Ordering::Acquire) {
        fs::sync_parent(&shared.path)?;
        data.name_synced.store(true, Ordering::Release);
    }
    Ok(())
}

fn not_durable(shared: &Shared, error: Option<std::io::Error>) -> Error {
    let made = match error {
        Some(error) => Error::os("append", &shared.path, error),
        None => Error::new(
            ErrorKind::NotDurable,
            "append",
            &shared.path,
            "another thread's sync failed",
        ),
    };
    made.with_kind(ErrorKind::NotDurable)
        .hint("the record is in the file, but a power cut may lose it; reopen the journal to go on")
}
