//! The guard under which a lock file is stamped, taken over and removed. It
//! keeps the file unchanged between a look and the change.

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::stamp;
use crate::process::Alive;
use crate::sys::{self, Access, File};
use crate::temporary;

/// Work under the guard takes microseconds.
const STUCK: Duration = Duration::from_secs(10);
const NAP: Duration = Duration::from_micros(200);

/// The guard, held.
pub(crate) enum Held<'a> {
    /// An OS lock on `P.lock.guard`.
    Os(&'a File),
    /// A file of this name that was created exclusively, on a file system
    /// without locks.
    Exclusive(PathBuf),
}

/// Takes the guard. Fails with `WouldBlock` if another process keeps it for
/// longer than `limit`.
pub(crate) fn enter<'a>(file: &'a File, path: &Path, limit: Duration) -> io::Result<Held<'a>> {
    let begun = Instant::now();
    loop {
        match file.try_lock(false) {
            Ok(true) => return Ok(Held::Os(file)),
            Ok(false) if begun.elapsed() > limit => return Err(io::ErrorKind::WouldBlock.into()),
            Ok(false) => std::thread::sleep(NAP),
            Err(error) if sys::is_without_locks(&error) => {
                return exclusive(path).map(Held::Exclusive);
            }
            Err(error) => return Err(error),
        }
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        match self {
            Held::Os(file) => drop(file.unlock()),
            Held::Exclusive(path) => drop(sys::unlink(path)),
        }
    }
}

/// Makes the file that serves as a guard without locks. A process that dies in
/// here leaves the file. It is removed when its process is dead, or after a
/// long time. That removal has no guard of its own: two processes that remove
/// it at once may both get in.
fn exclusive(path: &Path) -> io::Result<PathBuf> {
    let begun = Instant::now();
    loop {
        match File::create_beside(path, Access::Write, None) {
            Ok(file) => {
                let written = file.write_all_at(stamp::make().as_bytes(), 0);
                if written.is_err() {
                    let _ = sys::unlink(path);
                }
                return written.map(|()| path.to_owned());
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
        let left = match File::open_beside(path, Access::Read) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
            Ok(file) => {
                let seen = super::read(&file)?;
                let stamp = stamp::parse(&seen);
                stamp.is_some_and(|stamp| stamp.alive() == Alive::Dead)
            }
        };
        if left || begun.elapsed() > STUCK {
            let aside = temporary::path_beside(path);
            if sys::rename(path, &aside).is_ok() {
                let _ = sys::unlink(&aside);
            }
        }
        std::thread::sleep(NAP);
    }
}
