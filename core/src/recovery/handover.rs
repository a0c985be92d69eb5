//! Kind 4: the lock is reserved for a process, to which its last holder gave
//! it.
//!
//! ```text
//! offset  bytes
//!     76      4  CRC-32C of the JSON
//!     80      8  when it was reserved, in milliseconds since 1970
//!     88      8  length of the JSON
//!     96     28  zero
//!    128         the process, as JSON
//! ```

use std::io;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::block;
use crate::error::{Error, ErrorKind, Result};
use crate::lockfile::{BLOCK, IDLE, MAGIC, u32_at, u64_at};
use crate::oslock::{AcquireError, PathLock, RawGuard, WaitPolicy};
use crate::process::{Alive, Process};
use crate::sys::{Access, File};

pub(crate) const KIND: u32 = 4;
const BODY: u64 = IDLE + BLOCK as u64;
/// Far more than a process's identity takes.
const LONGEST: u64 = 16_384;

/// How long a lock stays reserved for a process that can't be seen from here.
/// No process would learn of its end.
const UNSEEN: Duration = Duration::from_secs(60);

/// How long the successor's one try waits for processes that only look whose
/// turn it is. They hold the lock for that moment.
const LOOKERS: Duration = Duration::from_secs(2);

/// A process that a lock is reserved for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reservation {
    pub to: Process,
    /// Milliseconds since 1970.
    pub since: u64,
}

impl Reservation {
    pub fn to(process: &Process) -> Reservation {
        Reservation {
            to: process.clone(),
            since: now(),
        }
    }

    /// Returns whether it keeps this process from the lock.
    pub(crate) fn stands(&self) -> bool {
        !self.to.is_current()
            && match self.to.alive() {
                Alive::Alive => true,
                Alive::Dead => false,
                Alive::Unknown => Duration::from_millis(now().abs_diff(self.since)) < UNSEEN,
            }
    }
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(0))
}

/// Returns the reservation in this file, if there is one. Looks without the
/// lock.
pub(crate) fn reserved(record_path: &Path) -> Option<Reservation> {
    let file = File::open_beside(record_path, Access::Read).ok()?;
    if file.size().ok()? <= IDLE {
        return None;
    }
    let block = block::read_kind(&file, KIND).ok()??;
    read(&file, &block).ok()?
}

/// Returns the process that this lock file is reserved for now.
pub(crate) fn successor(lock_path: &Path) -> Option<Process> {
    let reservation = reserved(lock_path).filter(Reservation::stands)?;
    Some(reservation.to)
}

/// Reads a whole block of this kind. Returns `None` if the bytes after it were
/// cut short, so that the lock was not given.
pub(crate) fn read(lock: &File, block: &[u8; BLOCK]) -> io::Result<Option<Reservation>> {
    let length = u64_at(block, 24).min(LONGEST);
    let mut json = vec![0; usize::try_from(length).unwrap_or(0)];
    let n = lock.read_full_at(&mut json, BODY)?;
    if n < json.len() || crc32c::crc32c(&json) != u32_at(block, 12) {
        return Ok(None);
    }
    let to = serde_json::from_slice(&json).ok();
    Ok(to.map(|to| Reservation {
        to,
        since: u64_at(block, 16),
    }))
}

/// Writes the reservation into a lock file of `size` bytes with nothing
/// pending. The generation stays as it is. If none was recorded, the first
/// block says that the file is ours, and nothing else.
pub(crate) fn write_reservation(
    lock: &File,
    size: u64,
    reservation: &Reservation,
) -> io::Result<()> {
    let json = serde_json::to_vec(&reservation.to)?;
    let mut block = block::new(KIND);
    block[12..16].copy_from_slice(&crc32c::crc32c(&json).to_le_bytes());
    block[16..24].copy_from_slice(&reservation.since.to_le_bytes());
    block[24..32].copy_from_slice(&(json.len() as u64).to_le_bytes());
    let mut bytes = Vec::with_capacity(2 * BLOCK + json.len());
    let at = if size < IDLE {
        bytes.extend_from_slice(MAGIC);
        bytes.resize(BLOCK, 0);
        0
    } else {
        IDLE
    };
    bytes.extend_from_slice(&block::sealed(block));
    bytes.extend_from_slice(&json);
    lock.write_all_at(&bytes, at)
}

/// Returns whether the lock is reserved for this process, whose one try found
/// it busy.
#[cold]
pub(crate) fn is_for_us(lock: &PathLock, error: &Error, wait: &WaitPolicy<'_>) -> bool {
    error.kind() == ErrorKind::Locked
        && wait.tries_once()
        && reserved(lock.record_path()).is_some_and(|reservation| reservation.to.is_current())
}

/// Returns the wait policy of a successor that tries only once.
pub(crate) fn with_lookers<'a>(wait: &WaitPolicy<'a>) -> WaitPolicy<'a> {
    WaitPolicy {
        timeout: Some(LOOKERS),
        deadline: Instant::now().checked_add(LOOKERS),
        ..*wait
    }
}

/// Rewrites that try's failure in the words of one try.
#[cold]
pub(crate) fn as_one_try(
    lock: &PathLock,
    operation: &'static str,
    error: Error,
    wait: &WaitPolicy<'_>,
) -> Error {
    match error.kind() {
        ErrorKind::LockTimeout => {
            name_heir(lock, lock.refusal(operation, AcquireError::Busy, wait))
        }
        _ => error,
    }
}

/// Names the successor, which keeps a reserved lock from this process. Others
/// hold the lock only while they look whose turn it is.
#[cold]
pub(crate) fn name_heir(lock: &PathLock, error: Error) -> Error {
    if !matches!(error.kind(), ErrorKind::Locked | ErrorKind::LockTimeout) {
        return error;
    }
    match successor(lock.record_path()) {
        Some(successor) => error.held_by(Some(successor.into())),
        None => error,
    }
}

/// Takes the lock and leaves what is pending as it is, for a caller that
/// settles it.
pub(crate) fn acquire_unsettled(
    lock: &PathLock,
    operation: &'static str,
    wait: &WaitPolicy<'_>,
) -> Result<RawGuard> {
    match lock.acquire_unsettled(operation, wait) {
        Err(error) if is_for_us(lock, &error, wait) => lock
            .acquire_unsettled(operation, &with_lookers(wait))
            .map_err(|error| as_one_try(lock, operation, error, wait)),
        taken => taken.map_err(|error| name_heir(lock, error)),
    }
}

/// Tries once. Returns `None` if others have the lock.
pub(crate) fn try_unsettled(
    lock: &PathLock,
    operation: &'static str,
    wait: &WaitPolicy<'_>,
) -> Result<Option<RawGuard>> {
    match acquire_unsettled(lock, operation, &WaitPolicy::once(wait.caller)) {
        Ok(held) => Ok(Some(held)),
        Err(error) if error.kind() == ErrorKind::Locked => Ok(None),
        Err(error) => Err(error),
    }
}
