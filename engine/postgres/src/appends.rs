//! The appends of one journal's handle. A few statements are under way at once, and share
//! flushes. Those that wait for a place go into the next one together.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use untorn::{Error, Position};

use crate::kept::Way;
use crate::link::Failed;
use crate::way::Appended;

/// How many statements of one handle are under way at once. One at a time would have a flush
/// each, and half of the callers would miss it.
const AT_ONCE: u32 = 4;
/// How many bytes one statement takes of those that wait: as many as one row has.
const MOST: usize = 262_144;
/// After another writer's append was seen, so many go by the way for many writers.
const CROWD: u32 = 64;
/// Another writer's append since the last of ours counts if that is not longer ago.
const RECENT: Duration = Duration::from_millis(100);

#[derive(Default)]
pub(crate) struct Appends {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// How many statements are under way.
    under_way: u32,
    queue: VecDeque<Arc<Seat>>,
    number: Option<i64>,
    /// How many more appends go by the way for many writers.
    crowd: u32,
    /// The generation and the end after the last append, and when its answer came.
    last: Option<(i64, i64, Instant)>,
}

/// One append that waits.
struct Seat {
    bytes: Vec<u8>,
    token: Option<i64>,
    turn: Mutex<Turn>,
    told: Condvar,
}

enum Turn {
    Waits,
    /// It carries these others.
    Leads(Vec<Arc<Seat>>),
    /// It goes by itself: one for all was refused.
    Alone,
    Done(Result<Position, Error>),
}

impl Appends {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the way that the next append takes.
    pub fn way(&self) -> Way {
        let state = self.state();
        Way {
            number: state.number,
            alone: state.crowd == 0 && state.under_way <= 1,
        }
    }

    /// Learns from the answer to an append of so many bytes, which went this way.
    pub fn saw(&self, way: Way, length: usize, answer: &Appended) {
        let mut state = self.state();
        let now = Instant::now();
        let start = answer.end - length as i64;
        let others = state.last.is_some_and(|(generation, end, at)| {
            (generation, end) != (answer.generation, start) && now - at < RECENT
        });
        // One that could not be made at once was refused as a follower waits, mostly.
        let is_followed = way.alone && way.number.is_some() && !answer.at_once;
        state.crowd = match others || is_followed {
            true => CROWD,
            false => state.crowd.saturating_sub(1),
        };
        state.number = answer.number;
        state.last = Some((answer.generation, answer.end, now));
    }

    /// Appends with `send`, alone or together with others of this handle.
    pub fn append(
        &self,
        bytes: &[u8],
        token: Option<i64>,
        send: &dyn Fn(&[u8]) -> Result<Position, Failed>,
    ) -> Result<Position, Error> {
        let seat = {
            let mut state = self.state();
            if state.under_way >= AT_ONCE {
                let seat = Arc::new(Seat {
                    bytes: bytes.to_vec(),
                    token,
                    turn: Mutex::new(Turn::Waits),
                    told: Condvar::new(),
                });
                state.queue.push_back(Arc::clone(&seat));
                Some(seat)
            } else {
                state.under_way += 1;
                None
            }
        };
        let turn = seat.map_or(Turn::Leads(Vec::new()), |seat| seat.wait());
        match turn {
            Turn::Leads(others) => self.lead(bytes, others, send),
            Turn::Done(result) => result,
            Turn::Waits | Turn::Alone => Ok(send(bytes)?),
        }
    }

    fn lead(
        &self,
        bytes: &[u8],
        others: Vec<Arc<Seat>>,
        send: &dyn Fn(&[u8]) -> Result<Position, Failed>,
    ) -> Result<Position, Error> {
        let mut leading = Leading {
            appends: self,
            others,
        };
        if leading.others.is_empty() {
            return Ok(send(bytes)?);
        }
        let mut all = bytes.to_vec();
        for other in &leading.others {
            all.extend_from_slice(&other.bytes);
        }
        match send(&all) {
            Ok(mut end) => {
                for other in std::mem::take(&mut leading.others).into_iter().rev() {
                    let length = other.bytes.len() as u64;
                    other.tell(Turn::Done(Ok(end)));
                    end.offset -= length;
                }
                Ok(end)
            }
            Err(failed) if failed.unknown => {
                for other in std::mem::take(&mut leading.others) {
                    other.tell(Turn::Done(Err(failed.error.clone())));
                }
                Err(failed.error)
            }
            // Nothing was changed. Each learns why for itself.
            Err(_) => {
                leading.others_go_alone();
                Ok(send(bytes)?)
            }
        }
    }

    /// Lets the next ones go, if there are any.
    fn pass_on(&self) {
        let mut state = self.state();
        let Some(first) = state.queue.pop_front() else {
            state.under_way -= 1;
            return;
        };
        let mut length = first.bytes.len();
        let mut others = Vec::new();
        while let Some(next) = state.queue.front()
            && next.token == first.token
            && length + next.bytes.len() <= MOST
        {
            length += next.bytes.len();
            others.extend(state.queue.pop_front());
        }
        drop(state);
        first.tell(Turn::Leads(others));
    }
}

/// The append that is under way. However it ends, no other one waits for it any longer.
struct Leading<'a> {
    appends: &'a Appends,
    others: Vec<Arc<Seat>>,
}

impl Leading<'_> {
    fn others_go_alone(&mut self) {
        for other in std::mem::take(&mut self.others) {
            other.tell(Turn::Alone);
        }
    }
}

impl Drop for Leading<'_> {
    fn drop(&mut self) {
        self.others_go_alone();
        self.appends.pass_on();
    }
}

impl Seat {
    fn tell(&self, turn: Turn) {
        *self.turn.lock().unwrap_or_else(PoisonError::into_inner) = turn;
        self.told.notify_one();
    }

    fn wait(&self) -> Turn {
        let turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let waits = |turn: &mut Turn| matches!(turn, Turn::Waits);
        let told = self.told.wait_while(turn, waits);
        let mut turn = told.unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut turn, Turn::Waits)
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::path::Path;
    use std::sync::mpsc;

    use untorn::{ErrorKind, engine};

    use super::*;

    fn at(offset: u64) -> Position {
        Position {
            generation: 1,
            offset,
        }
    }

    fn failed(unknown: bool) -> Failed {
        let failure = engine::Failure::default();
        Failed {
            error: engine::error(ErrorKind::Io, "append", Path::new("k"), failure),
            unknown,
        }
    }

    /// The results of the calls, and the statements of those after the first.
    type Ran = (Vec<Result<Position, Error>>, Vec<Vec<u8>>);

    /// Appends `first`, and the others while it is under way, each after the one before.
    fn run(
        first: impl FnOnce() -> Result<Position, Failed> + Send,
        others: &[(&[u8], Option<i64>)],
        send: impl Fn(&[u8]) -> Result<Position, Failed> + Sync,
    ) -> Ran {
        let appends = Appends::default();
        appends.state().under_way = AT_ONCE - 1;
        let sent = Mutex::new(Vec::new());
        let (begun, has_begun) = mpsc::channel();
        let (end, may_end) = mpsc::channel::<()>();
        let first = Mutex::new(Some((first, may_end)));
        let results = std::thread::scope(|scope| {
            let appends = &appends;
            let leader = scope.spawn(|| {
                let send = |_: &[u8]| {
                    let (first, may_end) = first.lock().unwrap().take().unwrap();
                    begun.send(()).unwrap();
                    may_end.recv().unwrap();
                    first()
                };
                catch_unwind(AssertUnwindSafe(|| appends.append(b"0\n", None, &send)))
            });
            has_begun.recv().unwrap();
            let mut threads = Vec::new();
            for (n, (bytes, token)) in others.iter().enumerate() {
                let (sent, send) = (&sent, &send);
                threads.push(scope.spawn(move || {
                    let send = |all: &[u8]| {
                        sent.lock().unwrap().push(all.to_vec());
                        send(all)
                    };
                    appends.append(bytes, *token, &send)
                }));
                while appends.state().queue.len() <= n {
                    std::thread::yield_now();
                }
            }
            end.send(()).unwrap();
            let first: std::thread::Result<_> = leader.join().unwrap();
            let others = threads.into_iter().map(|thread| thread.join().unwrap());
            first.into_iter().chain(others).collect()
        });
        assert_eq!(
            appends.state().under_way,
            AT_ONCE - 1,
            "none is under way any more"
        );
        (results, sent.into_inner().unwrap())
    }

    #[test]
    fn those_that_wait_go_together_and_each_has_its_end() {
        let others: [(&[u8], _); 3] = [(b"1\n", None), (b"22\n", None), (b"3\n", None)];
        let (ends, sent) = run(|| Ok(at(2)), &others, |_| Ok(at(9)));
        assert_eq!(sent, [b"1\n22\n3\n"]);
        let ends: Vec<_> = ends.into_iter().map(Result::unwrap).collect();
        assert_eq!(ends, [at(2), at(4), at(7), at(9)]);
    }

    #[test]
    fn those_of_another_lease_or_too_long_go_with_the_next() {
        let long = vec![b'x'; MOST];
        let others: [(&[u8], _); 4] = [
            (b"1\n", None),
            (b"2\n", Some(7)),
            (b"3\n", Some(7)),
            (&long, Some(7)),
        ];
        let (_, sent) = run(|| Ok(at(2)), &others, |_| Ok(at(MOST as u64 + 8)));
        assert_eq!(sent, [b"1\n".to_vec(), b"2\n3\n".to_vec(), long]);
    }

    #[test]
    fn one_that_is_refused_takes_no_other_with_it() {
        let others: [(&[u8], _); 3] = [(b"1\n", None), (b"bad\n", None), (b"3\n", None)];
        let (results, mut sent) = run(
            || Ok(at(2)),
            &others,
            |bytes| match bytes.windows(3).any(|part| part == b"bad") {
                true => Err(failed(false)),
                false => Ok(at(4)),
            },
        );
        let done: Vec<_> = results.iter().map(Result::is_ok).collect();
        assert_eq!(done, [true, true, false, true]);
        assert_eq!(sent.remove(0), b"1\nbad\n3\n");
        sent.sort();
        assert_eq!(sent, [&b"1\n"[..], b"3\n", b"bad\n"]);
    }

    #[test]
    fn a_lost_answer_is_lost_for_all_and_nothing_is_sent_twice() {
        let others: [(&[u8], _); 2] = [(b"1\n", None), (b"2\n", None)];
        let (results, sent) = run(|| Ok(at(2)), &others, |_| Err(failed(true)));
        assert_eq!(sent, [b"1\n2\n"]);
        let done: Vec<_> = results.iter().map(Result::is_ok).collect();
        assert_eq!(done, [true, false, false]);
    }

    #[test]
    fn those_that_wait_go_on_after_a_panic() {
        let others: [(&[u8], _); 2] = [(b"1\n", None), (b"2\n", None)];
        let (results, sent) = run(|| panic!("a driver"), &others, |_| Ok(at(4)));
        assert_eq!(sent, [b"1\n2\n"]);
        let ends: Vec<_> = results.into_iter().map(Result::unwrap).collect();
        assert_eq!(ends, [at(2), at(4)]);
    }

    #[test]
    fn another_writer_is_seen_and_forgotten() {
        let appends = Appends::default();
        let answer = |end, at_once| Appended {
            generation: 1,
            end,
            number: Some(3),
            at_once,
        };
        assert_eq!((appends.way().number, appends.way().alone), (None, true));
        appends.saw(appends.way(), 2, &answer(2, false));
        assert_eq!((appends.way().number, appends.way().alone), (Some(3), true));
        appends.saw(appends.way(), 2, &answer(4, true));
        assert!(appends.way().alone);
        // Another one's bytes stand between.
        appends.saw(appends.way(), 2, &answer(9, true));
        for n in 0..CROWD {
            assert!(!appends.way().alone, "{n} later");
            appends.saw(appends.way(), 2, &answer(11 + 2 * i64::from(n), false));
        }
        assert!(appends.way().alone);
        // It was not made at once: someone follows.
        let end = 11 + 2 * i64::from(CROWD);
        appends.saw(appends.way(), 2, &answer(end, false));
        assert!(!appends.way().alone);
    }
}
