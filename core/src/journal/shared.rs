//! Holds what the readers and writers of one journal handle share.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::follow::Followers;
use super::journal_bytes::JournalBytes;
use super::options::JournalOptions;
use super::record_policy::RecordPolicy;
use crate::error::Result;
use crate::holder::Holder;
use crate::oslock::PathLock;
use crate::sys::{PerProcess, RecentLook};

pub(crate) struct Shared {
    /// Resolved: it has no symbolic link.
    pub path: PathBuf,
    pub options: JournalOptions,
    pub rules: Arc<RecordPolicy>,
    pub lock: PathLock,
    /// The bytes, if the journal is not a file. Then the path is a name for messages,
    /// and the lock is never taken.
    pub elsewhere: Option<Arc<dyn JournalBytes>>,
    /// When appends looked at the names of the journal and of its lock file.
    pub names: RecentLook,
    pub(super) closed: AtomicBool,
    /// Whether a sync failed: see `data.rs`.
    pub(super) poisoned: AtomicBool,
    followers: PerProcess<Followers>,
}

impl Shared {
    pub fn new(path: PathBuf, options: JournalOptions) -> Result<Shared> {
        let lock = PathLock::of("open", &path, &options.choice, options.create, options.mode)?
            .in_home(options.home.clone());
        Ok(Shared {
            rules: Arc::new(RecordPolicy {
                path: path.clone(),
                format: options.format,
                max_record: options.max_record,
                header_prefix: options.header_prefix.clone(),
                sealed: options.sealed,
            }),
            lock,
            elsewhere: None,
            names: RecentLook::default(),
            path,
            options,
            closed: AtomicBool::new(false),
            poisoned: AtomicBool::new(false),
            followers: PerProcess::new(),
        })
    }

    /// Returns the process that holds the lock, as far as that can be known. Reads
    /// files.
    #[cold]
    pub fn holder(&self) -> Option<Holder> {
        crate::lock::holder(&self.path).ok().flatten()
    }

    /// Closes the handle for later calls, and wakes its followers.
    pub fn mark_closed(&self) {
        self.closed.store(true, Ordering::SeqCst);
        self.followers().wake();
        self.lock.close();
    }

    /// Returns the followers that the close of the handle must wake.
    pub fn followers(&self) -> &Followers {
        self.followers.get(Followers::default)
    }

    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }
}
