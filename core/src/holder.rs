//! Who holds a lock: for messages, never for exclusion.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::clock;
use crate::process::{Alive, Process};

/// Who holds a lock.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The process.
    pub pid: u32,
    /// When it started, in the system's own unit (clock ticks since boot on
    /// Linux): with pid, boot and host it names one process for ever.
    pub start: Option<u64>,
    /// Which start of the machine.
    pub boot: Option<String>,
    /// Within which pids and start times are counted, see
    /// [`Process::namespace`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// On which host.
    pub host: Option<String>,
    /// What the holder calls itself (`label=`).
    pub label: Option<String>,
    /// Since when, RFC 3339 in UTC.
    pub since: Option<String>,
}

impl Holder {
    /// This process, from now on.
    pub(crate) fn own(label: Option<&str>) -> Holder {
        Holder {
            label: label.map(str::to_owned),
            since: Some(clock::now()),
            ..Holder::from(Process::current())
        }
    }

    /// The process by itself.
    pub fn process(&self) -> Process {
        Process {
            pid: self.pid,
            start: self.start,
            boot: self.boot.clone(),
            namespace: self.namespace.clone(),
            host: self.host.clone(),
        }
    }

    /// Whether the process lives: told by its start time, not by its pid
    /// alone.
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
        if let Some(label) = &self.label {
            write!(f, " ({label})")?;
        }
        if let Some(since) = &self.since {
            write!(f, " since {since}")?;
        }
        match self.alive() {
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
