// Generated from spec/constants.toml by `cargo xtask generate`. Do not edit.
//! The words that options take and that results name.

/// The kind of an event: of something that happened without a call asking for
/// it.
///
/// ```
/// assert_eq!(untorn::EventKind::Waiting.as_str(), "waiting");
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EventKind {
    /// A call has waited for a lock longer than the threshold (2 seconds by
    /// default), and waits on. `holder` names the process that holds it,
    /// `waited` says how long. It is reported again after 4, 16, 64 times the
    /// threshold, and so on. Its severity is a warning, or info if the call has
    /// a timeout.
    Waiting,
    /// A wait that was reported is over: the call got the lock, or gave up.
    Waited,
    /// A torn tail of a journal was repaired. `offset` is its start, `bytes`
    /// the number of bytes that were cut, `kept` the file that has them. With 0
    /// bytes, only a newline was added.
    Repaired,
    /// An append of many records, whose process died, was taken back. `offset`
    /// is its start, `bytes` the number of bytes, `kept` the file that has
    /// them.
    Undone,
    /// A change that a dead process left half done was finished or taken back.
    /// The change is a transaction, a rewrite, a save in place or a header
    /// stamp. `path` is the file, or the directory of the transaction.
    Recovered,
    /// Temporary files of dead processes were removed from the directory
    /// `path`. `count` is their number.
    Swept,
    /// A reader skipped damage. `damage` is its kind, `offset` and `bytes` its
    /// place. Each read reports only its first damage. A torn tail is not
    /// reported, since an append in progress looks the same.
    SkippedDamage,
    /// A journal was rotated. `kept` is the rotated file.
    Rotated,
    /// A sync failed. Bytes that were written may not be durable, and the
    /// handle refuses further work: open it again.
    Poisoned,
    /// Events came faster than the receiver took them. `count` is the number of
    /// those that it did not get.
    Dropped,
    /// This process learned that it lost the lease of a session in a database.
    /// `path` names the session. Its later changes of that session are refused.
    LeaseLost,
    /// A file was opened, and a file next to it shows that programs lock it in
    /// another scheme. They do not exclude each other. The message names that
    /// file and the scheme. Each file and scheme is reported once in a process.
    OtherScheme,
}

impl EventKind {
    /// Returns the word, the same in every language: `"waiting"`.
    pub fn as_str(self) -> &'static str {
        match self {
            EventKind::Waiting => "waiting",
            EventKind::Waited => "waited",
            EventKind::Repaired => "repaired",
            EventKind::Undone => "undone",
            EventKind::Recovered => "recovered",
            EventKind::Swept => "swept",
            EventKind::SkippedDamage => "skipped_damage",
            EventKind::Rotated => "rotated",
            EventKind::Poisoned => "poisoned",
            EventKind::Dropped => "dropped",
            EventKind::LeaseLost => "lease_lost",
            EventKind::OtherScheme => "other_scheme",
        }
    }
}

/// How much an event matters.
///
/// ```
/// assert_eq!(untorn::Severity::Info.as_str(), "info");
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Severity {
    /// It is good to know.
    Info,
    /// A process died, waits for long, or finds damage. Nothing was lost
    /// without a copy.
    Warning,
    /// Bytes may be lost.
    Error,
}

impl Severity {
    /// Returns the word, the same in every language: `"info"`.
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Info => "info",
            Severity::Warning => "warning",
            Severity::Error => "error",
        }
    }
}
