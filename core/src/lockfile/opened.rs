//! Opens a journal to write to it, and notes what the opening changed.

use std::io;
use std::path::Path;

use super::generation::Generation;
use super::identity::Identity;
use crate::sys::{self, Access, File, Stat};

/// Is a journal that is open to be written.
pub(crate) struct Opened {
    pub file: File,
    pub identity: Identity,
    pub stat: Stat,
    /// The identity before this opening, if the opening changed it: see [`open`].
    before: Option<Identity>,
}

/// Opens a journal to write to it.
///
/// On an overlay (the file system of a container), opening a file of a lower layer for
/// writing copies it. The copy has another birth time, but is the same journal, and
/// positions in it stay valid. It is certainly the same file: it has the same number as
/// one that is open meanwhile. Most file systems are known to copy nothing.
pub(crate) fn open(path: &Path, access: Access) -> io::Result<Opened> {
    let reading = match sys::may_copy_what_is_opened(path) {
        true => {
            let reading = File::open(path, Access::Read)?;
            let before = Identity::of(&reading)?;
            // Open until the identity is read again, so that its number is no other's.
            Some((reading, before))
        }
        false => None,
    };
    let (file, stat, birth) = File::open_identified(path, access)?;
    let identity = Identity { id: stat.id, birth };
    Ok(Opened {
        before: reading
            .map(|(_, before)| before)
            .filter(|before| before.id == identity.id && *before != identity),
        file,
        identity,
        stat,
    })
}

impl Opened {
    /// Returns the generation that the journal keeps, if the opening changed its
    /// identity. It must be recorded, since nothing else says it.
    pub fn carried_over(&self, recorded: Option<Generation>) -> Option<Generation> {
        self.before.map(|before| Generation {
            of: self.identity,
            ..Generation::of(before, recorded)
        })
    }
}
