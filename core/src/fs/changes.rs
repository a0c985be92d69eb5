//! Being told when a file changes, by `notify`: inotify, kqueue or
//! ReadDirectoryChanges.
//!
//! What is watched is the directory, since the name moves from file to file.
//! One watcher, and so one thread, serves the whole process, for as long as
//! anybody is to be told anything; a forked child begins anew.

use std::collections::HashMap;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use notify::event::{EventKind, ModifyKind};
use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher};

use super::fork::{PerProcess, generation};
use super::path::parent;
use super::seam::{Op, announce};
use super::{sys, without_signals};

static HUB: PerProcess<Hub> = PerProcess::new();

/// Never locked in this order: `listeners`, then `watching`. Whoever has
/// `watching` may wait for the watcher's thread, which needs `listeners`.
#[derive(Default)]
struct Hub {
    watching: Mutex<Watching>,
    listeners: Mutex<HashMap<PathBuf, Vec<Listener>>>,
}

#[derive(Default)]
struct Watching {
    watcher: Option<RecommendedWatcher>,
    /// How many want to be told of what is watched.
    users: HashMap<PathBuf, usize>,
}

struct Listener {
    number: u64,
    /// What the names begin with that it is to be told of: a file and those
    /// beside it.
    name: OsString,
    wake: Box<dyn Fn() + Send + Sync>,
    deaf: Arc<AtomicBool>,
}

/// A wish to be told of changes of one file and of those beside it whose names
/// begin with its name. Dropping it ends that.
pub(crate) struct Changes {
    dir: PathBuf,
    number: u64,
    generation: u32,
    deaf: Arc<AtomicBool>,
    tells_all: bool,
}

impl Changes {
    /// From now on `wake` is called after each change, on a thread of its own,
    /// and sometimes without any change. It must not wait for anything.
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
                wake: Box::new(wake),
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

    /// To be called when the name means another file than it did. kqueue tells
    /// of writes only to files that it has open itself.
    #[cfg_attr(
        any(target_os = "linux", target_os = "android", windows),
        expect(clippy::unused_self, reason = "a watched directory is enough")
    )]
    pub fn file_changed(&self, _path: &Path) {
        #[cfg(not(any(target_os = "linux", target_os = "android", windows)))]
        if let Some(watcher) = &mut lock(&hub().watching).watcher {
            let _ = watcher.watch(_path, RecursiveMode::NonRecursive);
        }
    }

    /// Whether no change goes untold. If not, it is wise to look now and then.
    pub fn tells_all(&self) -> bool {
        self.tells_all && !self.deaf.load(Ordering::Acquire)
    }

    /// Whether it can't tell anything any more: the directory is gone.
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
        // Also if it is watched already: the directory of this name may be
        // another than it was.
        let watched = started(watcher, self)
            .and_then(|watcher| watcher.watch(dir, RecursiveMode::NonRecursive));
        drop(watching);
        watched.map_err(|error| {
            self.unwatch(dir);
            told(error)
        })
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
            // Its thread ends.
            *watcher = None;
        } else if let Some(watcher) = watcher {
            // It may be gone already, with its directory.
            let _ = watcher.unwatch(dir);
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

    /// On the watcher's thread.
    fn tell(&self, event: notify::Result<Event>) {
        let listeners = lock(&self.listeners);
        let Ok(event) = event else {
            return listeners.values().flatten().for_each(Listener::wake);
        };
        // Others', and our own: to open a file is no change.
        if event.kind.is_access() {
            return;
        }
        if event.need_rescan() || event.paths.is_empty() {
            // The system had more to tell than it could keep.
            return listeners.values().flatten().for_each(Listener::wake);
        }
        let moved = matches!(
            event.kind,
            EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(_))
        );
        for path in &event.paths {
            for listener in listeners.get(path).into_iter().flatten() {
                if moved {
                    listener.deaf.store(true, Ordering::Release);
                }
                listener.wake();
            }
            let (Some(dir), Some(name)) = (path.parent(), path.file_name()) else {
                continue;
            };
            let name = name.as_encoded_bytes();
            for listener in listeners.get(dir).into_iter().flatten() {
                if name.starts_with(listener.name.as_encoded_bytes()) {
                    listener.wake();
                }
            }
        }
    }
}

impl Listener {
    fn wake(&self) {
        (self.wake)();
    }
}

/// The watcher, whose thread begins with every signal blocked: see
/// [`crate::background`].
fn started<'a>(
    watcher: &'a mut Option<RecommendedWatcher>,
    hub: &'static Hub,
) -> notify::Result<&'a mut RecommendedWatcher> {
    if let Some(watcher) = watcher {
        return Ok(watcher);
    }
    let made = without_signals(|| notify::recommended_watcher(move |event| hub.tell(event)))?;
    Ok(watcher.insert(made))
}

fn told(error: notify::Error) -> io::Error {
    match error.kind {
        notify::ErrorKind::Io(error) => error,
        kind => io::Error::other(format!("{kind:?}")),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
