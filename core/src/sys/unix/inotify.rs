//! inotify on directories: one instance, and one thread that reads it.
//!
//! inotify watches an inode, and who follows means a name. A directory that is
//! removed tells of it only when its last file is closed, and a follower has
//! it open; one whose parent is renamed tells nothing at all. So the thread
//! compares now and then which directories the names mean.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::io;
use std::mem::MaybeUninit;
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
use crate::sys::changes::News;
use crate::sys::{FileId, LockDescriptors, without_signals};

/// How often the names are compared: one `stat` a directory.
const EVERY: Duration = Duration::from_secs(1);
/// The thread calls `wake` functions, and nothing that recurses.
const STACK: usize = 128 * 1024;
const BUFFER: usize = 16 * 1024;

/// Dropped, its thread ends.
pub(in crate::sys) struct Watcher(Arc<Shared>);

struct Shared {
    inotify: OwnedFd,
    watched: Mutex<Watched>,
    over: AtomicBool,
}

#[derive(Default)]
struct Watched {
    dirs: HashMap<Arc<Path>, Dir>,
    /// One directory may have several names: mounts.
    names: HashMap<i32, Vec<Arc<Path>>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Dir {
    wd: i32,
    id: FileId,
    /// To ask a file server may take for ever.
    local: bool,
}

impl Watcher {
    pub const WATCHES_FILES: bool = false;

    /// Its thread begins with every signal blocked: see [`crate::background`].
    pub fn begin(tell: impl Fn(News<'_>) + Send + 'static) -> io::Result<Watcher> {
        let shared = Arc::new(Shared {
            inotify: inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?,
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

    pub fn watch(&self, dir: &Path) -> io::Result<()> {
        let flags = WatchFlags::MODIFY
            | WatchFlags::CREATE
            | WatchFlags::DELETE
            | WatchFlags::MOVE
            | WatchFlags::DELETE_SELF
            | WatchFlags::MOVE_SELF
            | WatchFlags::ONLYDIR;
        let id = stat(dir)?.id;
        let wd = inotify::add_watch(&self.0.inotify, dir, flags)?;
        let dir = Arc::<Path>::from(dir);
        let mut watched = self.0.watched();
        watched.forget(&dir, &self.0.inotify);
        watched.names.entry(wd).or_default().push(Arc::clone(&dir));
        let local = tells_all(&dir);
        watched.dirs.insert(Arc::clone(&dir), Dir { wd, id, local });
        // Which of the two the watch is on is not known.
        if stat(&dir).map(|now| now.id).ok() != Some(id) {
            watched.forget(&dir, &self.0.inotify);
            return Err(io::ErrorKind::NotFound.into());
        }
        Ok(())
    }

    pub fn unwatch(&self, dir: &Path) {
        self.0.watched().forget(dir, &self.0.inotify);
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.0.over.store(true, Ordering::Release);
        let mut watched = self.0.watched();
        let dirs: Vec<_> = watched.dirs.keys().cloned().collect();
        for dir in dirs {
            // The system tells that it watches no more: that wakes the thread.
            watched.forget(&dir, &self.0.inotify);
        }
    }
}

impl Watched {
    fn forget(&mut self, dir: &Path, inotify: &OwnedFd) {
        let Some(Dir { wd, .. }) = self.dirs.remove(dir) else {
            return;
        };
        let Some(names) = self.names.get_mut(&wd) else {
            return;
        };
        names.retain(|name| **name != *dir);
        if names.is_empty() {
            self.names.remove(&wd);
            // It may be gone already, with its directory.
            let _ = inotify::remove_watch(inotify, wd);
        }
    }
}

impl Shared {
    fn watched(&self) -> MutexGuard<'_, Watched> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn serve(&self, tell: &impl Fn(News<'_>)) {
        let mut buffer = [MaybeUninit::uninit(); BUFFER];
        let mut compare = Instant::now() + EVERY;
        while !self.over.load(Ordering::Acquire) {
            let left = compare.saturating_duration_since(Instant::now());
            let timeout = Timespec::try_from(left).ok();
            let mut fds = [PollFd::new(&self.inotify, PollFlags::IN)];
            let _ = poll(&mut fds, timeout.as_ref());
            self.read(&mut buffer, tell);
            if Instant::now() >= compare {
                self.compare(tell);
                compare = Instant::now() + EVERY;
            }
        }
    }

    fn read(&self, buffer: &mut [MaybeUninit<u8>], tell: &impl Fn(News<'_>)) {
        let mut reader = inotify::Reader::new(&self.inotify, buffer);
        loop {
            let event = match reader.next() {
                Err(Errno::INTR) => continue,
                Err(_) => return,
                Ok(event) => event,
            };
            if event.events().contains(ReadFlags::QUEUE_OVERFLOW) {
                tell(News::Anything);
                continue;
            }
            let names = self.watched().names.get(&event.wd()).cloned();
            let gone = ReadFlags::DELETE_SELF
                | ReadFlags::MOVE_SELF
                | ReadFlags::UNMOUNT
                | ReadFlags::IGNORED;
            for dir in names.into_iter().flatten() {
                if event.events().intersects(gone) {
                    self.watched().forget(&dir, &self.inotify);
                    tell(News::Gone(&dir));
                } else if let Some(name) = event.file_name() {
                    tell(News::Name(&dir, OsStr::from_bytes(name.to_bytes())));
                }
            }
        }
    }

    /// Tells of each directory that does not have its name any more.
    fn compare(&self, tell: &impl Fn(News<'_>)) {
        let dirs: Vec<_> = {
            let watched = self.watched();
            let local = watched.dirs.iter().filter(|(_, dir)| dir.local);
            local.map(|(path, dir)| (Arc::clone(path), *dir)).collect()
        };
        for (path, dir) in dirs {
            if stat(&path).map(|now| now.id).ok() == Some(dir.id) {
                continue;
            }
            let mut watched = self.watched();
            // Unless it is watched anew since.
            if watched.dirs.get(&path) == Some(&dir) {
                watched.forget(&path, &self.inotify);
                drop(watched);
                tell(News::Gone(&path));
            }
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        LockDescriptors::remove_descriptor(self.inotify.as_raw_fd());
    }
}
