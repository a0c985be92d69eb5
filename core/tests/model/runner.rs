//! Runs a case: tells the processes what to do, lets happen what is to happen
//! meanwhile, and asks the judge about all that they say.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::act::{DOCS, JOURNAL};
use super::disk::Disk;
use super::foreign;
use super::message::{Ask, Mishap, Order};
use super::oracle::{Oracle, Verdict};
use super::player::Player;
use super::readers::Readers;
use super::step::{At, Case, Cut, Locks, Members, Setting, Step, Trouble, Verb};
use super::texts::Texts;
use super::world::{Change, Id, Place, World, is_change};
use crate::scene::Scene;

/// Looks after each step, and does nothing else.
pub const WITNESS: u8 = 100;
/// Comes at the end, and has never been there.
const NEXT: u8 = 101;

pub struct Runner {
    pub dir: PathBuf,
    pub oracle: Oracle,
    pub texts: Texts,
    pub disk: Option<Disk>,
    pub setting: Setting,
    players: BTreeMap<u8, Player>,
    /// Who is in the middle of what.
    pub in_flight: BTreeMap<u8, Id>,
    pub readers: BTreeMap<u8, Readers>,
    pub slots: BTreeMap<u8, (untorn::Position, Option<Place>)>,
    /// From which place each process reads, who was told to read from one.
    pub from: BTreeMap<u8, Option<Place>>,
    pub hurt: BTreeSet<u8>,
    /// What there could be while one who reads was paused.
    pub passed: BTreeMap<u8, Vec<World>>,
    /// What foreign programs wrote into files that are kept.
    pub kept: Vec<String>,
    /// Who has the session.
    pub lease: Option<u8>,
    mount: u64,
    pub tick: u64,
    next_id: Id,
    pub story: String,
    _scene: Scene,
}

/// Runs it; the error tells what was broken, and how it came to it.
pub fn run(case: &Case) -> Verdict {
    let mut runner = Runner::new(case.setting);
    let mut verdict = Ok(());
    for step in &case.steps {
        verdict = runner.step(step).and_then(|()| runner.look());
        if verdict.is_err() {
            break;
        }
    }
    verdict = verdict.and_then(|()| runner.finish());
    if std::env::var_os("UNTORN_MODEL_TELL").is_some() {
        eprintln!("{}", runner.story);
    }
    verdict.map_err(|why| format!("{why}\nas it happened:\n{}", runner.story))
}

impl Runner {
    fn new(setting: Setting) -> Runner {
        let scene = Scene::quick();
        let dir = scene.path("s");
        std::fs::create_dir(&dir).expect("a directory");
        Runner {
            disk: setting.cuts.then(|| Disk::new(&dir)),
            dir,
            oracle: Oracle::new(setting),
            texts: Texts::default(),
            setting,
            players: BTreeMap::new(),
            in_flight: BTreeMap::new(),
            readers: BTreeMap::new(),
            slots: BTreeMap::new(),
            from: BTreeMap::new(),
            hurt: BTreeSet::new(),
            passed: BTreeMap::new(),
            kept: Vec::new(),
            lease: None,
            mount: 0,
            tick: 1,
            next_id: 0,
            story: String::new(),
            _scene: scene,
        }
    }

    pub fn tell(&mut self, line: &str) {
        self.story += &format!("  {line}\n");
    }

    pub fn next_id(&mut self) -> Id {
        self.next_id += 1;
        self.next_id
    }

    pub fn step(&mut self, step: &Step) -> Verdict {
        match step {
            Step::Do { who, verb, trouble } => self.act(*who, *verb, trouble),
            Step::Reopen(who) => {
                if !self.in_flight.contains_key(who) {
                    self.tell(&format!("process {who} ends"));
                    self.kill(*who);
                }
                Ok(())
            }
            Step::Kill(who) => {
                self.tell(&format!("process {who} is killed"));
                self.kill(*who);
                Ok(())
            }
            Step::Resume(who) => match self.in_flight.contains_key(who) {
                true => {
                    self.tell(&format!("process {who} goes on"));
                    self.players.get_mut(who).expect("it lives").tell(&"go");
                    self.drive(*who, None)
                }
                false => Ok(()),
            },
            Step::Foreign(what) => foreign::act(self, *what),
            Step::Remount => {
                self.tell("restart, with another device number");
                self.kill_all();
                self.mount += 1;
                Ok(())
            }
            Step::PowerCut(cut) => self.power_cut(cut),
        }
    }

    fn act(&mut self, who: u8, verb: Verb, trouble: &Trouble) -> Verdict {
        if self.in_flight.contains_key(&who) {
            return Ok(());
        }
        let mishap = match *trouble {
            Trouble::No | Trouble::Pause { .. } => Mishap::No,
            Trouble::Fail { at, error } => Mishap::Fail { at, error },
            Trouble::Short { write, bytes, then } => Mishap::Short { write, bytes, then },
            Trouble::Die { at } => Mishap::Die { at },
        };
        let pause = match trouble {
            Trouble::Pause { at, meanwhile } => Some((*at, &meanwhile[..])),
            _ => None,
        };
        let Some((order, change)) = self.order(who, verb, mishap, pause.map(|(at, _)| at)) else {
            return Ok(());
        };
        if who != WITNESS {
            let texts = &order.texts;
            self.tell(&format!("process {who}: {verb:?} {texts:?} {mishap:?}"));
        }
        let id = change.id;
        if is_change(verb) {
            self.oracle.begin(change);
        }
        self.in_flight.insert(who, id);
        self.player(who).tell(&order);
        self.drive_change(who, verb, pause)
    }

    /// The order, and what it means; `None` if it can't be meant now.
    fn order(
        &mut self,
        who: u8,
        verb: Verb,
        mishap: Mishap,
        pause: Option<At>,
    ) -> Option<(Order, Change)> {
        let slot = match verb {
            Verb::AppendAt { slot, .. } | Verb::Rewind { slot } | Verb::ReadFrom { slot } => {
                Some(self.slots.get(&slot)?.clone())
            }
            _ => None,
        };
        match verb {
            Verb::Rewind { .. } | Verb::ReadFrom { .. } => drop(slot.as_ref()?.1.as_ref()?),
            Verb::Claim if self.lease == Some(who) => return None,
            Verb::Release if self.lease != Some(who) => return None,
            Verb::ReadOn { .. } if self.reader(who).open.is_none() => return None,
            _ => {}
        }
        if let (Verb::ReadFrom { .. }, Some((_, place))) = (verb, &slot) {
            // The slot may have another by the time of the answer.
            self.from.insert(who, place.clone());
        }
        let (texts, expected) = self.texts.of(verb, &self.oracle.worlds);
        let id = self.next_id();
        let order = Order {
            verb,
            texts: texts.clone(),
            at: slot.as_ref().map(|(at, _)| *at),
            mishap,
            ask: Ask {
                at: pause,
                changes: self.setting.cuts,
            },
            // For every other process no tick passes by itself: its appends look at
            // each name once.
            tick: who.is_multiple_of(2).then_some(self.tick),
        };
        let change = Change {
            id,
            verb,
            texts,
            place: slot.and_then(|(_, place)| place),
            expected,
            owned: self.lease.is_some(),
            setting: self.setting,
        };
        Some((order, change))
    }

    pub fn player(&mut self, who: u8) -> &mut Player {
        if !self.players.contains_key(&who) {
            let others: Vec<_> = self.players.values().map(Player::fd).collect();
            let player = Player::start(&self.dir, self.setting, self.mount, &others);
            self.players.insert(who, player);
        }
        self.players.get_mut(&who).expect("just started")
    }

    fn reader(&mut self, who: u8) -> &mut Readers {
        self.readers.entry(who).or_default()
    }

    /// The process is gone, and what it was at is not decided.
    pub fn kill(&mut self, who: u8) {
        self.players.remove(&who);
        self.readers.remove(&who);
        self.hurt.remove(&who);
        if let Some(disk) = &mut self.disk {
            disk.after(who);
        }
        if let Some(id) = self.in_flight.remove(&who) {
            if let Some(change) = self.oracle.running.get(&id) {
                self.keep_less(change.verb);
            }
            self.oracle.died(id);
            self.look_for_journal(id);
        }
        if self.lease == Some(who) {
            self.lease = None;
        }
    }

    pub fn look_for_journal(&mut self, id: Id) {
        // In place an empty file counts as none: to lock it is to make it.
        if self.setting.locks != Locks::InPlace && self.dir.join(JOURNAL).exists() {
            self.oracle.journal_exists(id);
        }
    }

    pub fn forget_places(&mut self) {
        self.slots.clear();
        self.from.clear();
    }

    /// Some rewrites keep nothing of what was there.
    pub fn keep_less(&mut self, verb: Verb) {
        if let Verb::Replace { .. } | Verb::Compact = verb {
            self.kept.clear();
        }
    }

    fn kill_all(&mut self) {
        let all: Vec<u8> = self.players.keys().copied().collect();
        for who in all {
            self.kill(who);
        }
    }

    fn power_cut(&mut self, cut: &Cut) -> Verdict {
        self.kill_all();
        let Some(disk) = &mut self.disk else {
            return Ok(());
        };
        let told = disk.cut(cut);
        self.tell(&format!("the power goes; on the disk is\n{told}"));
        self.oracle.power_cut();
        self.forget_places();
        if cut.remount {
            self.mount += 1;
        }
        self.settle()
    }

    /// A new process takes every lock.
    fn settle(&mut self) -> Verdict {
        self.kill(NEXT);
        foreign::unlink_second(self);
        self.act(NEXT, Verb::Repair, &Trouble::No)?;
        for doc in 0..DOCS.len() {
            let doc = u8::try_from(doc).expect("few");
            self.act(NEXT, Verb::Touch { doc }, &Trouble::No)?;
        }
        if self.setting.locks == Locks::Sidecar {
            self.act(NEXT, Verb::Snapshot, &Trouble::No)?;
        }
        if self.setting.session {
            self.act(NEXT, Verb::Reconcile, &Trouble::No)?;
        }
        Ok(())
    }

    /// What one sees who opens all of it now, without a lock.
    fn look(&mut self) -> Verdict {
        if !self.in_flight.is_empty() {
            return Ok(());
        }
        self.act(WITNESS, Verb::Look, &Trouble::No)?;
        self.oracle.looked_at_all();
        if self.oracle.is_decided() {
            let archives = foreign::archives(self);
            let what = format!("rotated files hold {archives:?}");
            if self.setting.max_bytes > 0 {
                let all = [archives.concat(), foreign::lines(self)].concat();
                self.oracle.saw(&what, |world| world.lines() == all)?;
            } else {
                self.oracle.saw(&what, |world| world.archives == archives)?;
            }
        }
        Ok(())
    }

    fn finish(&mut self) -> Verdict {
        self.kill_all();
        self.settle()?;
        self.look()?;
        foreign::all_kept(self)?;
        // What a rewrite or a transaction has left, the next removes.
        if self.setting.max_bytes > 0 {
            self.act(NEXT, Verb::Rotate, &Trouble::No)?;
        } else {
            self.act(NEXT, Verb::Replace { count: 1 }, &Trouble::No)?;
        }
        let members = Members {
            append: 1,
            save: true,
            create: false,
            remove: false,
            dropped: false,
        };
        if self.setting.locks == Locks::Sidecar {
            self.act(NEXT, Verb::Transact(members), &Trouble::No)?;
        }
        self.look()?;
        foreign::nothing_left(self)
    }
}
