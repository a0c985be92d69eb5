//! The content of a lock file in the scheme `pid-file`: `pid\nnonce\n`.
//!
//! To others the nonce is a word that is never used twice. This library's nonce
//! also identifies the process, for longer than its pid does:
//! `u1.START.BOOT.NAMESPACE.HOST.RANDOM`.

use crate::process::{Alive, Fingerprint, Process};
use crate::sys::{self, PerProcess};

const VERSION: &str = "u1";
const RANDOM: usize = 16;
/// A longer file is not a stamp.
pub(crate) const LONGEST: usize = 1024;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub pid: u32,
    /// Present in this library's stamps only.
    pub process: Option<Fingerprint>,
}

/// This process. Each lock asks for it, and it is always the same.
static OWN: PerProcess<Fingerprint> = PerProcess::new();

fn own() -> &'static Fingerprint {
    OWN.get(|| Fingerprint::of(&Process::current()))
}

/// Returns a new stamp of this process, never used before.
pub(crate) fn make() -> String {
    let own = own();
    let random = sys::random_word(RANDOM);
    format!("{}\n{VERSION}.{}.{random}\n", own.pid, own.to_word())
}

/// Parses a file. Returns `None` if it is not a stamp, or not one yet. A pid
/// without the end of its line may be only the first half of one.
pub(crate) fn parse(bytes: &[u8]) -> Option<Stamp> {
    let text = std::str::from_utf8(bytes).ok()?;
    let (pid, rest) = text.split_once('\n')?;
    let pid = pid.trim_end_matches('\r').parse().ok()?;
    let nonce = rest.split_once('\n').map(|(nonce, _)| nonce);
    let process = nonce.and_then(|nonce| {
        let word = nonce.strip_prefix(VERSION)?.strip_prefix('.')?;
        let (word, _) = word.rsplit_once('.')?;
        Fingerprint::parse(pid, word)
    });
    Some(Stamp { pid, process })
}

impl Stamp {
    /// Returns whether its process lives. A stamp of another program has only
    /// the pid, which a later process may have now. The stamp's age does not
    /// decide that: a clock that was set forward would then rob a living
    /// holder.
    pub fn alive(&self) -> Alive {
        if let Some(process) = &self.process {
            return process.alive();
        }
        match sys::start_time(self.pid) {
            Ok(None) => Alive::Dead,
            Ok(Some(_)) => Alive::Alive,
            Err(_) => Alive::Unknown,
        }
    }

    /// Returns whether its process, which lives, is not stopped.
    pub fn runs(&self) -> bool {
        !sys::is_stopped(self.pid)
    }

    /// Returns whether it is a stamp of this process.
    pub fn is_own(&self) -> bool {
        self.process.as_ref() == Some(own())
    }
}

#[cfg(test)]
mod tests {
    use super::{make, parse};
    use crate::process::Alive;

    #[test]
    fn reads_what_it_writes() {
        let text = make();
        assert_ne!(text, make());
        let stamp = parse(text.as_bytes()).unwrap();
        assert_eq!(stamp.pid, std::process::id());
        assert!(stamp.is_own());
        assert_eq!(stamp.alive(), Alive::Alive);
        // Cut short anywhere, it never names another process, living or dead.
        for cut in 0..text.len() {
            match parse(&text.as_bytes()[..cut]) {
                None => assert!(cut <= text.find('\n').unwrap()),
                Some(half) => assert_eq!(half.pid, stamp.pid),
            }
        }
    }

    #[test]
    fn reads_what_others_write() {
        for (text, pid) in [
            ("4711\nabc\n", Some(4711)),
            ("4711\n", Some(4711)),
            ("4711\r\nabc\r\n", Some(4711)),
            ("4711", None),
            ("", None),
            ("{\"pid\":4711}\n", None),
            ("-1\n", None),
            ("untorn1\n", None),
        ] {
            let stamp = parse(text.as_bytes());
            assert_eq!(stamp.map(|stamp| stamp.pid), pid, "{text:?}");
        }
        let own = parse(format!("{}\nx\n", std::process::id()).as_bytes()).unwrap();
        assert!(!own.is_own(), "it may be of any process with our pid");
        assert_eq!(own.alive(), Alive::Alive, "whatever the clocks say");
        let nobody = parse(format!("{}\nx\n", u32::MAX).as_bytes()).unwrap();
        assert_eq!(nobody.alive(), Alive::Dead);
    }
}
