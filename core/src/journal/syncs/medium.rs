//! Makes the calls of a sync.

use std::io;
use std::sync::atomic::Ordering;

use super::unsynced::Unsynced;
use crate::journal::data::{Data, Handle};
use crate::journal::shared::Shared;
use crate::sys::{self, Access, File, Lasting};

/// How many descriptors a journal has beside its own, once calls wait for slow syncs.
const FURTHER: usize = 3;

/// Syncs the file through this descriptor, and its name.
pub(super) fn sync_file(shared: &Shared, data: &Data, through: &File) -> io::Result<()> {
    through.sync_data()?;
    // Once a handle: another process may have made the file without syncing its name.
    if !data.name_synced.load(Ordering::Acquire) {
        sys::sync_parent(&shared.path)?;
        data.name_synced.store(true, Ordering::Release);
    }
    Ok(())
}

/// Opens further descriptors to sync through. None, if the system does not say what a sync
/// through one of them reports, or if the path means another file by now. Without them one
/// sync runs at a time.
pub(super) fn open_further(shared: &Shared, data: &Data) -> Vec<Lasting> {
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
