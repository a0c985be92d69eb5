//! Waits until what was written is durable, and makes the calls for it.

use std::io;
use std::sync::atomic::Ordering;
use std::time::Instant;

use super::state::{Through, Wanted};
use super::unsynced::Unsynced;
use crate::journal::data::{Data, Handle};
use crate::journal::shared::Shared;
use crate::sync::{Arc, PoisonError};
use crate::sys::{self, Access, File, Lasting};

/// How many descriptors a journal has beside its own, once calls wait for slow syncs.
const FURTHER: usize = 3;

/// Says what a sync must cover: all that was in a file at one moment.
#[derive(Clone)]
pub(crate) struct Epoch {
    data: Arc<Data>,
    wanted: Wanted,
}

impl Epoch {
    /// Covers all that is in the file now. Must be taken after the write, and under the
    /// lock.
    pub fn now(data: &Arc<Data>) -> Epoch {
        Epoch::of(data, false)
    }

    /// Covers what this handle has appended just now. Must be taken before any other call
    /// can write through the handle.
    // Never inlined: an append without a sync would be longer by it.
    #[inline(never)]
    pub fn of_append(shared: &Shared, data: &Arc<Data>) -> Epoch {
        let syncs = &data.syncs;
        let epoch = Epoch::of(data, syncs.has_further.load(Ordering::Relaxed));
        // The next append comes after this, and so is written while they are open.
        if syncs.wants_further.load(Ordering::Relaxed) {
            add_further(shared, data);
        }
        epoch
    }

    fn of(data: &Arc<Data>, by_any: bool) -> Epoch {
        let begun = data.syncs.lock().begun();
        Epoch {
            data: Arc::clone(data),
            wanted: Wanted { begun, by_any },
        }
    }

    /// Returns when the bytes and the file's name are durable on disk.
    pub fn sync(&self, shared: &Shared) -> Result<(), Unsynced> {
        let syncs = &self.data.syncs;
        let mut state = syncs.lock();
        let sync = loop {
            if shared.is_poisoned() {
                return Err(Unsynced::Elsewhere);
            }
            if state.covers(self.wanted) {
                return Ok(());
            }
            match state.begin(self.wanted) {
                Some(sync) if is_closed(&sync.through) => state.lost(),
                Some(sync) => break sync,
                None => {
                    if state.is_slow() && !syncs.has_further.load(Ordering::Relaxed) {
                        syncs.wants_further.store(true, Ordering::Relaxed);
                    }
                    state = syncs
                        .changed
                        .wait(state)
                        .unwrap_or_else(PoisonError::into_inner);
                }
            }
        };
        drop(state);
        let began = Instant::now();
        let through: &File = match &sync.through {
            Through::Own => &self.data.file,
            Through::Further(further) => further,
        };
        let result = sync_file(shared, &self.data, through);
        let took = began.elapsed();
        if result.is_err() {
            // Linux reports a failed write-back once and then marks the pages clean. A
            // second try would succeed without writing them.
            shared.poison();
        }
        syncs.lock().end(sync, took, result.is_ok());
        syncs.changed.notify_all();
        result.map_err(Unsynced::Failed)
    }
}

/// Returns whether the program has closed a further descriptor without our knowledge. The
/// own one was checked before the append.
fn is_closed(through: &Through) -> bool {
    match through {
        Through::Own => false,
        Through::Further(further) => !matches!(further.is_itself(), Ok(true)),
    }
}

/// Syncs the file through this descriptor, and its name.
fn sync_file(shared: &Shared, data: &Data, through: &File) -> io::Result<()> {
    through.sync_data()?;
    // Once a handle: another process may have made the file without syncing its name.
    if !data.name_synced.load(Ordering::Acquire) {
        sys::sync_parent(&shared.path)?;
        data.name_synced.store(true, Ordering::Release);
    }
    Ok(())
}

/// Opens further descriptors, unless that was tried before.
#[cold]
fn add_further(shared: &Shared, data: &Data) {
    let syncs = &data.syncs;
    syncs.wants_further.store(false, Ordering::Relaxed);
    if !syncs.has_further.load(Ordering::Relaxed) {
        let further = open_further(shared, data);
        syncs.lock().add(further);
        syncs.has_further.store(true, Ordering::Relaxed);
    }
}

/// Opens further descriptors to sync through. None, if the system does not say what a sync
/// through one of them reports, or if the path means another file by now. Without them one
/// sync runs at a time.
fn open_further(shared: &Shared, data: &Data) -> Vec<Lasting> {
    // To close a descriptor of a file that carries its lock could end the lock.
    if !cfg!(target_os = "linux") || !matches!(data.file, Handle::ByItself(_)) {
        return Vec::new();
    }
    let open = |_| {
        let file = File::open(&shared.path, Access::TO_SYNC).ok()?;
        let is_journal = file.id().is_ok_and(|id| id == data.identity.id);
        is_journal.then(|| Lasting::of(file).ok()).flatten()
    };
    (0..FURTHER).map_while(open).collect()
}

/// Makes durable what the lock file says. It has noted changes that are over, and the
/// disk may still have the note of one, for instance of a header stamp that failed. A
/// power cut would bring that note back. The next locker would then settle the change
/// once more, over what has been synced since.
pub(crate) fn sync_notes(shared: &Shared) -> Result<(), Unsynced> {
    let path = shared.lock.record_path();
    let sync = || match File::open_believed_to(path, Access::TO_SYNC, &shared.path)? {
        Some(lock) => lock.sync_data(),
        // A lock file that no locker believes is never settled.
        None => Ok(()),
    };
    sync().map_err(|error| {
        shared.poison();
        Unsynced::Failed(error)
    })
}
