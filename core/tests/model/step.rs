//! What can happen, step by step. The names are those of a failure's report, so
//! that it can be read as a story.

use serde::{Deserialize, Serialize};
use untorn::fault::Op;

/// What one process does by one call, mostly on a handle that it has used
/// before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verb {
    Append {
        size: u16,
    },
    AppendAll {
        count: u8,
        size: u16,
    },
    AppendAt {
        slot: u8,
        count: u8,
    },
    SetHeader {
        size: u8,
    },
    AppendWithHeader {
        count: u8,
        size: u8,
    },
    Sync,
    Repair,
    Rewind {
        slot: u8,
    },
    Rotate,
    Replace {
        count: u8,
    },
    /// Keeps every other record.
    Compact,
    /// All records and the header, through the handle that it has.
    Read,
    /// Keeps the end of the journal for `AppendAt`, `Rewind` and `ReadFrom`.
    KeepEnd {
        slot: u8,
    },
    ReadFrom {
        slot: u8,
    },
    /// A reader that stays open.
    OpenReader,
    ReadOn {
        count: u8,
    },
    /// Follows from the start, and stays.
    Follow,
    /// A fold's state, brought up to date.
    Fold,
    Load {
        doc: u8,
    },
    Save {
        doc: u8,
    },
    /// `stale`: with the version of another value.
    SaveIf {
        doc: u8,
        stale: bool,
    },
    Create {
        doc: u8,
    },
    Update {
        doc: u8,
    },
    Remove {
        doc: u8,
    },
    /// Takes the lock of a document, and releases it.
    Touch {
        doc: u8,
    },
    Transact(Members),
    Snapshot,
    /// All of it, without a lock.
    Look,
    Claim,
    Release,
    Reconcile,
}

/// What a transaction changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Members {
    pub append: u8,
    pub save: bool,
    pub create: bool,
    pub remove: bool,
    /// It is dropped, not committed.
    pub dropped: bool,
}

/// A call to the system: the n-th of all, or of one kind, from 0.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum At {
    Call(u8),
    Kind { kind: u8, nth: u8 },
}

/// Kinds of calls by which others see what a process does.
pub const KINDS: [Op; 8] = [
    Op::Write,
    Op::Truncate,
    Op::Rename,
    Op::Unlink,
    Op::Link,
    Op::Lock,
    Op::SyncData,
    Op::Create,
];

impl std::fmt::Debug for At {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            At::Call(call) => write!(f, "call {call}"),
            At::Kind { kind, nth } => write!(f, "{:?} {nth}", KINDS[usize::from(*kind)]),
        }
    }
}

/// What goes wrong meanwhile.
#[derive(Clone, Debug, PartialEq)]
pub enum Trouble {
    No,
    /// A call fails, with one of the errors that it can give.
    Fail {
        at: At,
        error: u8,
    },
    /// A write is cut short, and what comes then.
    Short {
        write: u8,
        bytes: u16,
        then: Then,
    },
    /// It is killed before a call.
    Die {
        at: At,
    },
    /// Others do this before a call.
    Pause {
        at: At,
        meanwhile: Vec<Step>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Then {
    GoOn,
    Fail { error: u8 },
    Die,
}

/// What a program does that knows nothing of the library.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Foreign {
    /// A whole line, under `flock P.lock` or without.
    Append {
        locked: bool,
    },
    /// A line without its newline.
    AppendPart,
    /// As logrotate's copytruncate.
    Truncate,
    /// Another journal, by rename.
    Replace,
    Delete,
    /// A second name of the journal, which stays.
    Link,
    /// The lock file of the journal (0) or of a document.
    UnlinkLock {
        of: u8,
    },
}

/// Which of the states that a power cut can leave, of the journal, its lock file
/// and the others. 0 is what the kernel showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    pub names: u8,
    pub contents: [u8; 6],
    /// The devices have other numbers afterwards.
    pub remount: bool,
}

#[derive(Clone, PartialEq)]
pub enum Step {
    Do {
        who: u8,
        verb: Verb,
        trouble: Trouble,
    },
    /// It lets its handles go, and opens new ones.
    Reopen(u8),
    Kill(u8),
    /// It goes on to the end of what it was paused in.
    Resume(u8),
    Foreign(Foreign),
    /// All processes end; every device has another number for the next.
    Remount,
    PowerCut(Cut),
}

impl std::fmt::Debug for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Step::Do { who, verb, trouble } => {
                write!(f, "process {who}: {verb:?}")?;
                match trouble {
                    Trouble::No => Ok(()),
                    Trouble::Pause { at, meanwhile } => {
                        write!(f, ", before its {at:?}: {meanwhile:?}")
                    }
                    other => write!(f, ", {other:?}"),
                }
            }
            Step::Reopen(who) => write!(f, "process {who}: opens anew"),
            Step::Kill(who) => write!(f, "process {who} is killed"),
            Step::Resume(who) => write!(f, "process {who} goes on"),
            Step::Foreign(what) => write!(f, "foreign: {what:?}"),
            Step::Remount => write!(f, "restart with another device number"),
            Step::PowerCut(cut) => write!(f, "{cut:?}"),
        }
    }
}

/// Where the locks of a case are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Locks {
    Sidecar,
    InPlace,
    PidFile,
}

/// How the journal of a case is opened, and what is tracked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setting {
    pub locks: Locks,
    /// Above so many bytes an append rotates first; 0: none does. When that is, is
    /// not modelled: what counts then is all that is there, file after file.
    pub max_bytes: u16,
    pub power: bool,
    pub sealed: bool,
    /// The files are those of a session.
    pub session: bool,
    /// Whether the power can go: then what is durable is kept track of.
    pub cuts: bool,
}

#[derive(Clone, PartialEq)]
pub struct Case {
    pub setting: Setting,
    pub steps: Vec<Step>,
}

impl std::fmt::Debug for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{:?}", self.setting)?;
        for step in &self.steps {
            writeln!(f, "  {step:?}")?;
        }
        Ok(())
    }
}
