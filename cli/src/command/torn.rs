//! `untorn torn`: what repairs have cut off.

use std::fs;
use std::io::{BufRead, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::args::Torn;
use crate::exit::{FOUND, Failure, Result};
use crate::input::{Take, files};
use crate::output::{Output, size};

/// The line before the bytes: see `P.torn` in `docs/protocol.md`.
#[derive(Deserialize)]
struct Head {
    time: String,
    offset: u64,
    length: u64,
    #[serde(default)]
    nuls: u64,
}

#[derive(Serialize)]
struct Entry<'a> {
    path: &'a Path,
    number: usize,
    time: String,
    /// The place of the bytes in the journal.
    offset: u64,
    length: u64,
    /// The number of NULs that followed them, which are not kept.
    nuls: u64,
}

pub fn run(torn: &Torn, out: &mut Output) -> Result {
    let mut any = false;
    for input in files(&torn.paths, Take::Journals, None)? {
        let mut path = input.path.into_os_string();
        path.push(".torn");
        let path = PathBuf::from(path);
        any |= list(&path, torn.cat, out)?;
    }
    Ok(if any { 0 } else { FOUND })
}

fn list(path: &Path, cat: Option<usize>, out: &mut Output) -> Result<bool> {
    let failed = |error| Failure::of(path.display(), error);
    let file = match fs::File::open(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
        file => file.map_err(failed)?,
    };
    let mut file = std::io::BufReader::new(file);
    let mut number = 0;
    loop {
        let mut line = Vec::new();
        if file
            .by_ref()
            .take(4096)
            .read_until(b'\n', &mut line)
            .map_err(failed)?
            == 0
        {
            return Ok(number > 0);
        }
        let Ok(head) = serde_json::from_slice::<Head>(&line) else {
            out.complain(&format!(
                "{}: what follows entry {number} can't be read",
                path.display()
            ));
            return Ok(number > 0);
        };
        number += 1;
        let kept = head.length - head.nuls.min(head.length);
        if cat == Some(number) {
            let mut bytes = Vec::new();
            file.by_ref()
                .take(kept)
                .read_to_end(&mut bytes)
                .map_err(failed)?;
            out.raw(&bytes)?;
            return Ok(true);
        }
        // The bytes, and a newline.
        file.seek(SeekFrom::Current(
            i64::try_from(kept).unwrap_or(i64::MAX - 1) + 1,
        ))
        .map_err(failed)?;
        if cat.is_some() {
            continue;
        }
        let entry = Entry {
            path,
            number,
            time: head.time,
            offset: head.offset,
            length: head.length,
            nuls: head.nuls,
        };
        if out.json {
            out.object(&entry)?;
        } else {
            out.line(format!(
                "{} #{number}  {}  {} from offset {}",
                path.display(),
                entry.time,
                size(entry.length),
                entry.offset
            ))?;
        }
    }
}
