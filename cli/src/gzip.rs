//! Compressed copies of files that do not change any more.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use flate2::read::GzDecoder;
use flate2::{Compression, GzBuilder};

/// Makes `PATH.gz`, which survives a power cut when this returns. It has the rights and
/// the time of the original. An earlier copy is used again if it has the same contents;
/// nothing is overwritten.
pub fn copy(original: &Path) -> io::Result<PathBuf> {
    let target = with_end(original, ".gz");
    if target.symlink_metadata().is_ok() {
        return match holds(&target, original)? {
            true => Ok(target),
            false => Err(io::Error::other(format!(
                "{} exists, and has other contents",
                target.display()
            ))),
        };
    }
    let part = with_end(original, ".gz.part");
    let file = locked(&part)?;
    let made = compress(original, &file).and_then(|()| match holds(&part, original)? {
        // A link, unlike a rename, replaces nothing.
        true => fs::hard_link(&part, &target),
        false => Err(io::Error::other("its compressed copy has other contents")),
    });
    let removed = fs::remove_file(&part);
    made.and(removed)?;
    sync_directory(&target)?;
    Ok(target)
}

fn with_end(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}

/// Opens the file that becomes the copy. One that a killed process left is used again.
fn locked(part: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        // A link that another user put there is not followed.
        options.mode(0o600).custom_flags(libc::O_NOFOLLOW);
    }
    let file = options.open(part)?;
    file.try_lock().map_err(|error| match error {
        TryLockError::WouldBlock => io::Error::other("another process compresses it"),
        TryLockError::Error(error) => error,
    })?;
    Ok(file)
}

fn compress(original: &Path, file: &File) -> io::Result<()> {
    file.set_len(0)?;
    let mut input = File::open(original)?;
    let seen = input.metadata()?;
    let modified = seen.modified()?;
    let seconds = modified.duration_since(SystemTime::UNIX_EPOCH);
    let seconds = seconds.map_or(0, |since| u32::try_from(since.as_secs()).unwrap_or(0));
    let name = original.file_name().unwrap_or_default().to_string_lossy();
    let mut out = GzBuilder::new()
        .filename(name.as_bytes())
        .mtime(seconds)
        .write(file, Compression::default());
    io::copy(&mut input, &mut out)?;
    out.finish()?.flush()?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::{MetadataExt, fchown};
        // Only root gives files away. Then the copy is ours, for no other user to read.
        if fchown(file, Some(seen.uid()), Some(seen.gid())).is_err() {
            return file.set_modified(modified).and_then(|()| file.sync_all());
        }
    }
    file.set_permissions(seen.permissions())?;
    file.set_modified(modified)?;
    file.sync_all()
}

/// Whether the copy is whole, and has the contents of the original.
fn holds(copy: &Path, original: &Path) -> io::Result<bool> {
    let mut copy = GzDecoder::new(io::BufReader::new(File::open(copy)?));
    let mut original = File::open(original)?;
    let (mut found, mut wanted) = (vec![0; 64 * 1024], vec![0; 64 * 1024]);
    loop {
        let length = fill(&mut original, &mut wanted)?;
        match fill(&mut copy, &mut found) {
            Ok(n) if n == length && found[..n] == wanted[..n] => {}
            Ok(_) => return Ok(false),
            // Its checksum is wrong, it is cut off, or it is not gzip's.
            Err(error) if is_damage(&error) => return Ok(false),
            Err(error) => return Err(error),
        }
        if length < wanted.len() {
            return Ok(true);
        }
    }
}

fn is_damage(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidData, InvalidInput, UnexpectedEof};
    matches!(error.kind(), InvalidData | InvalidInput | UnexpectedEof)
}

/// Reads until the buffer is full, or the end.
fn fill(from: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match from.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

#[cfg(unix)]
fn sync_directory(path: &Path) -> io::Result<()> {
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty());
    File::open(dir.unwrap_or(Path::new(".")))?.sync_all()
}

/// A directory can't be synced there.
#[cfg(not(unix))]
fn sync_directory(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{copy, with_end};
    use std::fs;

    #[test]
    fn a_copy_is_used_again_and_nothing_is_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        let original = dir.path().join("j_1.jsonl");
        fs::write(&original, "[1]\n".repeat(50_000)).unwrap();
        fs::write(with_end(&original, ".gz.part"), "of a process that died").unwrap();
        let made = copy(&original).unwrap();
        let whole = fs::read(&made).unwrap();
        assert!(whole.len() < 2_000);
        let time = |path| fs::metadata(path).unwrap().modified().unwrap();
        assert_eq!(
            time(&made).elapsed().unwrap().as_secs(),
            time(&original).elapsed().unwrap().as_secs()
        );
        assert_eq!(copy(&original).unwrap(), made);
        let mut other = whole.clone();
        *other.last_mut().unwrap() ^= 1;
        for bytes in [&other[..], &whole[..whole.len() / 2], b"", b"notes"] {
            fs::write(&made, bytes).unwrap();
            let error = copy(&original).unwrap_err().to_string();
            assert!(error.contains("has other contents"), "{error}");
            assert_eq!(fs::read(&made).unwrap(), bytes);
        }
        let names = fs::read_dir(dir.path()).unwrap().count();
        assert_eq!(names, 2, "no part is left");
    }
}
