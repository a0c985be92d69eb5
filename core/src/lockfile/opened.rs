//! A journal that is open to be written, and what the opening changed of it.

use std::io;
use std::path::Path;

use super::generation::Generation;
use super::identity::Identity;
use crate::sys::{Access, File};

/// A journal that is open to be written.
pub(crate) struct Opened {
    pub file: File,
    pub identity: Identity,
    /// What it was before this opening, which changed it: see [`open`].
    before: Option<Identity>,
}

/// Opens a journal to write to it.
///
/// On an overlay (the file system of a container) to open a file of a lower
/// layer for writing copies it, which gives it another birth. It is the same
/// journal all the same, and positions in it stay good. That it is the same
/// file is certain: it has the same number as one that is open meanwhile.
pub(crate) fn open(path: &Path, access: Access) -> io::Result<Opened> {
    let reading = File::open(path, Access::Read)?;
    let before = Identity::of(&reading)?;
    let file = File::open(path, access)?;
    let identity = Identity::of(&file)?;
    Ok(Opened {
        before: (before.id == identity.id && before != identity).then_some(before),
        file,
        identity,
    })
}

impl Opened {
    /// The generation that the journal goes on with, if the opening changed its
    /// identity: to be recorded, since nothing else tells.
    pub fn carried_over(&self, recorded: Option<Generation>) -> Option<Generation> {
        self.before.map(|before| Generation {
            of: self.identity,
            ..Generation::of(before, recorded)
        })
    }
}
