//! A process: a fork of this one that does what it is told, call by call.

use std::cell::RefCell;
use std::io::{BufRead, BufReader, Write};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use untorn::Position;
use untorn::fault::{self, Call, Op, Plan, Verdict};

use super::act::Hands;
use super::step::{At, KINDS, Setting, Then, Verb};
use crate::scene::faults::errors;

/// A call that takes longer than this never ends.
const HANG: Duration = Duration::from_secs(30);

/// What it is told.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Order {
    pub verb: Verb,
    /// Records, a header or values, as the verb needs them.
    pub texts: Vec<String>,
    pub at: Option<Position>,
    pub mishap: Mishap,
    /// Which calls it asks about before it makes them.
    pub ask: Ask,
}

/// What goes wrong with its calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Mishap {
    No,
    Fail { at: At, error: u8 },
    Short { write: u8, bytes: u16, then: Then },
    Die { at: At },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ask {
    pub at: Option<At>,
    /// Whatever changes something on the disk.
    pub changes: bool,
}

/// What it says.
#[derive(Debug, Serialize, Deserialize)]
pub enum Said {
    /// It is about to make this call, and waits.
    Asks {
        number: usize,
        /// Others do something now.
        pause: bool,
        op: String,
        path: Option<PathBuf>,
    },
    Done(Answer),
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Answer {
    /// Its code, and what it says.
    pub error: Option<(String, String)>,
    pub at: Option<Position>,
    pub seen: Seen,
    /// Whether something was made to go wrong.
    pub mishap: bool,
}

/// What a reader was given.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Seen {
    pub lines: Option<Vec<String>>,
    /// Whether those were all that there are.
    pub finished: bool,
    /// What was followed was taken back, up to here.
    pub rewound: Vec<(usize, Position)>,
    pub ends: Vec<Position>,
    pub damage: Vec<String>,
    pub header: Option<Option<String>>,
    pub docs: Vec<(u8, Option<String>)>,
    pub word: Option<String>,
}

impl std::fmt::Display for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.error {
            Some((code, text)) => write!(f, "{code}: {text}")?,
            None => write!(f, "done")?,
        }
        let Seen {
            lines,
            finished,
            rewound,
            header,
            docs,
            word,
            damage,
            ..
        } = &self.seen;
        if let Some(at) = self.at {
            write!(f, ", at {at}")?;
        }
        if let Some(lines) = lines {
            write!(f, ", {}{lines:?}", if *finished { "all of " } else { "" })?;
        }
        for (at, to) in rewound {
            write!(f, ", taken back before {at} to {to}")?;
        }
        if let Some(header) = header {
            write!(f, ", header {header:?}")?;
        }
        if !docs.is_empty() {
            write!(f, ", documents {docs:?}")?;
        }
        if !damage.is_empty() {
            write!(f, ", damage {damage:?}")?;
        }
        word.as_ref().map_or(Ok(()), |word| write!(f, ", {word}"))
    }
}

pub struct Player {
    pid: libc::pid_t,
    channel: BufReader<UnixStream>,
}

/// What came of listening to it.
pub enum Heard {
    Said(Box<Said>),
    Died,
    Hangs,
}

impl Player {
    /// `others`: descriptors that are not to be in the new process.
    pub fn start(dir: &Path, setting: Setting, mount: u64, others: &[RawFd]) -> Player {
        let (ours, theirs) = UnixStream::pair().expect("a pair of sockets");
        // SAFETY: this process has one thread.
        let pid = unsafe { libc::fork() };
        assert!(pid >= 0, "fork");
        if pid == 0 {
            die_with_parent();
            for other in others.iter().chain([&ours.as_raw_fd()]) {
                // SAFETY: these are sockets of the parent's, and nothing here uses them.
                unsafe { libc::close(*other) };
            }
            fault::mounted_as(mount);
            play(theirs, Hands::new(dir, setting));
            // SAFETY: nothing of the parent's is to be flushed or dropped.
            unsafe { libc::_exit(0) };
        }
        ours.set_read_timeout(Some(HANG)).expect("a timeout");
        Player {
            pid,
            channel: BufReader::new(ours),
        }
    }

    pub fn fd(&self) -> RawFd {
        self.channel.get_ref().as_raw_fd()
    }

    pub fn tell<T: Serialize>(&mut self, what: &T) {
        // One that is dead is heard of when it is listened to.
        let _ = send(self.channel.get_mut(), what);
    }

    pub fn hear(&mut self) -> Heard {
        let mut line = String::new();
        match self.channel.read_line(&mut line) {
            Ok(n) if n > 0 && line.ends_with('\n') => {
                Heard::Said(Box::new(serde_json::from_str(&line).expect("an answer")))
            }
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => Heard::Hangs,
            _ => Heard::Died,
        }
    }
}

impl Drop for Player {
    fn drop(&mut self) {
        // SAFETY: a child of ours that was not waited for yet.
        unsafe {
            libc::kill(self.pid, libc::SIGKILL);
            libc::waitpid(self.pid, std::ptr::null_mut(), 0);
        }
    }
}

#[cfg(target_os = "linux")]
fn die_with_parent() {
    // SAFETY: changes nothing but which signal comes when the parent ends.
    unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) };
}

#[cfg(not(target_os = "linux"))]
fn die_with_parent() {}

fn send<T: Serialize>(channel: &mut UnixStream, what: &T) -> std::io::Result<()> {
    let mut line = serde_json::to_string(what)?;
    line.push('\n');
    channel.write_all(line.as_bytes())
}

/// In the new process, until it is killed or there are no more orders.
fn play(channel: UnixStream, mut hands: Hands) {
    let channel = Rc::new(RefCell::new(BufReader::new(channel)));
    loop {
        let mut line = String::new();
        if !matches!(channel.borrow_mut().read_line(&mut line), Ok(1..)) {
            return;
        }
        let order: Order = serde_json::from_str(&line).expect("an order");
        let struck = Rc::new(RefCell::new(false));
        let fate = Fate {
            mishap: order.mishap,
            ask: order.ask,
            made: [0; KINDS.len()],
            then: None,
            struck: Rc::clone(&struck),
            channel: Rc::clone(&channel),
        };
        let mut answer = fate.plan().run(|| hands.act(&order)).0;
        answer.mishap = *struck.borrow();
        if send(channel.borrow_mut().get_mut(), &Said::Done(answer)).is_err() {
            return;
        }
    }
}

/// What becomes of the calls of one order.
struct Fate {
    mishap: Mishap,
    ask: Ask,
    /// How many calls of each kind were made.
    made: [u8; KINDS.len()],
    /// What comes after a write that was cut short.
    then: Option<Then>,
    struck: Rc<RefCell<bool>>,
    channel: Rc<RefCell<BufReader<UnixStream>>>,
}

impl Fate {
    fn plan(mut self) -> Plan {
        Plan::new().judge(move |call| self.judge(call))
    }

    fn judge(&mut self, call: &Call<'_>) -> Verdict {
        let pause = self.ask.at.is_some_and(|at| self.is_at(at, call));
        if pause || self.ask.changes && changes(call.op) {
            self.ask(call, pause);
        }
        let verdict = self.verdict(call);
        if let Some(kind) = KINDS.iter().position(|op| *op == call.op) {
            self.made[kind] = self.made[kind].saturating_add(1);
        }
        verdict
    }

    fn is_at(&self, at: At, call: &Call<'_>) -> bool {
        match at {
            At::Call(number) => call.number == usize::from(number),
            At::Kind { kind, nth } => {
                let kind = usize::from(kind);
                call.op == KINDS[kind] && self.made[kind] == nth
            }
        }
    }

    fn verdict(&mut self, call: &Call<'_>) -> Verdict {
        match self.then.take() {
            None | Some(Then::GoOn) => {}
            Some(Then::Die) => die(),
            Some(Then::Fail { error }) if call.op == Op::Write => return self.fail(call.op, error),
            waiting => self.then = waiting,
        }
        match self.mishap {
            Mishap::Die { at } if self.is_at(at, call) => die(),
            Mishap::Fail { at, error } if self.is_at(at, call) => self.fail(call.op, error),
            Mishap::Short { write, bytes, then }
                if self.is_at(
                    At::Kind {
                        kind: 0,
                        nth: write,
                    },
                    call,
                ) =>
            {
                *self.struck.borrow_mut() = true;
                self.then = Some(then);
                Verdict::Short(usize::from(bytes).max(1))
            }
            _ => Verdict::Go,
        }
    }

    fn fail(&mut self, op: Op, error: u8) -> Verdict {
        *self.struck.borrow_mut() = true;
        let errors = errors(op);
        Verdict::Fail(errors[usize::from(error) % errors.len()])
    }

    fn ask(&mut self, call: &Call<'_>, pause: bool) {
        let asks = Said::Asks {
            number: call.number,
            pause,
            op: format!("{:?}", call.op),
            path: call.path.map(Path::to_owned),
        };
        let mut channel = self.channel.borrow_mut();
        let mut go = String::new();
        if send(channel.get_mut(), &asks).is_err() || !matches!(channel.read_line(&mut go), Ok(1..))
        {
            die();
        }
    }
}

/// Whether what is on the disk, or certain to be, may be another after it.
fn changes(op: Op) -> bool {
    matches!(
        op,
        Op::Create
            | Op::Write
            | Op::Truncate
            | Op::SyncData
            | Op::SyncAll
            | Op::SyncDir
            | Op::Rename
            | Op::Link
            | Op::Unlink
    )
}

fn die() -> ! {
    // SAFETY: ends this process; the system frees what it has.
    unsafe {
        libc::kill(libc::getpid(), libc::SIGKILL);
        libc::_exit(1);
    }
}
