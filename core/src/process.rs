//! Which process, for longer than its pid says it: pids repeat, also within
//! seconds, and in containers always.

use serde::{Deserialize, Serialize};

use crate::fs;

/// Whether a process lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Alive {
    /// The very process lives.
    Alive,
    /// It has ended; another may have its pid by now.
    Dead,
    /// It can't be known: it is of another host, or hidden from us.
    Unknown,
}

impl Alive {
    /// `"alive"`, `"dead"` or `"unknown"`.
    pub fn as_str(self) -> &'static str {
        match self {
            Alive::Alive => "alive",
            Alive::Dead => "dead",
            Alive::Unknown => "unknown",
        }
    }
}

/// A process: pid, start time, boot and host together never repeat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Identity {
    pub pid: u32,
    /// In the system's own unit (clock ticks since boot on Linux).
    pub start: Option<u64>,
    pub boot: Option<String>,
    pub host: Option<String>,
}

impl Identity {
    /// This process.
    pub fn own() -> Identity {
        Identity::of(fs::own_pid())
    }

    /// The process of this machine that has this pid now.
    pub fn of(pid: u32) -> Identity {
        Identity {
            pid,
            start: fs::start_time(pid).ok().flatten(),
            boot: fs::boot_id(),
            host: fs::host_name(),
        }
    }

    pub fn alive(&self) -> Alive {
        if self.host.is_some() && self.host != fs::host_name() {
            return Alive::Unknown;
        }
        if let (Some(theirs), Some(ours)) = (&self.boot, fs::boot_id())
            && *theirs != ours
        {
            return Alive::Dead;
        }
        match (fs::start_time(self.pid), self.start) {
            (Ok(None), _) => Alive::Dead,
            (Ok(Some(now)), Some(then)) if now != then => Alive::Dead,
            (Ok(Some(_)), Some(_)) => Alive::Alive,
            (Ok(Some(_)), None) | (Err(_), _) => Alive::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Alive, Identity};

    #[test]
    fn tells_a_reused_pid() {
        let own = Identity::own();
        assert_eq!(own.alive(), Alive::Alive);
        let earlier = Identity {
            start: own.start.map(|start| start - 1),
            ..own.clone()
        };
        assert_eq!(earlier.alive(), Alive::Dead);
        let elsewhere = Identity {
            host: Some("another-host.invalid".to_owned()),
            ..own.clone()
        };
        assert_eq!(elsewhere.alive(), Alive::Unknown);
        let before_reboot = Identity {
            boot: Some("another-boot".to_owned()),
            ..own
        };
        assert_eq!(before_reboot.alive(), Alive::Dead);
    }

    #[test]
    fn a_zombie_is_dead() {
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let identity = Identity::of(child.id());
        // It has ended once its standard output would be at its end; not
        // reaped until `wait`, so until then it is a zombie at most.
        while identity.alive() != Alive::Dead {
            std::thread::yield_now();
        }
        child.wait().unwrap();
        assert_eq!(identity.alive(), Alive::Dead);
    }
}
