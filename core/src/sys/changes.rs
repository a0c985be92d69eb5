//! Reports that a file changes.
//!
//! It watches the directory, since the name moves from file to file. One
//! watcher, and so one thread, serves the whole process while any listener
//! exists. A forked child starts again. If the system gives no thread, there is
//! no watcher, and the caller must poll.

use std::collections::HashMap;
use std::ffi::OsString;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::fork::{PerProcess, generation};
use super::path::parent;
use super::seam::{Op, announce};
use super::sys;
use super::sys::changes::Watcher;

static HUB: PerProcess<Hub> = PerProcess::new();

/// Never locked in this order: `listeners`, then `watching`. A thread that has
/// `watching` may wait for the watcher's thread, which needs `listeners`.
#[derive(Default)]
struct Hub {
    watching: Mutex<Watching>,
    listeners: Mutex<HashMap<PathBuf, Vec<Listener>>>,
}

#[derive(Default)]
struct Watching {
    watcher: Option<Watcher>,
    /// The number of listeners to each watched directory.
    users: HashMap<PathBuf, usize>,
}

struct Listener {
    number: u64,
    /// The start of the names that the listener hears of: a file and those next
    /// to it.
    name: OsString,
    wake: Arc<Wake>,
    deaf: Arc<AtomicBool>,
}

type Wake = dyn Fn() + Send + Sync;

/// A report of the system.
pub(super) enum ChangeEvent<'a> {
    /// A change of a name in a watched directory, or of its file.
    Name(&'a Path, &'a std::ffi::OsStr),
    /// The directory no longer has its name.
    Gone(&'a Path),
    /// The system had more reports than it could keep. The end of a watch may
    /// have been among them.
    Anything,
}

/// A listener to changes of one file, and of those whose names begin with its
/// name. Dropping it ends that.
pub(crate) struct Changes {
    dir: PathBuf,
    number: u64,
    generation: u32,
    deaf: Arc<AtomicBool>,
    tells_all: bool,
}

impl Changes {
    /// Calls `wake` after each change from now on, on a thread of its own.
    /// Sometimes it calls without any change. `wake` must not wait for
    /// anything.
    pub fn begin(path: &Path, wake: impl Fn() + Send + Sync + 'static) -> io::Result<Changes> {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        announce(Op::Watch, Some(path))?;
        let dir = parent(path).to_owned();
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let deaf = Arc::new(AtomicBool::new(false));
        let hub = hub();
        lock(&hub.listeners)
            .entry(dir.clone())
            .or_default()
            .push(Listener {
                number,
                name: path.file_name().unwrap_or_default().to_owned(),
                wake: Arc::new(wake),
                deaf: Arc::clone(&deaf),
            });
        let tells_all = sys::changes::tells_all(&dir);
        let watch = Changes {
            dir,
            number,
            generation: generation(),
            deaf,
            tells_all,
        };
        match hub.watch(&watch.dir) {
            Ok(()) => Ok(watch),
            Err(error) => {
                hub.forget(&watch);
                std::mem::forget(watch);
                Err(error)
            }
        }
    }

    /// Reports that the name means another file than it did. kqueue reports
    /// writes only to files that it has open itself.
    pub fn file_changed(&self, path: &Path) {
        if Watcher::WATCHES_FILES
            && let Some(watcher) = &mut lock(&hub().watching).watcher
        {
            let _ = watcher.watch(path);
        }
    }

    /// Returns whether every change is reported. If not, the caller should poll
    /// now and then.
    pub fn tells_all(&self) -> bool {
        self.tells_all && !self.is_over()
    }

    /// Returns whether reports may have ended: then begin another.
    pub fn is_over(&self) -> bool {
        self.deaf.load(Ordering::Acquire)
    }
}

impl Drop for Changes {
    fn drop(&mut self) {
        if self.generation == generation() {
            let hub = hub();
            hub.forget(self);
            hub.unwatch(&self.dir);
        }
    }
}

fn hub() -> &'static Hub {
    HUB.get(Hub::default)
}

impl Hub {
    fn watch(&'static self, dir: &Path) -> io::Result<()> {
        let mut watching = lock(&self.watching);
        let Watching { watcher, users } = &mut *watching;
        *users.entry(dir.to_owned()).or_insert(0) += 1;
        // This happens even if it is watched already: the directory of this
        // name may be another than it was.
        if watcher.as_ref().is_some_and(Watcher::is_over) {
            *watcher = None;
        }
        let watched = match watcher {
            Some(watcher) => watcher.watch(dir),
            None => Watcher::begin(|news| self.tell(&news))
                .and_then(|begun| watcher.insert(begun).watch(dir)),
        };
        drop(watching);
        if watched.is_err() {
            self.unwatch(dir);
        }
        watched
    }

    fn unwatch(&self, dir: &Path) {
        let mut watching = lock(&self.watching);
        let Watching { watcher, users } = &mut *watching;
        let Some(left) = users.get_mut(dir) else {
            return;
        };
        *left -= 1;
        if *left > 0 {
            return;
        }
        users.remove(dir);
        if users.is_empty() {
            // This ends its thread.
            *watcher = None;
        } else if let Some(watcher) = watcher {
            watcher.unwatch(dir);
        }
    }

    fn forget(&self, watch: &Changes) {
        let mut listeners = lock(&self.listeners);
        if let Some(list) = listeners.get_mut(&watch.dir) {
            list.retain(|listener| listener.number != watch.number);
            if list.is_empty() {
                listeners.remove(&watch.dir);
            }
        }
    }

    /// Calls the listeners, on the watcher's thread.
    fn tell(&self, news: &ChangeEvent<'_>) {
        // Called without the mutex: a listener may have to wait for a thread
        // that wants to listen, or to stop.
        for wake in self.concerned(news) {
            // One that panics must not leave the others asleep indefinitely.
            let _ = catch_unwind(AssertUnwindSafe(|| wake()));
        }
    }

    fn concerned(&self, news: &ChangeEvent<'_>) -> Vec<Arc<Wake>> {
        let listeners = lock(&self.listeners);
        let wake = |listener: &Listener| Arc::clone(&listener.wake);
        let deafen = |listener: &Listener| {
            listener.deaf.store(true, Ordering::Release);
            wake(listener)
        };
        match news {
            ChangeEvent::Anything => listeners.values().flatten().map(deafen).collect(),
            ChangeEvent::Gone(dir) => {
                let all = listeners.get(*dir).into_iter().flatten();
                all.map(deafen).collect()
            }
            ChangeEvent::Name(dir, name) => {
                let name = name.as_encoded_bytes();
                let all = listeners.get(*dir).into_iter().flatten();
                all.filter(|listener| name.starts_with(listener.name.as_encoded_bytes()))
                    .map(wake)
                    .collect()
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
