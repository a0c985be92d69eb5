//! `P.rotated`: the list of this journal's rotated files, one line of JSON each.
//!
//! A line is written and synced before its file gets the name. So a line may name
//! a file that never got its name. But each of our rotated files has a line.

use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Rotated, numbers};
use crate::beside;
use crate::lockfile::{Before, Identity, Same};
use crate::sys::{self, Access, File, FileId, InTheWay};
use crate::temporary::{self, Rights, Temporary};

/// A shorter list is not worth clearing up.
const MANY: usize = 64;

#[derive(Serialize, Deserialize)]
struct Line {
    number: u32,
    device: u64,
    inode: u64,
    birth: Option<u64>,
    length: u64,
    generation: u64,
    /// The generation before the rewrite that made the file.
    before: Option<u64>,
    /// How many of the first bytes the rewrite left the same. `None` after a
    /// rotation, or if `before` is not known.
    same: Option<u64>,
}

impl Line {
    fn of(rotated: &Rotated) -> Line {
        let Identity { id, birth } = rotated.identity;
        Line {
            number: rotated.number,
            device: id.device,
            inode: id.inode,
            birth,
            length: rotated.length,
            generation: rotated.generation,
            before: rotated.before.map(|before| before.generation),
            same: match rotated.before.map(|before| before.same) {
                Some(Same::Prefix(bytes)) => Some(bytes),
                Some(Same::Rotation) | None => None,
            },
        }
    }

    fn rotated(self) -> Rotated {
        let id = FileId {
            device: self.device,
            inode: self.inode,
        };
        Rotated {
            number: self.number,
            identity: Identity {
                id,
                birth: self.birth,
            },
            length: self.length,
            generation: self.generation,
            before: self.before.map(|generation| Before {
                generation,
                same: self.same.map_or(Same::Rotation, Same::Prefix),
            }),
        }
    }

    fn write(&self, into: &mut Vec<u8>) -> io::Result<()> {
        serde_json::to_writer(&mut *into, self)?;
        into.push(b'\n');
        Ok(())
    }
}

/// Returns the path of `P.rotated`.
fn path_for(journal: &Path) -> PathBuf {
    let mut name = journal.as_os_str().to_owned();
    name.push(".rotated");
    PathBuf::from(name)
}

/// Returns the list's entries, in the order of their numbers.
pub(super) fn read(journal: &Path) -> io::Result<Vec<Rotated>> {
    let Some(file) = open(journal, Access::Read)? else {
        return Ok(Vec::new());
    };
    Ok(content(&file)?.map_or_else(Vec::new, |bytes| rotated(&bytes)))
}

fn rotated(bytes: &[u8]) -> Vec<Rotated> {
    let lines = bytes.split(|byte| *byte == b'\n');
    let mut all: Vec<Rotated> = lines
        .filter_map(|line| serde_json::from_slice(line).ok())
        .map(Line::rotated)
        .collect();
    all.sort_by_key(|rotated| rotated.number);
    all
}

/// Opens the list, if it is a file that may be believed.
fn open(journal: &Path, access: Access) -> io::Result<Option<File>> {
    let file = match File::open_beside(&path_for(journal), access) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        // Not a regular file, so it is not our list.
        Err(error) if InTheWay::of(&error).is_some() => return Ok(None),
        result => result?,
    };
    Ok(file.may_be_believed(journal)?.then_some(file))
}

/// Returns all of the list; `None` if another program's file has its name.
fn content(file: &File) -> io::Result<Option<Vec<u8>>> {
    let size = file.size()?;
    let mut bytes = vec![0; usize::try_from(size).map_err(|_| io::ErrorKind::FileTooLarge)?];
    let n = file.read_full_at(&mut bytes, 0)?;
    bytes.truncate(n);
    let first = bytes.split(|byte| *byte == b'\n').next().unwrap_or(&[]);
    let whole = first.len() < bytes.len();
    // A crash may have cut off the first line.
    let begun = || BEGINNING.starts_with(&first[..first.len().min(BEGINNING.len())]);
    let erased = || first.iter().all(|byte| *byte == 0);
    let ours = match whole {
        true => serde_json::from_slice::<Line>(first).is_ok(),
        false => begun() || erased(),
    };
    Ok(ours.then_some(bytes))
}

const BEGINNING: &[u8] = b"{\"number\":";

/// A line that was written for a rotation.
pub(crate) struct Noted {
    list: Option<(File, u64)>,
}

impl Noted {
    fn write(&self, journal: &Path, line: &[u8], is_new: bool) -> io::Result<()> {
        let Some((file, _)) = &self.list else {
            return Ok(());
        };
        let mut rest = line;
        while !rest.is_empty() {
            match file.append(rest)? {
                0 => return Err(io::ErrorKind::WriteZero.into()),
                n => rest = &rest[n..],
            }
        }
        file.sync_data()?;
        match is_new {
            true => sys::sync_parent(&path_for(journal)),
            false => Ok(()),
        }
    }

    /// Takes the line back, since the rotation did not happen. Best effort: a
    /// surplus line does no harm.
    pub fn take_back(self) {
        if let Some((file, before)) = self.list {
            let _ = file.set_len(before);
        }
    }
}

/// Notes durably that this file is about to be rotated. If another program's file
/// has the list's name, nothing is noted, and the rotated file is never removed.
pub(crate) fn note(journal: &Path, rotated: &Rotated) -> io::Result<Noted> {
    let Some((file, is_new)) = open_or_make(journal)? else {
        return Ok(Noted { list: None });
    };
    let Some(mut bytes) = content(&file)? else {
        return Ok(Noted { list: None });
    };
    // A killed process may have left half a line.
    let before = memchr::memrchr(b'\n', &bytes).map_or(0, |at| at + 1);
    if before < bytes.len() {
        file.set_len(before as u64)?;
        bytes.truncate(before);
    }
    let mut line = Vec::new();
    Line::of(rotated).write(&mut line)?;
    if let Some(mut shorter) = without_the_gone(journal, &bytes)? {
        shorter.extend_from_slice(&line);
        replace(journal, &shorter)?;
        return Ok(Noted { list: None });
    }
    let noted = Noted {
        list: Some((file, before as u64)),
    };
    match noted.write(journal, &line, is_new) {
        Ok(()) => Ok(noted),
        Err(error) => {
            noted.take_back();
            Err(error)
        }
    }
}

/// Opens the list or creates it, and returns whether it is new. A new list has
/// `P`'s mode and owner, as all files next to `P`. `None`: its name is another
/// program's.
fn open_or_make(journal: &Path) -> io::Result<Option<(File, bool)>> {
    let place = path_for(journal);
    let mut is_new = false;
    loop {
        if let Some(file) = open(journal, Access::Append)? {
            return Ok(Some((file, is_new)));
        }
        match beside::make(&place, journal, None) {
            Ok(()) => is_new = true,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(None),
            Err(error) => return Err(error),
        }
    }
}

/// Returns the lines of the files whose names still exist; `None` if the
/// shortening is not worth the work.
fn without_the_gone(journal: &Path, bytes: &[u8]) -> io::Result<Option<Vec<u8>>> {
    let all = rotated(bytes);
    if all.len() < MANY {
        return Ok(None);
    }
    let names = numbers(journal)?;
    let there = || all.iter().filter(|rotated| names.contains(&rotated.number));
    if there().count() * 2 > all.len() {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    there().try_for_each(|rotated| Line::of(rotated).write(&mut bytes))?;
    Ok(Some(bytes))
}

fn replace(journal: &Path, bytes: &[u8]) -> io::Result<()> {
    let place = path_for(journal);
    temporary::sweep_again(&place);
    let like = sys::metadata(&place)?;
    let temporary = Temporary::create(&place, Rights::of(like.as_ref(), Some(0o600)))?;
    let done = (|| {
        temporary.file.write_all_at(bytes, 0)?;
        temporary.file.sync_all()?;
        sys::rename(&temporary.path, &place)
    })();
    if done.is_err() {
        temporary.discard();
        return done;
    }
    sys::sync_parent(&place)
}

#[cfg(test)]
mod tests {
    use super::{MANY, Rotated, note, path_for, read};
    use crate::lockfile::{Before, Identity, Same};
    use crate::rotated;
    use crate::sys::{Access, File};
    use std::path::{Path, PathBuf};

    fn scene() -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let journal = dir.path().join("j.jsonl");
        std::fs::write(&journal, "[1]\n").unwrap();
        (dir, journal)
    }

    /// Does as a rotation does.
    fn rotate(journal: &Path, number: u32) -> Rotated {
        let path = rotated::path(journal, number);
        std::fs::write(&path, "[1]\n").unwrap();
        let file = File::open(&path, Access::Read).unwrap();
        let rotated = Rotated {
            number,
            identity: Identity::of(&file).unwrap(),
            length: 4,
            generation: 100 + u64::from(number),
            before: [
                None,
                Some(Before {
                    generation: 99 + u64::from(number),
                    same: Same::Rotation,
                }),
                Some(Before {
                    generation: 99 + u64::from(number),
                    same: Same::Prefix(7),
                }),
            ][number as usize % 3],
        };
        note(journal, &rotated).unwrap();
        rotated
    }

    #[test]
    fn what_is_noted_is_read() {
        let (_dir, journal) = scene();
        assert_eq!(read(&journal).unwrap(), []);
        let all: Vec<_> = (1..5).map(|number| rotate(&journal, number)).collect();
        assert_eq!(read(&journal).unwrap(), all);
        assert!(all[2].open(&journal).unwrap().is_some());
        // Half a line, as a killed process leaves it, and NULs after a power cut.
        for torn in [&b"{\"number\":9,\"dev"[..], &[0; 80]] {
            let list = path_for(&journal);
            let whole = std::fs::read(&list).unwrap();
            std::fs::write(&list, [&whole[..], torn].concat()).unwrap();
            assert_eq!(read(&journal).unwrap(), all);
            note(&journal, &all[3]).unwrap().take_back();
            assert_eq!(std::fs::read(&list).unwrap(), whole);
            std::fs::write(&list, torn).unwrap();
            note(&journal, &all[0]).unwrap();
            assert_eq!(read(&journal).unwrap(), all[..1]);
            std::fs::write(&list, whole).unwrap();
        }
    }

    #[test]
    fn a_name_that_is_anothers_is_left_alone() {
        for foreign in ["notes of mine\n", "notes", "{\"number\":\"seven\"}\n"] {
            let (_dir, journal) = scene();
            let list = path_for(&journal);
            std::fs::write(&list, foreign).unwrap();
            rotate(&journal, 1);
            assert_eq!(std::fs::read_to_string(&list).unwrap(), foreign);
            assert_eq!(read(&journal).unwrap(), []);
        }
        let (_dir, journal) = scene();
        std::fs::create_dir(path_for(&journal)).unwrap();
        rotate(&journal, 1);
        assert_eq!(read(&journal).unwrap(), []);
    }

    #[cfg(unix)]
    #[test]
    fn a_planted_link_is_not_followed() {
        for victim in ["[1]\n", ""] {
            let (dir, journal) = scene();
            let target = dir.path().join("victim");
            std::fs::write(&target, victim).unwrap();
            std::os::unix::fs::symlink(&target, path_for(&journal)).unwrap();
            rotate(&journal, 1);
            assert_eq!(std::fs::read_to_string(&target).unwrap(), victim);
            std::fs::remove_file(&target).unwrap();
            rotate(&journal, 2);
            assert!(!target.exists());
        }
    }

    #[test]
    fn it_does_not_grow_for_ever() {
        let (_dir, journal) = scene();
        let many = 3 * u32::try_from(MANY).unwrap();
        for number in 1..=many {
            rotate(&journal, number);
            if number > 5 {
                std::fs::remove_file(rotated::path(&journal, number - 5)).unwrap();
            }
        }
        let left = read(&journal).unwrap();
        assert!(left.len() <= MANY, "{}", left.len());
        assert_eq!(left.last().unwrap().number, many);
        let there = (many - 4)..=many;
        assert!(
            there
                .clone()
                .all(|number| left.iter().any(|one| one.number == number))
        );
        assert_eq!(rotated::next_number(&journal, 0).unwrap(), Some(many + 1));
    }
}
