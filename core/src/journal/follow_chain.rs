//! From one file that had the journal's name to the next.
//!
//! The lock file says what the file that is there now was made from. That is
//! enough for one rewrite. Who has slept through more of them looks through the
//! rotated files for the one that came next. What of it is the same as before is
//! not known then, not even where it begins with the same bytes: they may have
//! been appended anew.

use std::io;

use super::Position;
use super::shared::Shared;
use super::source::Source;
use crate::error::{Error, Result};
use crate::fs::{Access, File};
use crate::lock::record::{Before, Identity, Same};
use crate::rotated;

/// Where to go on.
pub(super) struct Next {
    pub source: Source,
    pub offset: u64,
    /// Whether something that was read is not before `offset`, or what came
    /// next is not to be had any more.
    pub rewound: bool,
    /// Whether it is a file that began anew after a rotation.
    pub rotated: bool,
}

/// What comes after the place `from`, of another file than `now`. `read` is that
/// file, read to its end; without it `from` was stored.
pub(super) fn after(
    shared: &Shared,
    read: Option<&Source>,
    from: Position,
    now: Source,
) -> Result<Next> {
    let told = |error| Error::os("follow", &shared.path, error);
    if from == Position::NOTHING {
        return Ok(behind(now, from, 0));
    }
    if let Some(Before { generation, same }) = now.before
        && generation == from.generation
    {
        match (same, read) {
            (Same::Prefix(bytes), _) => return Ok(behind(now, from, bytes)),
            (Same::Rotation, Some(_)) => {
                return Ok(Next {
                    source: now,
                    offset: 0,
                    rewound: false,
                    rotated: true,
                });
            }
            (Same::Rotation, None) => {
                if let Some(next) = rest_of(shared, now.rotated, from).map_err(told)? {
                    return Ok(next);
                }
            }
        }
    }
    let files = all(shared).map_err(told)?;
    let own = files.iter().position(|(_, file)| match read {
        Some(read) => file.identity == read.identity,
        None => file.generation == from.generation,
    });
    if read.is_none()
        && let Some(own) = own
        && let Some(next) = rest_of(shared, files[own].0, from).map_err(told)?
    {
        return Ok(next);
    }
    let next = match own {
        Some(own) => own + 1,
        None => files.partition_point(|(_, file)| file.generation <= from.generation),
    };
    let next = files.into_iter().nth(next);
    // A rotation or a rewind: that is not known any more.
    Ok(behind(next.map_or(now, |(_, file)| file), from, 0))
}

/// The rotated files that there are, in the order of their numbers.
fn all(shared: &Shared) -> io::Result<Vec<(u32, Source)>> {
    let mut files = Vec::new();
    let mut last = 0;
    for listed in rotated::all(&shared.path)? {
        let number = listed.number;
        if let Some(mut file) = open(shared, number)? {
            // As it was when the file was the journal: see `Generation::of`.
            file.generation = file.generation.max(last + 1);
            last = file.generation;
            files.push((number, file));
        }
    }
    Ok(files)
}

/// On in a file whose first `same` bytes are those that were there before.
fn behind(source: Source, from: Position, same: u64) -> Next {
    Next {
        source,
        offset: from.offset.min(same),
        rewound: from.offset > same,
        rotated: false,
    }
}

/// What is left of a rotated file behind a place that was stored. `None`: it is
/// not there any more, or another has its number.
fn rest_of(shared: &Shared, number: u32, from: Position) -> io::Result<Option<Next>> {
    let Some(mut source) = open(shared, number)? else {
        return Ok(None);
    };
    let mut before = [b'\n'];
    if from.offset > 0 && source.read_full_at(&mut before, from.offset - 1)? == 0 {
        return Ok(None);
    }
    // Its own number may have been raised above its birth.
    source.generation = from.generation;
    Ok((before == *b"\n").then_some(Next {
        source,
        offset: from.offset,
        rewound: false,
        rotated: false,
    }))
}

fn open(shared: &Shared, number: u32) -> io::Result<Option<Source>> {
    let file = match File::open(&rotated::path(&shared.path, number), Access::Read) {
        // Removed meanwhile.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        result => result?,
    };
    let identity = Identity::of(&file)?;
    Ok(Some(Source::by_itself(file, identity, number)))
}
