//! What becomes of the calls that a process makes: who is asked first, and what
//! goes wrong.

use std::cell::RefCell;
use std::io::{BufRead, BufReader};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::rc::Rc;

use untorn::fault::{Call, Op, Plan, Verdict};

use super::message::{Ask, Mishap, Said};
use super::player::{die, send};
use super::step::{At, KINDS, Then};
use crate::scene::faults::errors;

/// What becomes of the calls of one order.
pub struct Fate {
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
    pub fn new(
        mishap: Mishap,
        ask: Ask,
        struck: &Rc<RefCell<bool>>,
        channel: &Rc<RefCell<BufReader<UnixStream>>>,
    ) -> Fate {
        Fate {
            mishap,
            ask,
            made: [0; KINDS.len()],
            then: None,
            struck: Rc::clone(struck),
            channel: Rc::clone(channel),
        }
    }

    pub fn plan(mut self) -> Plan {
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
