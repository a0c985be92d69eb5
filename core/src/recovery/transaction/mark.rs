//! The mark that a transaction puts into the lock file of each file that it
//! changes: kind 3 of what can be pending.
//!
//! It stands only while its owner holds the lock. So a process that gets the
//! lock and finds a mark knows that the owner is dead.
//!
//! ```text
//! offset  bytes
//!     76      4  zero
//!     80     16  the transaction's number
//!     96     28  zero
//! ```

use std::io;

use crate::lockfile::{BLOCK, Generation, IDLE, MAGIC};
use crate::recovery::block;
use crate::sys::File;

pub(crate) const KIND: u32 = 3;

/// The membership of a marked file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    /// The transaction's number, drawn at random.
    pub transaction: u128,
}

impl Mark {
    fn to_block(self) -> [u8; BLOCK] {
        let mut block = block::new(KIND);
        block[16..32].copy_from_slice(&self.transaction.to_le_bytes());
        block::sealed(block)
    }

    /// Reads the mark of a lock file; `None` if it has none.
    pub fn read(lock: &File) -> io::Result<Option<Mark>> {
        let block = block::read_kind(lock, KIND)?;
        Ok(block.map(|block| Mark::at(&block)))
    }

    pub(crate) fn at(block: &[u8; BLOCK]) -> Mark {
        let mut number = [0; 16];
        number.copy_from_slice(&block[16..32]);
        Mark {
            transaction: u128::from_le_bytes(number),
        }
    }

    /// Writes the mark into a lock file that is ours. The content of the first
    /// block stays. If there is none, the same write makes one that names no
    /// file.
    pub fn write(self, lock: &File) -> io::Result<()> {
        let block = self.to_block();
        let mut first = [0; BLOCK];
        if lock.read_full_at(&mut first, 0)? == BLOCK && first.starts_with(MAGIC) {
            return lock.write_all_at(&block, IDLE);
        }
        lock.write_all_at(&[Generation::NOBODYS.to_block(), block].concat(), 0)
    }
}
