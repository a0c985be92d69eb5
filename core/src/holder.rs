//! The holder of a lock: for messages, never for exclusion.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::clock;
use crate::process::{Alive, Process};
use crate::sys;

/// The holder of a lock.
///
/// ```
/// use untorn::{Alive, FileLock};
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("notes.txt");
/// let guard = FileLock::options().label("nightly job").acquire(&path)?;
/// let holder = untorn::holder(&path)?.expect("it is held");
/// assert_eq!(holder.pid, std::process::id());
/// assert_eq!(holder.label.as_deref(), Some("nightly job"));
/// assert_eq!(holder.alive(), Alive::Alive);
/// # drop(guard);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The process's pid.
    pub pid: u32,
    /// When it started, in the system's own unit (clock ticks since boot on
    /// Linux). With pid, boot and host it names one process forever.
    pub start: Option<u64>,
    /// The start of the machine that it runs in.
    pub boot: Option<String>,
    /// The namespace in which pids and start times are counted, see
    /// [`Process::namespace`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// The host that it runs on.
    pub host: Option<String>,
    /// The name that the holder gave itself (`label=`).
    pub label: Option<String>,
    /// When it took the lock, RFC 3339 in UTC.
    pub since: Option<String>,
}

impl Holder {
    /// Returns this process, holding from now on.
    pub(crate) fn own(label: Option<&str>) -> Holder {
        Holder {
            label: label.map(str::to_owned),
            since: Some(clock::now()),
            ..Holder::from(Process::current())
        }
    }

    /// Returns the process by itself.
    pub fn process(&self) -> Process {
        Process {
            pid: self.pid,
            start: self.start,
            boot: self.boot.clone(),
            namespace: self.namespace.clone(),
            host: self.host.clone(),
        }
    }

    /// Returns whether the process lives, judged by its start time, not by its
    /// pid alone.
    pub fn alive(&self) -> Alive {
        self.process().alive()
    }
}

impl From<Process> for Holder {
    fn from(process: Process) -> Holder {
        Holder {
            pid: process.pid,
            start: process.start,
            boot: process.boot,
            namespace: process.namespace,
            host: process.host,
            label: None,
            since: None,
        }
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "pid {}", self.pid)?;
        // Without a label of its own, the program's name helps.
        let program = || (self.alive() == Alive::Alive).then(|| sys::name_of(self.pid))?;
        if let Some(name) = self.label.clone().or_else(program) {
            write!(f, " ({name})")?;
        }
        if let Some(since) = &self.since {
            write!(f, " since {since}")?;
        }
        match self.alive() {
            Alive::Alive if self.process().is_current() => f.write_str(", which is this process"),
            Alive::Alive => Ok(()),
            // Its descriptor lives on in a process that inherited it.
            Alive::Dead => write!(f, ", which has ended: a process that it started keeps it"),
            Alive::Unknown => match &self.host {
                Some(host) => write!(f, " on {host}"),
                None => Ok(()),
            },
        }
    }
}
