//! One event, and its words.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::words::{EventKind, Severity};
use crate::holder::Holder;

/// Describes what happened, and to which file. A kind sets only the fields that its description
/// names.
///
/// Its `Display` is one line for people, without the severity.
///
/// ```
/// use untorn::{EventKind, Severity, events};
///
/// events::set_sink(|event| {
///     match (event.severity(), event.kind) {
///         (Severity::Info, _) | (_, EventKind::Waiting) => {}
///         _ => eprintln!("untorn: {event}"),
///     }
/// });
/// # Ok::<(), untorn::Error>(())
/// ```
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The kind of event.
    pub kind: EventKind,
    /// The operation in which it happened: `"append"`, `"recover"`.
    pub operation: &'static str,
    /// The file, or the directory of a transaction or a sweep.
    pub path: PathBuf,
    /// The process that holds the lock, if it can be known.
    pub holder: Option<Holder>,
    /// How long the call has waited.
    pub waited: Option<Duration>,
    /// Where in the file it happened.
    pub offset: Option<u64>,
    /// How many bytes it concerns.
    pub bytes: Option<u64>,
    /// How many files or events it concerns.
    pub count: Option<u64>,
    /// The file that keeps what was cut off or rotated.
    pub kept: Option<PathBuf>,
    /// The kind of damage: the word of a [`crate::DamageKind`].
    pub damage: Option<&'static str>,
    /// More about it, in words.
    pub detail: Option<String>,
    /// Whether the call that waits has a timeout.
    pub(crate) is_limited: bool,
}

impl Event {
    pub(crate) fn new(kind: EventKind, operation: &'static str, path: &Path) -> Event {
        Event {
            kind,
            operation,
            path: path.to_owned(),
            holder: None,
            waited: None,
            offset: None,
            bytes: None,
            count: None,
            kept: None,
            damage: None,
            detail: None,
            is_limited: false,
        }
    }

    /// Returns how much it matters.
    pub fn severity(&self) -> Severity {
        match self.kind {
            EventKind::Waited | EventKind::Swept | EventKind::Rotated => Severity::Info,
            // The program has said how long a wait may take, and gets an error after that.
            EventKind::Waiting if self.is_limited => Severity::Info,
            EventKind::Poisoned => Severity::Error,
            _ => Severity::Warning,
        }
    }

    /// Writes what happened, without the operation and the path.
    fn write_what(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let offset = self.offset.unwrap_or_default();
        let bytes = self.bytes.unwrap_or_default();
        let count = self.count.unwrap_or_default();
        let seconds = self.waited.unwrap_or_default().as_secs_f64();
        match self.kind {
            EventKind::Waiting => write!(f, "waiting for the lock for {seconds:.1} s"),
            EventKind::Waited => write!(f, "the wait for the lock is over after {seconds:.1} s"),
            EventKind::Repaired if bytes == 0 => {
                write!(f, "the last record at offset {offset} got its newline back")
            }
            EventKind::Repaired => {
                write!(f, "a torn tail of {bytes} bytes at offset {offset} was cut")
            }
            EventKind::Undone => write!(
                f,
                "a process died in an append of many records; its {bytes} bytes at offset {offset} \
                 were taken back"
            ),
            EventKind::Recovered => f.write_str("a process died in a change, which was settled"),
            EventKind::Swept => write!(f, "{count} temporary files of dead processes were removed"),
            EventKind::SkippedDamage => write!(
                f,
                "skipped damage ({}): {bytes} bytes at offset {offset}",
                self.damage.unwrap_or("unknown")
            ),
            EventKind::Rotated => f.write_str("rotated"),
            EventKind::Poisoned => f.write_str(
                "a sync failed: what was written may not be durable, and this handle refuses \
                 further work; open it again",
            ),
            EventKind::LeaseLost => f.write_str(
                "the lease is lost: another process claimed the session, or the lease was released",
            ),
            EventKind::OtherScheme => {
                f.write_str("programs that use different schemes do not exclude each other")
            }
            EventKind::Dropped => write!(f, "{count} events came too fast, and were dropped"),
        }
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.operation)?;
        if !self.path.as_os_str().is_empty() {
            write!(f, " {}", self.path.display())?;
        }
        f.write_str(": ")?;
        self.write_what(f)?;
        if let Some(holder) = &self.holder {
            write!(f, "; held by {holder}")?;
        }
        if let Some(kept) = &self.kept {
            write!(f, "; kept in {}", kept.display())?;
        }
        match &self.detail {
            Some(detail) => write!(f, "; {detail}"),
            None => Ok(()),
        }
    }
}
