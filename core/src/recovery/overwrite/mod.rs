//! `P.redo`: what makes a write in place all or nothing.
//!
//! A file that is locked itself must keep its inode, so it can't be replaced;
//! it is overwritten. `P.redo` holds the bytes from before and the new ones,
//! synced before `P` is touched. Then, in `P`:
//!
//! 1. the first byte of what changes becomes a mark (NUL, as a rule), which
//!    neither the old bytes begin with nor the new ones: whoever reads `P` now
//!    without knowing of this can't take it for a value, and nobody can save
//!    by chance what looks like it;
//! 2. the new bytes but for the first, and the new length;
//! 3. the first byte;
//! 4. `P` is synced, and `P.redo` cut to its head.
//!
//! ```text
//! content.rs   bytes in memory or in a file
//! change.rs    the write, and back again if it fails
//! state.rs     what such a write can have left of P
//! glimpse.rs   what readers see that have no lock
//! ```
//!
//! The head is the lock file's (`record.rs`): its generation is raised by every
//! write in place, which is how a reader without a lock learns of one.
//! `recovery/overwrite.rs` settles what a dead writer left.

mod change;
mod content;
mod glimpse;
mod settle;
mod state;

use std::sync::OnceLock;

pub(crate) use change::{Change, note_append, note_way_back, overwrite};
pub(crate) use content::Content;
pub(crate) use glimpse::{Glimpse, read_document};
pub(crate) use settle::settle;
pub(crate) use state::{State, judge};

use crate::recovery::record::PendingOverwrite;
use crate::sys::{self, File};

/// This start of the machine, as a number; 0 where the system does not say.
/// While it lasts, nothing that a process wrote is lost or reordered.
pub(crate) fn boot() -> u64 {
    static BOOT: OnceLock<u64> = OnceLock::new();
    *BOOT.get_or_init(|| sys::boot_id().map_or(0, |id| xxhash_rust::xxh3::xxh3_64(id.as_bytes())))
}

/// Where the old bytes begin in `P.redo`; the new ones follow.
pub(crate) const PAYLOAD: u64 = 128;

impl PendingOverwrite {
    pub fn old<'a>(&self, redo: &'a File) -> Content<'a> {
        Content::File {
            file: redo,
            start: PAYLOAD,
            length: self.old,
        }
    }

    pub fn new_bytes<'a>(&self, redo: &'a File) -> Content<'a> {
        Content::File {
            file: redo,
            start: PAYLOAD + self.old,
            length: self.new,
        }
    }

    /// Whether the bytes are all there. If not, `P` was never touched: it is
    /// only after they are.
    pub fn is_whole(&self, redo: &File) -> std::io::Result<bool> {
        let there = redo.size()?.saturating_sub(PAYLOAD);
        if self.old.checked_add(self.new) != Some(there) {
            return Ok(false);
        }
        let mut checksum = 0;
        let all = Content::File {
            file: redo,
            start: PAYLOAD,
            length: there,
        };
        match all.each(|piece, _| {
            checksum = crc32c::crc32c_append(checksum, piece);
            Ok(())
        }) {
            // Cut meanwhile: the writer is done, and we have no lock.
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Ok(false),
            Err(error) => Err(error),
            Ok(()) => Ok(checksum == self.checksum),
        }
    }
}
