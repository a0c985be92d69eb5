//! The announcement of each system call.

#[cfg(not(feature = "fault"))]
use super::Stat;
#[cfg(not(feature = "fault"))]
use std::{io, path::Path};

/// One kind of system call, as the tests distinguish them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Op {
    /// Open an existing file.
    Open,
    /// Open a file, and create it if it is missing.
    Create,
    /// Read at an offset.
    Read,
    /// Write at the end or at an offset.
    #[cfg_attr(
        not(feature = "fault"),
        expect(dead_code, reason = "announced by its length")
    )]
    Write,
    /// Set the length.
    Truncate,
    /// Sync the contents (and what is needed to find them).
    SyncData,
    /// Sync the contents and all metadata of the file.
    SyncAll,
    /// Sync a directory.
    SyncDir,
    /// Ask for size, identity or links of an open file.
    Stat,
    /// Ask for the same of a name.
    StatPath,
    /// Take a lock.
    Lock,
    /// Release a lock.
    Unlock,
    /// Set mode, owner or extended attributes of an open file.
    SetAttributes,
    /// Rename.
    Rename,
    /// Make a hard link.
    Link,
    /// Remove a name.
    Unlink,
    /// List a directory.
    List,
    /// Make a directory.
    MakeDir,
    /// Follow the symbolic links of a path.
    Resolve,
    /// Ask for reports of changes in a directory.
    Watch,
    /// Ask the system for a random number. If it has none, one is made.
    Random,
    /// Start a thread.
    StartThread,
}

/// Announces a call that can only be let through or failed.
#[cfg(not(feature = "fault"))]
#[inline(always)]
pub(super) fn announce(_: Op, _: Option<&Path>) -> io::Result<()> {
    Ok(())
}

/// Announces a write and returns how many of its bytes may be written.
#[cfg(not(feature = "fault"))]
#[inline(always)]
pub(super) fn announce_write(len: usize, _: Option<&Path>) -> io::Result<usize> {
    Ok(len)
}

/// Returns whether the tests leave such a call out.
#[cfg(not(feature = "fault"))]
#[inline(always)]
pub(super) fn pretends(_: Op) -> bool {
    false
}

/// Returns the number of a file's device, as the tests want it.
#[cfg(not(feature = "fault"))]
#[inline(always)]
pub(super) fn device(device: u64) -> u64 {
    device
}

/// Returns what was seen of a file, as the tests want it.
#[cfg(not(feature = "fault"))]
#[inline(always)]
pub(super) fn taken(seen: Stat) -> Stat {
    seen
}

/// Returns the tick of the coarse clock, as the tests want it.
#[cfg(not(feature = "fault"))]
#[inline(always)]
pub(super) fn clock(tick: Option<u64>) -> Option<u64> {
    tick
}

/// Returns how many looks at a name a tick needs, as the tests want it.
#[cfg(not(feature = "fault"))]
#[inline(always)]
pub(super) fn needed(looks: u32) -> u32 {
    looks
}

#[cfg(feature = "fault")]
pub(super) use super::fault::{announce, announce_write, clock, device, needed, pretends, taken};
