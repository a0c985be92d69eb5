//! The commit.

use super::Transaction;
use super::member::Staged;
use super::plan::{self, Step};
use super::stage::{Stage, failed};
use crate::durability::Durability;
use crate::error::{Error, ErrorKind, Result};
use crate::oslock::WaitPolicy;
use crate::recovery::transaction::{State, Whose, append, create, rename};
use crate::sys::{self, Access, File};
use std::io;
use std::path::Path;

impl Transaction {
    /// Makes all the changes, or none.
    pub(super) fn carry_out(&mut self, wait: &WaitPolicy<'_>) -> Result<()> {
        let Some(lock) = &self.lock else {
            return Ok(());
        };
        for member in self.members.values_mut() {
            if !matches!(member.staged, Staged::Unchanged) {
                member.lock("commit", wait)?;
            }
        }
        // Another program may create and remove a name again and again, so the
        // number of tries is limited.
        for last in [false, false, false, true] {
            let mut steps = Vec::with_capacity(self.members.len());
            for (name, member) in &self.members {
                steps.extend(plan::step(name, member, &self.options)?);
            }
            if steps.is_empty() {
                return Ok(());
            }
            let mut stage = Stage::new(&self.dir, lock, &steps, self.options.durability);
            match stage.prepare().and_then(|()| publish(&stage)) {
                Ok(()) => return Ok(()),
                // The journal was missing, and another program has created it
                // since: append to it.
                Err(error) if !last && is_late_journal(&steps, &error) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

fn is_late_journal(steps: &[Step<'_>], error: &Error) -> bool {
    error.kind() == ErrorKind::AlreadyExists
        && steps.iter().any(|step| {
            step.member.path == error.path() && matches!(step.member.staged, Staged::Lines(_))
        })
}

/// Passes the commit point and finishes the commit.
fn publish(stage: &Stage<'_>) -> Result<()> {
    let (dir, manifest) = (stage.dir, &stage.manifest);
    let (preparing, committed) = (State::Preparing.path(dir), State::Committed.path(dir));
    if let Err(error) = stage.check_locks().and_then(|()| {
        sys::rename(&preparing, &committed).map_err(|error| failed(&committed, error))
    }) {
        stage.discard();
        return Err(error);
    }
    let mut unsynced = match manifest.durability {
        Durability::Power => sys::sync_parent(&committed).err(),
        Durability::Process => None,
    }
    .map(|error| Error::os("commit", &committed, error));
    match append(dir, manifest, Whose::Own) {
        Ok(failed) => unsynced = unsynced.or(failed),
        Err(error) => return Err(withdraw(stage, error)),
    }
    if let Err(error) = create(dir, manifest, Whose::Own) {
        return Err(withdraw(stage, error));
    }
    match rename(dir, manifest, Whose::Own) {
        Ok(failed) => unsynced = unsynced.or(failed),
        Err(error) => return Err(unfinished(error)),
    }
    // Without a manifest, or with an empty one, the transaction is over. If neither
    // works, the marks stay too: the next locker finds that all is done. Until then
    // readers without the lock do not show the appends.
    if sys::unlink(&committed).is_ok() || empty(&committed).is_ok() {
        stage.unmark();
    }
    match unsynced {
        None => Ok(()),
        Some(error) => Err(error
            .with_kind(ErrorKind::NotDurable)
            .hint("the changes are in place, but a power cut may undo some of them")),
    }
}

/// Makes the manifest one that is not whole. The directory's next locker removes it.
fn empty(manifest: &Path) -> io::Result<()> {
    File::open_beside(manifest, Access::Write)?.set_len(0)
}

/// Goes back to the state before the commit point. An append failed, or another
/// program has created a file of ours; no name has changed yet.
fn withdraw(stage: &Stage<'_>, error: Error) -> Error {
    let (dir, committed) = (stage.dir, State::Committed.path(stage.dir));
    if sys::rename(&committed, &State::Preparing.path(dir)).is_err() {
        return unfinished(error);
    }
    // From here on it is not committed. That must be on disk before its
    // temporaries are removed.
    if stage.manifest.durability == Durability::Power && sys::sync_parent(&committed).is_err() {
        return error.hint("nothing was changed, unless the power fails now");
    }
    stage.discard();
    error.hint("nothing was changed")
}

#[cold]
fn unfinished(error: Error) -> Error {
    error.hint(
        "the transaction is committed but not finished: the next process that locks one of its \
         files finishes it, or gets this error again",
    )
}
