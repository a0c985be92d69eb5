//! Adds the methods of `Journal` that salvage it.

use super::damaged::{Piece, take_apart};
use super::report::{Salvage, SalvagedLine};
use super::walk::{Line, walk};
use crate::error::{Error, ErrorKind, Result};
use crate::journal::handle::Journal;
use crate::journal::header::is_header;
use crate::journal::read::{Damage, DamageKind, Foreign, HEAD, Records, Source};
use crate::journal::rewrite::{Draft, Old};
use crate::journal::seal::{self, Chain};
use crate::journal::shared::Shared;
use crate::lock::CallOptions;
use crate::lockfile::Same;
use crate::oslock::LockFile;
use crate::torn;

use std::sync::Arc;

impl Journal {
    /// Returns what [`Journal::salvage`] would do. Takes no lock and changes nothing.
    ///
    /// # Errors
    /// As [`Journal::records`]; `CORRUPT` if the file is plainly not a journal.
    pub fn salvage_plan(&self) -> Result<Salvage> {
        plan(&self.handle.shared)
    }

    /// Mends damage before the end of the journal, and throws nothing away. Records that
    /// were glued together become a line each. NULs are removed. Bytes that can't be
    /// read go to `P.torn`, with their place. The torn tail is repaired too. Lines that
    /// are longer than `max_record` stay as they are.
    ///
    /// A new file takes the journal's place, as in [`Journal::compact`]: other processes
    /// wait with their appends, and earlier positions are refused. Without such damage
    /// only the tail is repaired. In a sealed journal every record gets a seal of its
    /// own, and a record without one keeps none.
    ///
    /// # Errors
    /// `CORRUPT` if the file is plainly not a journal. `LOCK_TIMEOUT`, `STORAGE_FULL`,
    /// `PERMISSION_DENIED` and other failures of the system; then the journal is as it
    /// was. `CONFLICT` if a program that takes no lock changed it meanwhile.
    pub fn salvage(&self) -> Result<Salvage> {
        self.salvage_with(&CallOptions::new())
    }

    /// Does the same as [`Journal::salvage`], with a timeout or cancellation, or under a
    /// lock that is already held.
    ///
    /// # Errors
    /// The same, and `CANCELLED`.
    pub fn salvage_with(&self, call: &CallOptions<'_>) -> Result<Salvage> {
        let handle = &self.handle;
        handle.under_lock("salvage", call, |_, writer, lock| {
            let shared = &handle.shared;
            refuse_foreign(shared)?;
            let tail = writer.repair(shared, lock)?;
            let mut plan = plan(shared)?;
            plan.tail = tail;
            if plan.line_count == 0 {
                return Ok(plan);
            }
            let draft = Draft::begin(shared, writer, lock, "salvage")?;
            let published = carry_out(shared, draft, lock);
            writer.close();
            published.map(|()| plan)
        })
    }
}

fn refuse_foreign(shared: &Shared) -> Result<()> {
    let Some(source) = Source::open(shared, "salvage")? else {
        return Ok(());
    };
    let mut head = vec![0; HEAD];
    let n = source
        .read_full_at(&mut head, 0)
        .map_err(|error| Error::os("salvage", &shared.path, error))?;
    match Foreign::of(&shared.options, &head[..n]) {
        Some(foreign) => Err(foreign.error("salvage", &shared.path)),
        None => Ok(()),
    }
}

fn plan(shared: &Arc<Shared>) -> Result<Salvage> {
    refuse_foreign(shared)?;
    let mut plan = Salvage::default();
    walk(shared, |reader, line| {
        match line {
            Line::Good { .. } => {}
            Line::Tail(damage, kind) => {
                let nuls = reader.nuls_at_end();
                plan.add_tail(damage, kind, nuls);
            }
            Line::Damaged { damage, .. } if damage.length == 0 => {}
            Line::Damaged { damage, .. } if damage.kind == DamageKind::TooLong => plan.left += 1,
            Line::Damaged {
                damage,
                start,
                stop,
            } => {
                let mut mended = SalvagedLine {
                    kind: damage.kind,
                    offset: start,
                    length: stop - start,
                    line: damage.line.unwrap_or(0),
                    records: 0,
                    kept: 0,
                    nuls: 0,
                };
                each_piece(shared, reader, (start, stop), |piece| {
                    match piece {
                        Piece::Record { .. } => mended.records += 1,
                        Piece::Aside(cut) => {
                            mended.kept += cut.length;
                            mended.nuls += cut.nuls;
                        }
                    }
                    Ok(())
                })?;
                plan.add(mended);
            }
        }
        Ok(())
    })?;
    Ok(plan)
}

/// Calls `next` with the pieces of a damaged line.
fn each_piece(
    shared: &Shared,
    reader: &Records,
    (start, stop): (u64, u64),
    mut next: impl FnMut(Piece) -> Result<()>,
) -> Result<()> {
    let source = reader.source().ok_or_else(|| gone(shared))?;
    // The newline stays where it is.
    let mut failed = None;
    let result = take_apart(source, &shared.options, (start, stop - 1), |piece| {
        next(piece).map_err(|error| {
            failed = Some(error);
            std::io::Error::other("the next step failed")
        })
    });
    match (failed, result) {
        (Some(error), _) => Err(error),
        (None, Err(error)) => Err(Error::os("salvage", &shared.path, error)),
        (None, Ok(())) => Ok(()),
    }
}

fn gone(shared: &Shared) -> Error {
    Error::new(
        ErrorKind::Conflict,
        "salvage",
        &shared.path,
        "the journal was removed meanwhile",
    )
}

/// Writes the new file, and sets aside what can't be read. After an error the journal
/// is as it was.
fn carry_out(shared: &Arc<Shared>, mut draft: Draft, lock: LockFile<'_>) -> Result<()> {
    let mut new = New {
        shared,
        aside: None,
        copied: 0,
        same: None,
    };
    let written = walk(shared, |reader, line| new.line(&mut draft, reader, line))
        .and_then(|()| new.finish(&mut draft));
    let New { aside, same, .. } = new;
    let kept = match (written, aside) {
        (Ok(()), None) => Ok(None),
        (Ok(()), Some(aside)) => aside.finish().map(Some),
        (Err(error), aside) => {
            if let Some(aside) = aside {
                aside.take_back();
            }
            Err(error)
        }
    };
    let kept = match kept {
        Ok(kept) => kept,
        Err(error) => {
            draft.discard(lock);
            return Err(error);
        }
    };
    match draft.publish(shared, lock, Same::Prefix(same.unwrap_or(0)), Old::Dropped) {
        Ok(_) => Ok(()),
        Err(error) => {
            // The new file is in its place if only that is not yet durable.
            if let Some(kept) = kept.filter(|_| error.kind() != ErrorKind::NotDurable) {
                kept.take_back();
            }
            Err(error)
        }
    }
}

/// The new file while it is written.
struct New<'a> {
    shared: &'a Arc<Shared>,
    aside: Option<torn::Aside>,
    /// Up to here the old file is in the new one, or set aside.
    copied: u64,
    /// Up to here both files are the same.
    same: Option<u64>,
}

impl New<'_> {
    fn line(&mut self, draft: &mut Draft, reader: &Records, line: Line<'_>) -> Result<()> {
        match line {
            Line::Good { start, line } => match self.shared.options.sealed {
                true => self.sealed_line(draft, start, line),
                // It is copied together with its neighbours.
                false => Ok(()),
            },
            // Nothing of it is before the end.
            Line::Tail(..) => Ok(()),
            Line::Damaged { damage, .. }
                if damage.length == 0 || damage.kind == DamageKind::TooLong =>
            {
                Ok(())
            }
            Line::Damaged {
                damage,
                start,
                stop,
            } => self.damaged(draft, reader, damage, (start, stop)),
        }
    }

    /// The lines before and after it may change, so its seal can't chain it to them.
    fn sealed_line(&mut self, draft: &mut Draft, start: u64, line: &[u8]) -> Result<()> {
        let text = line.strip_suffix(b"\n").unwrap_or(line);
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        let Some((record, _)) = seal::split(text) else {
            return Ok(());
        };
        self.copy_up_to(draft, start)?;
        self.same.get_or_insert(start);
        self.copied = start + line.len() as u64;
        self.record(draft, record, true)
    }

    fn damaged(
        &mut self,
        draft: &mut Draft,
        reader: &Records,
        damage: Damage,
        (start, stop): (u64, u64),
    ) -> Result<()> {
        let shared = self.shared;
        self.copy_up_to(draft, start)?;
        self.same.get_or_insert(start);
        each_piece(shared, reader, (start, stop), |piece| match piece {
            Piece::Record { bytes, sealed }
                if draft.length() > 0 || !is_header(&shared.options, &bytes) =>
            {
                self.record(draft, &bytes, sealed)
            }
            // It would be the header if it came first.
            Piece::Record { bytes, .. } => {
                self.aside()?.add_bytes(start, &bytes, damage.kind.as_str())
            }
            Piece::Aside(cut) => {
                let old = draft.old.as_ref().ok_or_else(|| gone(shared))?;
                let aside = self.aside()?;
                aside.add(&old.0.file, cut, damage.kind.as_str())
            }
        })?;
        self.copied = stop;
        Ok(())
    }

    fn aside(&mut self) -> Result<&mut torn::Aside> {
        if self.aside.is_none() {
            self.aside = Some(torn::Aside::begin(&self.shared.path)?);
        }
        self.aside
            .as_mut()
            .ok_or_else(|| Error::internal("salvage", &self.shared.path, "nothing is set aside"))
    }

    fn record(&self, draft: &mut Draft, record: &[u8], sealed: bool) -> Result<()> {
        if sealed {
            let mut line = Vec::new();
            Chain::default().add(&mut line, record);
            return draft.write(self.shared, &line);
        }
        draft.write(self.shared, record)?;
        draft.write(self.shared, b"\n")
    }

    fn copy_up_to(&mut self, draft: &mut Draft, stop: u64) -> Result<()> {
        let Some((data, _)) = &draft.old else {
            return Err(gone(self.shared));
        };
        let data = Arc::clone(data);
        draft.copy(self.shared, &data.file, self.copied, stop)
    }

    fn finish(&mut self, draft: &mut Draft) -> Result<()> {
        let end = draft.old.as_ref().map_or(0, |(_, end)| *end);
        self.copy_up_to(draft, end)
    }
}
