//! A process: a fork of this one that carries out orders, call by call.

use std::cell::RefCell;
use std::io::{BufRead, BufReader, Write};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use serde::Serialize;
use untorn::fault;

use super::act::Hands;
use super::fate::Fate;
use super::message::{Order, Said};
use super::step::Setting;

/// A call that takes longer than this never ends.
const HANG: Duration = Duration::from_secs(30);

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
            // SAFETY: nothing of the parent's needs a flush or a drop.
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

pub fn send<T: Serialize>(channel: &mut UnixStream, what: &T) -> std::io::Result<()> {
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
        fault::stop_clock(order.tick);
        let struck = Rc::new(RefCell::new(false));
        let fate = Fate::new(order.mishap, order.ask, &struck, &channel);
        let mut answer = fate.plan().run(|| hands.act(&order)).0;
        answer.mishap = *struck.borrow();
        if send(channel.borrow_mut().get_mut(), &Said::Done(answer)).is_err() {
            return;
        }
    }
}

pub fn die() -> ! {
    // SAFETY: ends this process; the system frees what it has.
    unsafe {
        libc::kill(libc::getpid(), libc::SIGKILL);
        libc::_exit(1);
    }
}
