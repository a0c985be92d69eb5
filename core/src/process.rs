//! Identifies a process for longer than its pid does. Pids repeat, even within
//! seconds, and in containers always.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::sys::{self, PerProcess};

/// Whether a process lives.
///
/// ```
/// use untorn::{Alive, Process};
///
/// assert_eq!(Process::current().alive(), Alive::Alive);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Alive {
    /// This very process lives.
    Alive,
    /// It has ended; another process may have its pid by now.
    Dead,
    /// It can't be known: the process is on another host or in another
    /// container, or hidden from us.
    Unknown,
}

impl Alive {
    /// Returns `"alive"`, `"dead"` or `"unknown"`.
    pub fn as_str(self) -> &'static str {
        match self {
            Alive::Alive => "alive",
            Alive::Dead => "dead",
            Alive::Unknown => "unknown",
        }
    }
}

/// A process, named forever: all of its fields together never repeat, while a
/// pid by itself does.
///
/// It can be stored (as JSON, for example), given to another process, and asked
/// [`alive`](Process::alive) there. No part of it depends on the time of day.
/// So no change of the clock makes a process look dead or alive.
///
/// ```
/// use untorn::{Alive, Process};
/// let mut child = std::process::Command::new("sleep").arg("60").spawn()?;
/// let process = Process::of(child.id());
/// assert_eq!(process.alive(), Alive::Alive);
/// child.kill()?;
/// child.wait()?;
/// assert_eq!(process.alive(), Alive::Dead);
/// # Ok::<(), std::io::Error>(())
/// ```
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Process {
    /// The number that the system gave it.
    pub pid: u32,
    /// When it started, in the system's own unit (clock ticks since boot on
    /// Linux). `None` if the process did not exist, or could not be seen.
    pub start: Option<u64>,
    /// The start of the machine that it ran in.
    pub boot: Option<String>,
    /// The namespace in which pids and start times are counted. On Linux these
    /// are the pid and time namespaces, one of each per container. In another
    /// namespace, the same numbers mean other processes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// The host that it runs on.
    pub host: Option<String>,
}

impl Process {
    /// Returns this process.
    #[must_use]
    pub fn current() -> Process {
        // Each lock asks for it, and it is always the same.
        static OWN: PerProcess<Process> = PerProcess::new();
        OWN.get(|| Process::of(sys::own_pid())).clone()
    }

    /// Returns the process that has this pid now, as this process counts pids.
    /// `start` is `None` if no process has it. A zombie has released everything
    /// and counts as none.
    #[must_use]
    pub fn of(pid: u32) -> Process {
        Process {
            pid,
            start: sys::start_time(pid).ok().flatten(),
            boot: sys::boot_id(),
            namespace: sys::pid_namespace(),
            host: sys::host_name(),
        }
    }

    /// Returns whether it is this process, as far as its fields say. A
    /// successor that was named without its namespace must recognize itself.
    /// Otherwise all wait for it indefinitely. A host may have a new name
    /// meanwhile.
    pub(crate) fn is_current(&self) -> bool {
        let own = Process::current();
        let agree =
            |theirs: &Option<String>, ours: &Option<String>| theirs.is_none() || theirs == ours;
        (self.pid, self.start) == (own.pid, own.start)
            && agree(&self.boot, &own.boot)
            && agree(&self.namespace, &own.namespace)
            && (own.boot.is_some() || agree(&self.host, &own.host))
    }

    /// Returns whether it lives. It is `Dead` if another process has its pid by
    /// now, if it is a zombie, or if it ran before the machine was started. It
    /// is `Unknown` if it can't be seen from here: a process of another host,
    /// of another container on this host, or one that the system hides from
    /// this user.
    #[must_use]
    pub fn alive(&self) -> Alive {
        Fingerprint::of(self).alive()
    }
}

/// A short form of a process, for a place without room for names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fingerprint {
    pub pid: u32,
    pub start: Option<u64>,
    boot: Option<u64>,
    namespace: Option<u64>,
    host: Option<u64>,
}

impl Fingerprint {
    pub fn of(process: &Process) -> Fingerprint {
        let hash = |name: &Option<String>| {
            let name = name.as_ref()?;
            Some(xxhash_rust::xxh3::xxh3_64(name.as_bytes()))
        };
        Fingerprint {
            pid: process.pid,
            start: process.start,
            boot: hash(&process.boot),
            namespace: hash(&process.namespace),
            host: hash(&process.host),
        }
    }

    /// Returns all but the pid: `START.BOOT.NAMESPACE.HOST`, in hexadecimal
    /// except for the start. An unknown field is empty.
    pub fn to_word(&self) -> String {
        let hex = |hash: Option<u64>| hash.map_or(String::new(), |hash| format!("{hash:016x}"));
        format!(
            "{}.{}.{}.{}",
            self.start.map_or(String::new(), |start| start.to_string()),
            hex(self.boot),
            hex(self.namespace),
            hex(self.host)
        )
    }

    pub fn parse(pid: u32, word: &str) -> Option<Fingerprint> {
        let mut parts = word.split('.');
        let mut number = |radix| match parts.next()? {
            "" => Some(None),
            digits => u64::from_str_radix(digits, radix).ok().map(Some),
        };
        let print = Fingerprint {
            pid,
            start: number(10)?,
            boot: number(16)?,
            namespace: number(16)?,
            host: number(16)?,
        };
        parts.next().is_none().then_some(print)
    }

    /// See [`Process::alive`].
    pub fn alive(&self) -> Alive {
        let name = sys::host_name();
        let here = Fingerprint::of(&Process {
            pid: self.pid,
            start: None,
            boot: sys::boot_id(),
            namespace: sys::pid_namespace(),
            host: name.clone(),
        });
        let differ = |theirs: Option<u64>, ours: Option<u64>| {
            theirs.is_some() && ours.is_some() && theirs != ours
        };
        if self.host.is_some() && self.host != here.host {
            return Alive::Unknown;
        }
        if differ(self.boot, here.boot) {
            // The machine has restarted since; unless many hosts have this
            // name.
            return match name {
                Some(name) if !names_many(&name) => Alive::Dead,
                _ => Alive::Unknown,
            };
        }
        if differ(self.namespace, here.namespace) {
            return Alive::Unknown;
        }
        match (sys::start_time(self.pid), self.start) {
            (Ok(None), _) => Alive::Dead,
            (Ok(Some(now)), Some(then)) if now != then => Alive::Dead,
            (Ok(Some(_)), Some(_)) => Alive::Alive,
            (Ok(Some(_)), None) | (Err(_), _) => Alive::Unknown,
        }
    }
}

/// Returns whether it is a default name, which many hosts have.
fn names_many(host: &str) -> bool {
    matches!(host, "" | "(none)") || host.split('.').next() == Some("localhost")
}

impl fmt::Display for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "pid {}", self.pid)?;
        match (self.alive(), &self.host) {
            (Alive::Dead, _) => write!(f, ", which is dead"),
            (Alive::Unknown, Some(host)) => write!(f, " on {host}"),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Alive, Process};

    #[test]
    fn tells_another_process_with_the_same_pid() {
        let own = Process::current();
        assert_eq!(own.alive(), Alive::Alive);
        let earlier = Process {
            start: own.start.map(|start| start - 1),
            ..own.clone()
        };
        assert_eq!(earlier.alive(), Alive::Dead);
        let elsewhere = Process {
            host: Some("another-host.invalid".to_owned()),
            ..own.clone()
        };
        assert_eq!(elsewhere.alive(), Alive::Unknown);
        let before_reboot = Process {
            boot: Some("another-boot".to_owned()),
            ..own.clone()
        };
        // If the system has no boot id, start times are dates.
        let other = |known: bool, then| if known { then } else { Alive::Alive };
        assert_eq!(
            before_reboot.alive(),
            other(own.boot.is_some(), Alive::Dead)
        );
        let other_container = Process {
            namespace: Some("another".to_owned()),
            ..own.clone()
        };
        assert_eq!(
            other_container.alive(),
            other(own.namespace.is_some(), Alive::Unknown)
        );
    }

    #[test]
    fn knows_names_that_many_hosts_have() {
        for name in ["", "(none)", "localhost", "localhost.localdomain"] {
            assert!(super::names_many(name), "{name:?}");
        }
        for name in ["builder", "localhosts", "my.localhost"] {
            assert!(!super::names_many(name), "{name:?}");
        }
    }

    #[test]
    fn lines_without_a_namespace_are_read_too() {
        let line = r#"{"pid":1,"start":2,"boot":"b","host":"h"}"#;
        let process: Process = serde_json::from_str(line).unwrap();
        assert_eq!(process.namespace, None);
        assert_eq!(serde_json::to_string(&process).unwrap(), line);
        let own = Process::current();
        let again = serde_json::to_string(&own).unwrap();
        assert_eq!(serde_json::from_str::<Process>(&again).unwrap(), own);
    }

    #[test]
    fn knows_itself_by_what_is_said() {
        let own = Process::current();
        let Process { pid, start, .. } = own.clone();
        let brief = format!("{{\"pid\":{pid},\"start\":{}}}", start.unwrap());
        assert!(Process::from_json(&brief).unwrap().is_current());
        assert!(own.is_current());
        for (key, value) in [("boot", "another"), ("namespace", "1/2")] {
            let other = brief.replace('}', &format!(",\"{key}\":\"{value}\"}}"));
            assert!(!Process::from_json(&other).unwrap().is_current(), "{key}");
        }
    }
}
