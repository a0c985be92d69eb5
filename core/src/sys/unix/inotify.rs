//! inotify on directories: one instance, and one thread that reads it.
//!
//! inotify watches an inode, and a follower means a name. A removed directory
//! is reported only when its last file is closed, and a follower has that open.
//! A directory whose parent is renamed is not reported at all. So the thread
//! compares now and then which directories the names mean.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::io;
use std::mem::{ManuallyDrop, MaybeUninit};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::Timespec;
use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};
use rustix::io::Errno;

use super::changes::tells_all;
use super::path::stat;
use crate::sys::changes::ChangeEvent;
use crate::sys::fork::LockDescriptors;
use crate::sys::{FileId, without_signals};

/// The interval at which the names are compared: one `stat` a directory.
const EVERY: Duration = Duration::from_secs(1);
/// The thread calls `wake` functions, and nothing that recurses.
const STACK: usize = 128 * 1024;
const BUFFER: usize = 16 * 1024;

/// The watcher. Dropping it ends its thread.
pub(in crate::sys) struct Watcher(Arc<Shared>);

struct Shared {
    inotify: ManuallyDrop<OwnedFd>,
    /// The result of `fstat` on it. A program can close a library's descriptors. Then the
    /// number is another file's, from which nothing may be read.
    id: (u64, u64),
    watched: Mutex<Watched>,
    over: AtomicBool,
}

/// Only one call of `watch` or `unwatch` runs at a time: see `Hub`.
#[derive(Default)]
struct Watched {
    dirs: HashMap<Arc<Path>, Dir>,
    /// One directory may have several names: mounts. A name stays here until
    /// the watch's last event is read.
    names: HashMap<i32, Vec<Arc<Path>>>,
    /// Watches whose last event was read since the last call of `watch` began.
    ended: Vec<i32>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Dir {
    wd: i32,
    id: FileId,
    /// Whether the directory is local: a question to a file server may take
    /// forever.
    local: bool,
}

impl Watcher {
    pub const WATCHES_FILES: bool = false;

    /// Starts the watcher, whose thread has every signal blocked: see
    /// [`crate::background`].
    pub fn begin(tell: impl Fn(ChangeEvent<'_>) + Send + 'static) -> io::Result<Watcher> {
        let inotify = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
        let shared = Arc::new(Shared {
            id: id(&inotify)?,
            inotify: ManuallyDrop::new(inotify),
            watched: Mutex::default(),
            over: AtomicBool::new(false),
        });
        // A forked child would take events away from its parent.
        LockDescriptors::add_descriptor(shared.inotify.as_raw_fd());
        let watcher = Watcher(Arc::clone(&shared));
        without_signals(|| {
            std::thread::Builder::new()
                .name("untorn-follow".to_owned())
                .stack_size(STACK)
                .spawn(move || shared.serve(&tell))
        })?;
        Ok(watcher)
    }

    /// Registers the directory of this name. If the name means another
    /// directory than before, all its listeners get the report that the old one
    /// is gone.
    pub fn watch(&self, dir: &Path) -> io::Result<()> {
        let flags = WatchFlags::MODIFY
            | WatchFlags::CREATE
            | WatchFlags::DELETE
            | WatchFlags::MOVE
            | WatchFlags::DELETE_SELF
            | WatchFlags::MOVE_SELF
            | WatchFlags::ONLYDIR
            // Without it the system clears the mask of a watch that exists before it sets
            // it again, and drops an event of that moment (inotify_update_existing_watch).
            | WatchFlags::MASK_ADD;
        self.0.watched().ended.clear();
        let id = stat(dir)?.id;
        // Not under the mutex: a file server may take its time.
        let wd = inotify::add_watch(&*self.0.inotify, dir, flags)?;
        let dir = Arc::<Path>::from(dir);
        let local = tells_all(&dir);
        let now = stat(&dir).map(|now| now.id).ok();
        let mut watched = self.0.watched();
        if watched.ended.contains(&wd) {
            return Err(io::ErrorKind::NotFound.into());
        }
        // It is unknown which of the two directories the watch is on.
        if now != Some(id) {
            if !watched.names.contains_key(&wd) {
                let _ = inotify::remove_watch(&*self.0.inotify, wd);
            }
            return Err(io::ErrorKind::NotFound.into());
        }
        match watched.dirs.get(&dir) {
            // The system returns the number of a watch that exists. To remove
            // that one would leave every listener without a watch.
            Some(before) if before.wd == wd => return Ok(()),
            Some(before) => self.0.end(before.wd),
            None => {}
        }
        watched.names.entry(wd).or_default().push(Arc::clone(&dir));
        watched.dirs.insert(dir, Dir { wd, id, local });
        Ok(())
    }

    /// Whether it tells of nothing any more: begin another.
    pub fn is_over(&self) -> bool {
        self.0.over.load(Ordering::Acquire) || !self.0.is_itself()
    }

    pub fn unwatch(&self, dir: &Path) {
        let mut watched = self.0.watched();
        let Some(Dir { wd, .. }) = watched.dirs.remove(dir) else {
            return;
        };
        let Some(names) = watched.names.get_mut(&wd) else {
            return;
        };
        names.retain(|name| **name != *dir);
        if names.is_empty() {
            watched.names.remove(&wd);
            self.0.end(wd);
        }
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.0.over.store(true, Ordering::Release);
        let watched = std::mem::take(&mut *self.0.watched());
        // The last event of each wakes the thread.
        watched.names.keys().for_each(|wd| self.0.end(*wd));
    }
}

impl Watched {
    /// Takes out the names of a watch that is over.
    fn take(&mut self, wd: i32) -> Vec<Arc<Path>> {
        self.ended.push(wd);
        let names = self.names.remove(&wd).unwrap_or_default();
        for name in &names {
            // It may have a new watch already.
            if self.dirs.get(name).is_some_and(|dir| dir.wd == wd) {
                self.dirs.remove(name);
            }
        }
        names
    }
}

/// Which file a descriptor means, as far as the system tells.
#[allow(
    clippy::useless_conversion,
    reason = "the types differ from system to system"
)]
fn id(file: &OwnedFd) -> io::Result<(u64, u64)> {
    let seen = rustix::fs::fstat(file)?;
    Ok((u64::from(seen.st_dev), u64::from(seen.st_ino)))
}

impl Shared {
    fn is_itself(&self) -> bool {
        id(&self.inotify).is_ok_and(|now| now == self.id)
    }

    fn watched(&self) -> MutexGuard<'_, Watched> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Removes a watch. After its last event, `IGNORED`, the thread reports to
    /// all that are still in `names`. So no listener sleeps on a watch that is
    /// gone.
    fn end(&self, wd: i32) {
        if !self.is_itself() {
            return;
        }
        // This fails if the watch went with its directory: the event is on its
        // way.
        let _ = inotify::remove_watch(&*self.inotify, wd);
    }

    fn serve(&self, tell: &impl Fn(ChangeEvent<'_>)) {
        let mut buffer = [MaybeUninit::uninit(); BUFFER];
        let mut compare = Instant::now() + EVERY;
        while !self.over.load(Ordering::Acquire) {
            let left = compare.saturating_duration_since(Instant::now());
            let timeout = Timespec::try_from(left).ok();
            let mut fds = [PollFd::new(&*self.inotify, PollFlags::IN)];
            let _ = poll(&mut fds, timeout.as_ref());
            if !self.is_itself() {
                self.over.store(true, Ordering::Release);
                return self.lose_all(tell);
            }
            self.read(&mut buffer, tell);
            if Instant::now() >= compare {
                self.compare();
                compare = Instant::now() + EVERY;
            }
        }
    }

    fn read(&self, buffer: &mut [MaybeUninit<u8>], tell: &impl Fn(ChangeEvent<'_>)) {
        let gone =
            ReadFlags::DELETE_SELF | ReadFlags::MOVE_SELF | ReadFlags::UNMOUNT | ReadFlags::IGNORED;
        let mut reader = inotify::Reader::new(&*self.inotify, buffer);
        loop {
            let event = match reader.next() {
                Err(Errno::INTR) => continue,
                Err(_) => return,
                Ok(event) => event,
            };
            if event.events().contains(ReadFlags::QUEUE_OVERFLOW) {
                self.lose_all(tell);
            } else if event.events().intersects(gone) {
                self.lose(event.wd(), tell);
            } else if let Some(name) = event.file_name() {
                let names = self.watched().names.get(&event.wd()).cloned();
                let name = OsStr::from_bytes(name.to_bytes());
                for dir in names.into_iter().flatten() {
                    tell(ChangeEvent::Name(&dir, name));
                }
            }
        }
    }

    /// Reports that the directory of this watch is gone.
    fn lose(&self, wd: i32, tell: &impl Fn(ChangeEvent<'_>)) {
        let names = self.watched().take(wd);
        self.end(wd);
        for dir in names {
            tell(ChangeEvent::Gone(&dir));
        }
    }

    /// Handles missing events. One of them may have been the last of a watch.
    fn lose_all(&self, tell: &impl Fn(ChangeEvent<'_>)) {
        let all: Vec<i32> = {
            let mut watched = self.watched();
            let all: Vec<i32> = watched.names.keys().copied().collect();
            all.iter().for_each(|wd| drop(watched.take(*wd)));
            all
        };
        all.into_iter().for_each(|wd| self.end(wd));
        tell(ChangeEvent::Anything);
    }

    /// Ends the watch of each directory that no longer has its name.
    fn compare(&self) {
        let dirs: Vec<_> = {
            let watched = self.watched();
            let local = watched.dirs.iter().filter(|(_, dir)| dir.local);
            local.map(|(path, dir)| (Arc::clone(path), *dir)).collect()
        };
        for (path, dir) in dirs {
            if stat(&path).map(|now| now.id).ok() != Some(dir.id) {
                self.end(dir.wd);
            }
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        LockDescriptors::remove_descriptor(self.inotify.as_raw_fd());
        if self.is_itself() {
            // SAFETY: no code uses it after this.
            unsafe { ManuallyDrop::drop(&mut self.inotify) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{ChangeEvent, Watcher};
    use std::fs;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::mpsc::{self, Receiver};
    use std::time::Duration;

    /// Longer than any step takes here: a test that reaches it has failed.
    const LONG: Duration = Duration::from_secs(20);

    /// Returns a watcher and its reports: a name, or `None` for a directory
    /// that is gone.
    fn watcher() -> (Watcher, Receiver<Option<String>>) {
        let (tell, os_error) = mpsc::channel();
        let watcher = Watcher::begin(move |news| {
            let news = match news {
                ChangeEvent::Name(_, name) => Some(name.to_string_lossy().into_owned()),
                ChangeEvent::Gone(_) => None,
                ChangeEvent::Anything => Some("anything".to_owned()),
            };
            tell.send(news).unwrap_or_default();
        });
        (watcher.unwrap(), os_error)
    }

    /// The second call once removed the watch that both had.
    #[test]
    fn a_directory_is_watched_twice() {
        let dir = tempfile::tempdir().unwrap();
        let (watcher, os_error) = watcher();
        for round in 0..10 {
            let name = format!("{round}");
            watcher.watch(dir.path()).unwrap();
            fs::write(dir.path().join(&name), "").unwrap();
            assert_eq!(os_error.recv_timeout(LONG).unwrap(), Some(name));
        }
        assert!(os_error.try_recv().is_err(), "nothing else happened");
    }

    /// The system dropped what happened at the moment of the second call.
    #[test]
    fn a_directory_that_is_watched_again_is_watched_meanwhile() {
        const FILES: usize = 4_000;
        let dir = tempfile::tempdir().unwrap();
        let (watcher, os_error) = watcher();
        watcher.watch(dir.path()).unwrap();
        let over = AtomicBool::new(false);
        let missed = std::thread::scope(|threads| {
            threads.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    watcher.watch(dir.path()).unwrap();
                }
            });
            // One at a time: the queue of the system is limited.
            let missed = (0..FILES).find(|n| {
                let name = n.to_string();
                fs::create_dir(dir.path().join(&name)).unwrap();
                os_error.recv_timeout(LONG).ok().flatten() != Some(name)
            });
            over.store(true, Ordering::Relaxed);
            missed
        });
        assert_eq!(missed, None);
    }

    /// The listeners of the first directory missed the changes of the second
    /// until the call, and got no report of that.
    #[test]
    fn a_name_that_means_another_directory_is_watched_again() {
        let dir = tempfile::tempdir().unwrap();
        let (parent, old) = (dir.path().join("a"), dir.path().join("old"));
        let watched = parent.join("b");
        fs::create_dir_all(&watched).unwrap();
        let (watcher, os_error) = watcher();
        watcher.watch(&watched).unwrap();
        // inotify reports nothing of that.
        fs::rename(&parent, &old).unwrap();
        fs::create_dir_all(&watched).unwrap();
        watcher.watch(&watched).unwrap();
        assert_eq!(os_error.recv_timeout(LONG).unwrap(), None);
        // The new one is watched, and the old one is not.
        fs::write(old.join("b").join("old"), "").unwrap();
        fs::write(watched.join("new"), "").unwrap();
        assert_eq!(os_error.recv_timeout(LONG).unwrap(), Some("new".to_owned()));
    }

    /// Two names of one directory have one watch.
    #[test]
    fn one_of_two_names_is_no_longer_watched() {
        let dir = tempfile::tempdir().unwrap();
        let (real, link) = (dir.path().join("real"), dir.path().join("link"));
        fs::create_dir(&real).unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        let (watcher, os_error) = watcher();
        watcher.watch(&real).unwrap();
        watcher.watch(&link).unwrap();
        watcher.unwatch(&real);
        fs::write(real.join("f"), "").unwrap();
        assert_eq!(os_error.recv_timeout(LONG).unwrap(), Some("f".to_owned()));
        assert!(os_error.try_recv().is_err(), "only one is told");
        watcher.unwatch(&link);
        fs::write(real.join("g"), "").unwrap();
        drop(watcher);
        // The thread ends without a report.
        assert_eq!(os_error.iter().count(), 0);
    }
}
