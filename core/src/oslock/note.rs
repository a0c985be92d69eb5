//! The lines of `P.holder`: they name the holders of `P`'s lock, for people and
//! messages.
//!
//! This file has no lock. A lock would be one more to wait for, also if another
//! program holds it. An exclusive holder is alone by `P`'s own lock. Sharers
//! write one slot each. Two that choose the same slot lose a line, and nothing
//! but a line. The same happens if one comes while the other leaves.

use std::io;
use std::path::{Path, PathBuf};

use crate::holder::Holder;
use crate::process::Alive;
use crate::sys::{self, Access, Descriptor, File};

/// A line and the spaces after it fill a whole number of slots. So a line in
/// another's place covers it.
const SLOT: usize = 512;
/// A longer file was not written by this library.
const MOST: usize = 1 << 16;

/// The line of a lock that is held.
pub(crate) struct Note {
    path: PathBuf,
    file: Descriptor,
    at: usize,
    length: usize,
    shared: bool,
}

/// Notes that this process holds the lock. A failure is ignored, since the lock
/// does not depend on the note. `mode` holds the lock file's permission bits.
pub(crate) fn write(holder_path: &Path, mode: u32, own: &Holder, shared: bool) -> Option<Note> {
    try_write(holder_path, mode & 0o666, own, shared)
        .ok()
        .flatten()
}

fn try_write(path: &Path, mode: u32, own: &Holder, shared: bool) -> io::Result<Option<Note>> {
    let line = slots(own)?;
    let mut at = 0;
    let file = loop {
        match Descriptor::create_private(path, Access::Write, mode) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            result => break result?,
        }
        // A killed holder left it, or sharers did.
        let file = match Descriptor::open_beside(path, Access::Write) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            result => result?,
        };
        let Some(content) = content(&file)? else {
            return Ok(None);
        };
        if shared {
            at = free_slot(&content, line.len());
        }
        if !shared && content.len() > line.len() || content.len() % SLOT != 0 {
            file.set_len(0)?;
        }
        break file;
    };
    file.write_all_at(&line, at as u64)?;
    Ok(Some(Note {
        path: path.to_owned(),
        file,
        at,
        length: line.len(),
        shared,
    }))
}

impl Note {
    /// Takes the line back, and removes the file if it holds no other line. The
    /// lock must still be held: the next holder's line must stay.
    pub fn erase(self) {
        let _ = self.try_erase();
    }

    fn try_erase(&self) -> io::Result<()> {
        let (links, size) = self.file.links_and_size()?;
        if links == 0 {
            // The name means another file by now.
            return Ok(());
        }
        if size == self.length as u64 {
            return sys::unlink(&self.path);
        }
        // Others share, or another program has written content of its own.
        let Some(content) = content(&self.file)? else {
            return Ok(());
        };
        let own = content.len().min(self.at)..content.len().min(self.at + self.length);
        let others = lines(&content).count() - lines(&content[own]).count();
        match others {
            0 => sys::unlink(&self.path),
            _ if self.shared => self.file.write_all_at(&blank(self.length), self.at as u64),
            _ => Ok(()),
        }
    }
}

/// Reads the lines of the file.
pub(crate) fn read(path: &Path) -> io::Result<Vec<Holder>> {
    let file = File::open_beside(path, Access::Read)?;
    let bytes = first_bytes(&file)?;
    Ok(lines(&bytes)
        .filter_map(|line| serde_json::from_slice(line).ok())
        .collect())
}

/// Reads the file. Returns `None` if it holds a foreign line: then the file
/// belongs to another program.
fn content(file: &File) -> io::Result<Option<Vec<u8>>> {
    let bytes = first_bytes(file)?;
    let ours = lines(&bytes).all(|line| serde_json::from_slice::<Holder>(line).is_ok());
    Ok((ours && bytes.len() < MOST).then_some(bytes))
}

fn first_bytes(file: &File) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; 8 * SLOT];
    let mut filled = file.read_at(&mut bytes, 0)?;
    while filled == bytes.len() && filled < MOST {
        bytes.resize(filled * 2, 0);
        filled += file.read_at(&mut bytes[filled..], filled as u64)?;
    }
    bytes.truncate(filled);
    Ok(bytes)
}

/// Splits off the lines that hold something. After a power cut there may be
/// NULs.
fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split(|byte| *byte == b'\n').filter_map(|line| {
        let written = |byte: &u8| !matches!(byte, 0 | b' ' | b'\t' | b'\r');
        let first = line.iter().position(written)?;
        let last = line.iter().rposition(written)?;
        Some(&line[first..=last])
    })
}

/// Returns the line, and the spaces that fill its slots.
fn slots(own: &Holder) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(own)?;
    if line.len() >= MOST / 4 {
        // A label of this length is left out.
        let label = None;
        line = serde_json::to_vec(&Holder {
            label,
            ..own.clone()
        })?;
    }
    let length = (line.len() + 1).next_multiple_of(SLOT);
    line.resize(length - 1, b' ');
    line.push(b'\n');
    Ok(line)
}

fn blank(length: usize) -> Vec<u8> {
    let mut blank = vec![b' '; length];
    for slot in blank.chunks_mut(SLOT) {
        if let Some(last) = slot.last_mut() {
            *last = b'\n';
        }
    }
    blank
}

/// Returns an offset with room for so many bytes that covers no living holder's
/// line.
fn free_slot(content: &[u8], length: usize) -> usize {
    let is_free = |bytes: &[u8]| {
        lines(bytes).all(|line| {
            serde_json::from_slice::<Holder>(line).is_ok_and(|own| own.alive() == Alive::Dead)
        })
    };
    // A piece of a long line is no line, and so not free.
    (0..content.len())
        .step_by(SLOT)
        .find(|at| is_free(&content[*at..content.len().min(at + length)]))
        .unwrap_or(content.len().next_multiple_of(SLOT))
}

/// `P.holder`.
pub(crate) fn path_for(target: &Path) -> PathBuf {
    let mut name = target.as_os_str().to_owned();
    name.push(".holder");
    PathBuf::from(name)
}

/// Returns the file in which this lock file's holders leave their lines. For
/// `P.lock` it is `P.holder`. For any other name it is `NAME.holder`, so that
/// no two locks share one.
pub(crate) fn path_beside(lock_path: &Path) -> PathBuf {
    match lock_path.extension() {
        Some(last) if last == "lock" => path_for(&lock_path.with_extension("")),
        _ => path_for(lock_path),
    }
}

#[cfg(test)]
mod tests {
    use super::{SLOT, blank, free_slot, lines, slots};
    use crate::holder::Holder;

    #[test]
    fn lines_fill_slots() {
        let own = Holder::own(Some("the test"));
        let line = slots(&own).unwrap();
        assert_eq!(line.len(), SLOT);
        let long = slots(&Holder::own(Some(&"x".repeat(SLOT)))).unwrap();
        assert_eq!(long.len(), 2 * SLOT);
        let content = [&line[..], &long, &blank(SLOT), &line].concat();
        assert_eq!(lines(&content).count(), 3);
        assert_eq!(free_slot(&content, SLOT), 3 * SLOT);
        assert_eq!(free_slot(&content, 2 * SLOT), 5 * SLOT, "they live");
        assert_eq!(free_slot(&[], SLOT), 0);
        assert_eq!(lines(&blank(3 * SLOT)).count(), 0);
        assert_eq!(lines(&[0; 700]).count(), 0);
    }

    #[test]
    fn a_label_without_end_is_left_out() {
        let own = Holder::own(Some(&"x".repeat(1 << 20)));
        assert_eq!(slots(&own).unwrap().len(), SLOT);
    }
}
