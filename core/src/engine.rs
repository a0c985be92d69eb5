//! Serves an engine of a store that is not files. It is for the crates of this project,
//! and may change with any version.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::error::{Error, ErrorKind, Result};
use crate::events::{self, EventKind};
use crate::holder::Holder;
use crate::journal::{Batch, Format, JournalOptions, JournalReader, Records};
pub use crate::journal::{NewLines, RewindTo};
use crate::lock::CallOptions;
use crate::lockfile::{Generation, Identity};
use crate::oslock::{Asking, CancelToken, WaitPolicy, Wakeup};
use crate::position::Position;
use crate::recovery::transaction::{member_lock, names};
use crate::session::Finder;
use crate::sync::Arc;
use crate::sys;

/// The details of a failure that an engine knows.
#[derive(Debug, Default)]
pub struct Failure {
    /// Why, and what to do.
    pub detail: String,
    /// The owner of the session.
    pub holder: Option<Holder>,
    /// The actual end.
    pub position: Option<Position>,
    /// The driver's own error.
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// Makes an error of this library's own.
pub fn error(kind: ErrorKind, operation: &'static str, name: &Path, failure: Failure) -> Error {
    let mut error = Error::new(kind, operation, name, failure.detail).held_by(failure.holder);
    if let Some(position) = failure.position {
        error = error.at(position);
    }
    match failure.source {
        Some(source) => error.caused_by(source),
        None => error,
    }
}

/// Makes the error of a verb that only files have. Each language refuses with it.
#[cold]
pub fn unsupported(operation: &'static str, name: &Path) -> Error {
    let why =
        "only a store of files can do this, and this one is in a database; nothing was changed";
    Error::new(ErrorKind::Unsupported, operation, name, why)
}

/// Returns this process, as an owner with this label.
pub fn owner(label: &str) -> Holder {
    Holder::own(Some(label))
}

/// Checks that a session may have a file of this name.
///
/// # Errors
/// `INVALID_ARGUMENT`.
pub fn check_file(operation: &'static str, name: &Path, file: &str) -> Result<()> {
    crate::session::check_file(operation, name, file)
}

/// Returns whether this is the name of one of the files that this library keeps next to
/// a program's own: a lock, a holder, a temporary file.
pub fn is_own_file(name: &str) -> bool {
    names::is_reserved(name)
}

/// Checks that a batch was made for the journal of this name.
///
/// # Errors
/// `INVALID_ARGUMENT`.
pub fn check_batch(batch: &Batch, name: &Path) -> Result<()> {
    match batch.path() == name {
        true => Ok(()),
        false => Err(Error::invalid_argument(
            "append",
            name,
            "the batch was made by another journal, and checked for that one",
        )),
    }
}

/// Returns the header that goes into the journal with a batch.
pub fn header_with(batch: &Batch) -> Option<&[u8]> {
    batch.work(None).header
}

/// Returns the journal's generation and its size, and the line of its header. The line is
/// empty if it has none.
///
/// # Errors
/// `NOT_FOUND` if the journal is missing and `create` is off; those of the engine.
pub fn beginning(reader: &JournalReader, operation: &'static str) -> Result<(Position, Vec<u8>)> {
    reader.beginning(operation)
}

/// Returns the line of a new header, and whether it takes the old line's place: then
/// positions stay valid.
///
/// # Errors
/// `INVALID_RECORD` and `INVALID_ARGUMENT`, as [`crate::Journal::set_header`].
pub fn new_header(reader: &JournalReader, old: &[u8], new: &[u8]) -> Result<(Vec<u8>, bool)> {
    reader.new_header(old, new)
}

/// Returns the bytes of a journal with this header. It replaces the journal's own header,
/// or goes before its first record.
///
/// # Errors
/// `INVALID_RECORD` and `INVALID_ARGUMENT`, as [`crate::Journal::set_header`].
pub fn with_header(reader: &JournalReader, journal: &[u8], header: &[u8]) -> Result<Vec<u8>> {
    reader.with_header(journal, header)
}

/// Returns how a journal goes back to a position. `None`: no record is after it.
///
/// # Errors
/// `CONFLICT`, as [`crate::Journal::rewind`]; those of the engine.
pub fn rewind_to(reader: &JournalReader, position: Position) -> Result<Option<RewindTo>> {
    reader.rewind_to(position)
}

/// Begins the lines of a rewrite.
///
/// # Errors
/// `LIMIT_EXCEEDED` if a compaction would lose a line; those of the engine.
pub fn new_lines(
    reader: &JournalReader,
    operation: &'static str,
    has_header: bool,
) -> Result<NewLines> {
    reader.new_lines(operation, has_header)
}

/// Returns the records that a journal has before `at`, in that generation.
///
/// # Errors
/// Those of the engine.
pub fn records_until(reader: &JournalReader, at: Position) -> Result<Records> {
    reader.records_until(at)
}

/// Reports that a journal was rotated, and the name of the rotated file.
pub fn rotated(operation: &'static str, name: &Path, kept: Option<&str>) {
    events::emit(EventKind::Rotated, operation, name, |event| {
        event.kept = kept.map(Into::into);
    });
}

/// Returns whether an append creates the journal if it is missing.
pub fn creates(options: &JournalOptions) -> bool {
    options.create
}

/// Returns the size above which an append rotates the journal first, and how many rotated
/// files that leaves.
pub fn rotation(options: &JournalOptions) -> (Option<u64>, Option<u32>) {
    (options.max_bytes, options.keep)
}

/// Returns whether the records of a journal with these options are JSON.
pub fn is_json(options: &JournalOptions) -> bool {
    options.format == Format::Json
}

/// Reports that the lease of a session was lost.
pub fn lease_lost(name: &Path) {
    events::emit(EventKind::LeaseLost, "renew", name, |_| {});
}

/// Gives the journal at `path` this generation, so that positions from before it was
/// copied here are valid.
///
/// # Errors
/// `NOT_FOUND`; `LOCKED` if another process works with the journal; failures of the
/// system.
pub fn keep_generation(path: &Path, number: u64) -> Result<()> {
    let os_error = |error| Error::os("copy", path, error);
    let identity = Identity::of_name(path).map_err(os_error)?;
    let Some(identity) = identity else {
        return Err(Error::new(
            ErrorKind::NotFound,
            "copy",
            path,
            "no such journal",
        ));
    };
    let held = member_lock(path).acquire("copy", false, &WaitPolicy::once(None))?;
    let generation = Generation {
        number,
        of: identity,
        ..Generation::NOBODYS
    };
    match held.lock_file().record_generation(generation) {
        true => Ok(()),
        false => Err(Error::new(
            ErrorKind::Io,
            "copy",
            path,
            "the lock file did not take the journal's generation, so earlier positions are lost",
        )),
    }
}

/// Returns how many forks lie between this process and the first that used the library.
pub fn forks() -> u32 {
    sys::generation()
}

/// Calls `told` once this token is cancelled, on the thread that cancels it, until the
/// returned value is dropped. `told` must not wait.
pub fn on_cancel(token: &CancelToken, told: impl Fn() + Send + Sync + 'static) -> OnCancel {
    struct Told<F>(F);
    impl<F: Fn() + Send + Sync> Wakeup for Told<F> {
        fn nudge(&self) {
            self.0();
        }
    }
    let told: Arc<dyn Wakeup> = Arc::new(Told(told));
    token.watch(Arc::downgrade(&told));
    OnCancel { _told: told }
}

/// Ends what [`on_cancel`] began when it is dropped.
pub struct OnCancel {
    _told: Arc<dyn Wakeup>,
}

/// How much longer a call that has begun may wait.
pub struct Waiting<'a> {
    wait: WaitPolicy<'a>,
}

impl<'a> Waiting<'a> {
    /// Starts the clock of a call.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` if the call works under a lock: an engine has none.
    pub fn begin(
        operation: &'static str,
        name: &Path,
        call: &CallOptions<'a>,
        default_timeout: Option<Duration>,
    ) -> Result<Waiting<'a>> {
        if call.guard().is_some() {
            return Err(Error::invalid_argument(
                operation,
                name,
                "a store in a database works under no file lock: take a lease instead",
            ));
        }
        Ok(Waiting {
            wait: call.begin(default_timeout),
        })
    }

    /// Fails if the call was cancelled or interrupted.
    ///
    /// # Errors
    /// `CANCELLED`.
    pub fn check(&self, operation: &'static str, name: &Path) -> Result<()> {
        let interrupted = || self.wait.interrupt.is_some_and(|interrupt| interrupt());
        match self.wait.is_cancelled() || interrupted() {
            true => Err(Error::cancelled(operation, name)),
            false => Ok(()),
        }
    }

    /// Returns whether the call's token was cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.wait.is_cancelled()
    }

    /// Returns the token that cancels the call.
    pub fn token(&self) -> Option<&'a CancelToken> {
        self.wait.cancel
    }

    /// Returns whether the caller wants to know how far the work is.
    pub fn reports(&self) -> bool {
        self.wait.progress.is_some()
    }

    /// Begins work that takes long.
    pub fn working(&self) -> Working<'_> {
        Working(self.wait.asking())
    }

    /// Reports that all of the work is done.
    pub fn all_done(&self, total: u64) {
        self.wait.all_done(total);
    }

    /// Returns whether the call tries once only.
    pub fn tries_once(&self) -> bool {
        self.wait.tries_once()
    }

    /// Returns whether nothing but its answer ends the call: then another caller's
    /// statement can carry it.
    pub fn is_patient(&self) -> bool {
        let wait = &self.wait;
        wait.deadline.is_none()
            && wait.cancel.is_none()
            && wait.interrupt.is_none()
            && !wait.tries_once()
    }

    /// Returns the instant after which the call no longer waits.
    pub fn deadline(&self) -> Option<Instant> {
        self.wait.deadline
    }
}

/// Work that takes long, of a call that may be cancelled.
pub struct Working<'a>(Asking<'a>);

impl Working<'_> {
    /// Reports now and then how many bytes are done, and fails if the call was cancelled
    /// or interrupted.
    ///
    /// # Errors
    /// `CANCELLED`.
    pub fn check(
        &mut self,
        operation: &'static str,
        name: &Path,
        done: u64,
        total: u64,
    ) -> Result<()> {
        match self.0.is_ended_at(done, total) {
            true => Err(Error::cancelled(operation, name)),
            false => Ok(()),
        }
    }
}

/// Finds a text in records, as a search of a store of files does.
pub struct Needle(Finder);

impl Needle {
    /// Returns `None` if the text is empty. `json`: escapes count as the characters
    /// that they stand for.
    pub fn new(text: &str, json: bool) -> Option<Needle> {
        Finder::new(text, json).map(Needle)
    }

    /// Returns the hit in this record of the session `key`, if it has one.
    pub fn find(&self, key: &str, record: crate::Record<'_>) -> Option<crate::Hit> {
        self.0.find(key, record)
    }
}
