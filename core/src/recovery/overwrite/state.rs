//! Judges what a write in place that was cut off has left of `P`.

use std::io;

use super::content::Content;
use super::record::{PendingOverwrite, boot};

use crate::sys::File;

/// The unit that a power failure leaves written whole or not at all.
const SECTOR: u64 = 512;
const PIECE: usize = 1 << 16;

/// The state of `P`, compared with the record in `P.redo`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// The state before.
    Old,
    /// The state after.
    New,
    /// A state that the write can have left.
    Between,
    /// Any other state: another program has saved since, and its content must
    /// stay.
    Foreign,
}

/// Judges `now`, all of `P` from the start of the change. It is `None` if `P`
/// is shorter than that.
///
/// While the machine runs, a write that was cut off leaves the mark, and after
/// it old and new bytes. No program saves that. An append leaves the first of
/// its bytes; to add the others overwrites no other program's bytes. After a
/// power cut, any sectors may be old, new, or NULs. A program that saved
/// precisely such a mixture since looks like the cut.
pub(crate) fn classify(
    now: Option<Content<'_>>,
    redo: &File,
    pending: &PendingOverwrite,
) -> io::Result<State> {
    let Some(now) = now else {
        return Ok(State::Foreign);
    };
    let (old, new) = (pending.old(redo), pending.new_bytes(redo));
    let same_boot = pending.boot != 0 && pending.boot == boot();
    let between = old.len().min(new.len()) <= now.len() && now.len() <= old.len().max(new.len());
    let mut seen = Seen {
        old: now.len() == old.len(),
        new: now.len() == new.len(),
        marked: between && now.first()? == pending.mark.or(new.first()?),
        cut: between && !same_boot,
    };
    let mut at = 0;
    let mut buffers = [vec![0; PIECE], vec![0; PIECE], vec![0; PIECE]];
    while at < now.len() && seen.anything() {
        // Up to the next border of sectors in the file.
        let room = PIECE as u64 - (pending.from + at) % SECTOR;
        let n = usize::try_from(room.min(now.len() - at)).unwrap_or(PIECE);
        let [n_, o_, w_] = &mut buffers;
        now.read(&mut n_[..n], at)?;
        let olds = old.read(&mut o_[..n], at)?;
        let news = new.read(&mut w_[..n], at)?;
        // Beyond the end, each counts as NULs for the rest.
        o_[olds..n].fill(0);
        w_[news..n].fill(0);
        seen.compare(
            &n_[..n],
            (&o_[..n], olds),
            (&w_[..n], news),
            at == 0,
            ((pending.from + at) % SECTOR) as usize,
            pending.mark,
        );
        at += n as u64;
    }
    Ok(seen.state())
}

/// The states that are still possible after the bytes so far.
struct Seen {
    old: bool,
    new: bool,
    marked: bool,
    cut: bool,
}

impl Seen {
    fn anything(&self) -> bool {
        self.old || self.new || self.marked || self.cut
    }

    fn state(&self) -> State {
        if self.new {
            State::New
        } else if self.old {
            State::Old
        } else if self.marked || self.cut {
            State::Between
        } else {
            State::Foreign
        }
    }

    /// Compares a piece of `P` with the old and the new bytes there. Each comes
    /// with its count of bytes.
    fn compare(
        &mut self,
        now: &[u8],
        (old, olds): (&[u8], usize),
        (new, news): (&[u8], usize),
        first: bool,
        into_sector: usize,
        mark: Option<u8>,
    ) {
        self.old &= now == old;
        self.new &= now == new;
        let skip = usize::from(first && mark.is_some() && now.first().copied() == mark);
        self.marked = self.marked
            && (skip..now.len())
                .all(|i| i < olds && now[i] == old[i] || i < news && now[i] == new[i]);
        self.cut = self.cut && {
            let mut start = 0;
            let mut stop = (SECTOR as usize - into_sector).min(now.len());
            loop {
                let begin = if start == 0 { skip } else { start };
                if !is_cut(&now[begin..stop], &old[begin..stop], &new[begin..stop]) {
                    break false;
                }
                if stop == now.len() {
                    break true;
                }
                (start, stop) = (stop, (stop + SECTOR as usize).min(now.len()));
            }
        };
    }
}

/// Returns whether a sector is new up to some byte, and old from there on. NULs
/// can be anywhere. File systems leave them in a block that was allocated but
/// not written, and no program saves them as text.
fn is_cut(now: &[u8], old: &[u8], new: &[u8]) -> bool {
    let is = |(now, wanted): &(&u8, &u8)| now == wanted || **now == 0;
    let news = now.iter().zip(new).take_while(is).count();
    now[news..].iter().zip(&old[news..]).all(|pair| is(&pair))
}
