//! Reads and writes the lock file's content.
//!
//! ```text
//! offset  bytes
//!      0      8  "untorn1\n"
//!      8      8  generation of the journal, raised by every rewrite
//!     16      8  device  \  (0 if the birth is known)
//!     24      8  inode    > of the journal that has this generation
//!     32      8  birth   /  (microseconds since 1970, 0 if not known)
//!     40      8  generation before its last rewrite, 0: none known
//!     48      8  how many of its first bytes that rewrite left the same;
//!                2^64 - 1: it was a rotation
//!     56      4  the highest number that a rotated file was given, 0: none
//!     60      4  CRC-32C of the 60 bytes before
//! ---- up to here: nothing is pending. If the file is longer: ----
//!     64         a recovery record: see the room `recovery`
//! ```
//!
//! Integers are little-endian. The file's size says whether anything is pending. So one
//! system call tells an append that, and whether the lock file still has a name.
//!
//! ```text
//! block.rs       the blocks; whether a file is ours
//! generation.rs  the first block
//! identity.rs    which file; opened.rs: a journal that is open to be written
//! ```

mod block;
mod generation;
mod identity;
mod opened;

pub(crate) use block::{
    BLOCK, IDLE, MAGIC, clear_stamp, is_cleared, is_our_redo, is_ours, is_whole, seal, u32_at,
    u64_at, u64_of,
};
pub(crate) use generation::{Before, Generation, Same, read_generation, write_generation};
pub(crate) use identity::Identity;
pub(crate) use opened::open;
