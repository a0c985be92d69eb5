//! Reports changes by `notify`: kqueue or ReadDirectoryChanges.

use std::io;
use std::path::Path;

use notify::event::{EventKind, ModifyKind};
use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher as _};

use super::changes::ChangeEvent;
use super::without_signals;

/// The watcher. It ends with its last use.
pub(super) struct Watcher(RecommendedWatcher);

impl Watcher {
    pub const WATCHES_FILES: bool = cfg!(unix);

    /// Starts the watcher, whose thread has every signal blocked: see
    /// [`crate::background`].
    pub fn begin(tell: impl Fn(ChangeEvent<'_>) + Send + 'static) -> io::Result<Watcher> {
        without_signals(|| notify::recommended_watcher(move |event| translate(event, &tell)))
            .map(Watcher)
            .map_err(os_error)
    }

    pub fn watch(&mut self, path: &Path) -> io::Result<()> {
        // By kqueue `notify` opens the files of a directory, one more at each change, and
        // every file below a directory in it. It never closes them. So it watches the
        // followed file alone (see `Changes::file_changed`), and polling finds a new file.
        if cfg!(unix) && path.is_dir() {
            return Ok(());
        }
        // On Windows `notify` would forget its handle on this path, and never
        // close it. The caller finds changes between the two calls by polling.
        if cfg!(windows) {
            self.unwatch(path);
        }
        self.0
            .watch(path, RecursiveMode::NonRecursive)
            .map_err(os_error)
    }

    /// Whether it tells of nothing any more: begin another.
    pub fn is_over(&self) -> bool {
        false
    }

    pub fn unwatch(&mut self, dir: &Path) {
        // It may be gone already, with its directory.
        let _ = self.0.unwatch(dir);
    }
}

fn translate(event: notify::Result<Event>, tell: &impl Fn(ChangeEvent<'_>)) {
    let Ok(event) = event else {
        return tell(ChangeEvent::Anything);
    };
    // These are others' accesses, and our own: to open a file is no change.
    if event.kind.is_access() {
        return;
    }
    if event.need_rescan() || event.paths.is_empty() {
        return tell(ChangeEvent::Anything);
    }
    let moved = matches!(
        event.kind,
        EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(_))
    );
    for path in &event.paths {
        if moved {
            tell(ChangeEvent::Gone(path));
        }
        if let (Some(dir), Some(name)) = (path.parent(), path.file_name()) {
            tell(ChangeEvent::Name(dir, name));
        }
    }
}

fn os_error(error: notify::Error) -> io::Error {
    match error.kind {
        notify::ErrorKind::Io(error) => error,
        kind => io::Error::other(format!("{kind:?}")),
    }
}
