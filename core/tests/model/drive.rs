//! A call of one process, from its order to its answer, and what others do
//! meanwhile.

use super::message::{Answer, Said};
use super::oracle::Verdict;
use super::player::Heard;
use super::readers;
use super::runner::Runner;
use super::runner::WITNESS;
use super::step::{At, Step, Verb};
use super::world::is_change;

impl Runner {
    pub fn drive(&mut self, who: u8, pause: Option<(At, &[Step])>) -> Verdict {
        let verb = self.in_flight_verb(who);
        match verb {
            Some(verb) => self.drive_change(who, verb, pause),
            None => Ok(()),
        }
    }

    fn in_flight_verb(&self, who: u8) -> Option<Verb> {
        let id = self.in_flight.get(&who)?;
        // One that only reads is not known to the judge.
        Some(
            self.oracle
                .running
                .get(id)
                .map_or(Verb::Read, |change| change.verb),
        )
    }

    /// Listens to a process until its call has ended.
    pub fn drive_change(
        &mut self,
        who: u8,
        verb: Verb,
        mut pause: Option<(At, &[Step])>,
    ) -> Verdict {
        let id = self.in_flight[&who];
        loop {
            let said = match self.player(who).hear() {
                Heard::Hangs => return Err(format!("process {who} hangs in {verb:?}")),
                Heard::Died => {
                    self.tell(&format!("process {who} died"));
                    self.kill(who);
                    return Ok(());
                }
                Heard::Said(said) => *said,
            };
            match said {
                Said::Asks {
                    number,
                    pause: here,
                    op,
                    path,
                } => {
                    if let Some(disk) = &mut self.disk {
                        disk.before(who, &op, path.as_deref());
                    }
                    if let Some((_, meanwhile)) = pause.take_if(|_| here) {
                        self.tell(&format!("process {who} is before call {number}, {op}"));
                        self.meanwhile(who, meanwhile)?;
                        self.tell("(meanwhile until here)");
                        if self.in_flight.get(&who) != Some(&id) {
                            return Ok(());
                        }
                    }
                    self.player(who).tell(&"go");
                }
                Said::Done(answer) => {
                    if let Some(disk) = &mut self.disk {
                        disk.after(who);
                    }
                    self.answered(who, verb, &answer)?;
                    for step in pause.map_or(&[][..], |(_, steps)| steps) {
                        self.step(step)?;
                    }
                    return Ok(());
                }
            }
        }
    }

    /// What others do while a process is paused.
    fn meanwhile(&mut self, who: u8, steps: &[Step]) -> Verdict {
        let before = self.oracle.worlds.clone();
        self.passed.insert(who, before);
        for step in steps {
            self.step(step)?;
            let now = self.oracle.worlds.clone();
            self.passed.entry(who).or_default().extend(now);
        }
        Ok(())
    }

    fn answered(&mut self, who: u8, verb: Verb, answer: &Answer) -> Verdict {
        let id = self.in_flight.remove(&who).expect("it was at it");
        let passed = self.passed.remove(&who);
        if who != WITNESS || answer.error.is_some() {
            self.tell(&format!("process {who}: {verb:?} -> {answer}"));
        }
        let blocked = !self.in_flight.is_empty();
        let hurt = self.hurt.contains(&who);
        if answer.mishap {
            self.hurt.insert(who);
        }
        self.keep_less(verb);
        if is_change(verb) {
            let owned = answer.error.is_none();
            self.oracle.end(id, answer, blocked, hurt)?;
            if answer.error.is_some() {
                self.look_for_journal(id);
            }
            match verb {
                Verb::Claim if owned => self.lease = Some(who),
                Verb::Release if owned => self.lease = None,
                _ => {}
            }
            if let (Some(at), Some(place)) = (answer.at, self.oracle.place()) {
                self.slots.insert(200, (at, place));
            }
            return Ok(());
        }
        self.readers.entry(who).or_default();
        self.oracle.passed = passed;
        let verdict = readers::judge(self, who, verb, answer, blocked);
        self.oracle.passed = None;
        verdict
    }
}
