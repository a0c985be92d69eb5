//! What is in a lock file of the scheme `pid-file`: `pid\nnonce\n`.
//!
//! To others the nonce is some word that is never used twice. Ours also says
//! which process it is, for longer than its pid does:
//! `u1.START.BOOT.NAMESPACE.HOST.RANDOM`.

use crate::process::{Alive, Fingerprint, Process};
use crate::sys::{self, PerProcess};

const VERSION: &str = "u1";
const RANDOM: usize = 16;
/// A file that is longer is not one of these.
pub(crate) const LONGEST: usize = 1024;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub pid: u32,
    /// Of this library's stamps.
    pub process: Option<Fingerprint>,
}

/// This process: asked for with each lock, and always the same.
static OWN: PerProcess<Fingerprint> = PerProcess::new();

fn own() -> &'static Fingerprint {
    OWN.get(|| Fingerprint::of(&Process::current()))
}

/// A stamp of this process, never used before.
pub(crate) fn make() -> String {
    let own = own();
    let random = sys::random_word(RANDOM);
    format!("{}\n{VERSION}.{}.{random}\n", own.pid, own.to_word())
}

/// What a file says; `None` if it is not (or not yet) one of these: a pid
/// without the end of its line may be the first half of one.
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
    /// Whether its process lives. A stamp of others has nothing but the pid, and
    /// whoever has that now may be a later process: that is not told from its age,
    /// since a clock that was set forward would rob one that lives.
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

    /// Whether its process, which lives, is not stopped.
    pub fn runs(&self) -> bool {
        !sys::is_stopped(self.pid)
    }

    /// Whether it is one of this process.
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
        // Cut short anywhere, it is never a living or a dead process's that it
        // is not.
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
