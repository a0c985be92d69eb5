//! The judge: all that the files may hold by what was asked for and answered.
//!
//! An undecided change (in flight, or of a process that died) makes two possible worlds
//! of one. The answer that a process gets, or sees, rules worlds out. If none is left,
//! a guarantee is broken. A change that was seen once is decided: worlds without it are
//! gone.

use std::collections::{BTreeMap, BTreeSet};

use super::message::Answer;
use super::step::{Setting, Verb};
use super::world::{
    Change, DIRECTORY, Id, JOURNAL, Outcome, Place, World, appends_several, is_rewrite, members,
};

pub type Verdict = Result<(), String>;

pub struct Oracle {
    pub setting: Setting,
    pub worlds: Vec<World>,
    /// In flight.
    pub running: BTreeMap<Id, Change>,
    /// Those whose process died, or that could not be taken back; and whether a process
    /// has had one of their locks since, and so settled them.
    pub limbo: BTreeMap<Id, (Change, bool)>,
    /// What was before a transaction that is not settled: of each file by itself
    /// that may be seen also when others are seen as they are after it. And what was
    /// before a foreign program's bytes behind an append that is not settled.
    pub before: BTreeMap<Id, Vec<World>>,
    /// What was before a rewrite that was not answered: its names may not be on the disk.
    pub rewriting: BTreeMap<Id, Vec<World>>,
    /// What there could be while the one who tells was at it, if others were
    /// too.
    pub passed: Option<Vec<World>>,
    /// Changes during which a foreign program wrote to the journal, or removed a
    /// lock file.
    pub disturbed: BTreeSet<Id>,
    /// Every record that anybody ever wrote.
    pub written: BTreeSet<String>,
    /// The journal may have a second name, under which it can't be locked.
    pub linked: bool,
    /// Whether damage may be found.
    pub damaged: bool,
    /// A rewrite, or a foreign change, that followers must report.
    pub rewritten: bool,
}

impl Oracle {
    pub fn new(setting: Setting) -> Oracle {
        Oracle {
            setting,
            worlds: vec![World::default()],
            running: BTreeMap::new(),
            limbo: BTreeMap::new(),
            before: BTreeMap::new(),
            rewriting: BTreeMap::new(),
            passed: None,
            disturbed: BTreeSet::new(),
            written: BTreeSet::new(),
            linked: false,
            damaged: false,
            rewritten: false,
        }
    }

    /// Changes that may still turn out to be there or not.
    pub fn undecided(&self) -> BTreeSet<Id> {
        let open = self.limbo.iter().filter(|(_, (_, settled))| !settled);
        self.running
            .keys()
            .chain(open.map(|(id, _)| id))
            .copied()
            .collect()
    }

    pub fn is_decided(&self) -> bool {
        self.running.is_empty() && self.limbo.is_empty()
    }

    pub fn begin(&mut self, change: Change) {
        let records = match change.verb {
            Verb::SetHeader { .. } => &[][..],
            Verb::AppendWithHeader { .. } => &change.texts[1..],
            _ => &change.texts[..],
        };
        self.written.extend(records.iter().cloned());
        // A reader may see a header before what is appended with it, or after.
        let several = matches!(change.verb, Verb::AppendWithHeader { .. });
        if several || members(change.verb).len() > 1 {
            self.before.insert(change.id, self.worlds.clone());
        }
        if is_rewrite(change.verb) {
            self.rewriting.insert(change.id, self.worlds.clone());
        }
        self.running.insert(change.id, change);
        self.expand();
    }

    /// A foreign program is about to append. A reader stops where an append of many
    /// began that is not decided. So it may see these bytes only when that is settled.
    pub fn hide_behind_undecided(&mut self) {
        for id in self.undecided() {
            let asked = self.limbo.get(&id).map(|(change, _)| change);
            let Some(change) = asked.or(self.running.get(&id)) else {
                continue;
            };
            if appends_several(change) {
                let without = |world: &&World| !world.applied.contains(&id);
                let worlds = self.worlds.iter().filter(without).cloned().collect();
                self.before.entry(id).or_insert(worlds);
            }
        }
    }

    /// Adds the worlds in which what is in flight is done by now.
    fn expand(&mut self) {
        let mut at = 0;
        while at < self.worlds.len() {
            for change in self.running.values() {
                let world = &self.worlds[at];
                if world.applied.contains(&change.id) {
                    continue;
                }
                if let Outcome::Done(mut next) = world.outcome(change) {
                    next.applied.insert(change.id);
                    if !self.setting.cuts {
                        next.unsynced.clear();
                    }
                    if !self.worlds.contains(&next) {
                        self.worlds.push(next);
                    }
                }
            }
            at += 1;
        }
    }

    /// Keeps the worlds of which this holds.
    pub fn retain(&mut self, what: &str, keep: impl Fn(&World) -> bool) -> Verdict {
        let left: Vec<_> = self
            .worlds
            .iter()
            .filter(|world| keep(world))
            .cloned()
            .collect();
        if left.is_empty() {
            return Err(format!("{what}\n{}", self.tell()));
        }
        self.worlds = left;
        Ok(())
    }

    /// What may be, for people.
    pub fn tell(&self) -> String {
        let mut text = String::from("what could be there:\n");
        for world in &self.worlds {
            text += &format!("  {world:?}\n");
        }
        text
    }

    /// A change came to its end. `blocked`: others were in the middle of
    /// something; `hurt`: something of this process was made to fail before.
    pub fn end(&mut self, id: Id, answer: &Answer, blocked: bool, hurt: bool) -> Verdict {
        let Some(change) = self.running.get(&id).cloned() else {
            return Ok(());
        };
        let (code, text) = match &answer.error {
            None => ("", ""),
            Some((code, text)) => (&code[..], &text[..]),
        };
        let what = format!("{:?} said {code:?} {text}", change.verb);
        let word = answer.seen.word.as_deref().filter(|word| *word != "done");
        let refused = |world: &World, wanted: &str| match world.outcome(&change) {
            Outcome::Refused(why) => why == wanted && !world.applied.contains(&id),
            Outcome::Done(_) => false,
        };
        match (code, word) {
            // Some systems deny a lock that is held. A call that was made to fail with
            // that error has found the lock taken, as far as anybody can tell.
            ("", Some("busy")) if blocked || answer.mishap => {
                self.retain(&what, |w| !w.applied.contains(&id))?;
            }
            ("", Some(word)) => self.retain(&what, |world| refused(world, word))?,
            ("", None) | ("NOT_DURABLE", _) => {
                if code == "NOT_DURABLE" && !answer.mishap {
                    return Err(format!("{what}, and nothing failed"));
                }
                self.retain(&what, |world| world.applied.contains(&id))?;
                if code.is_empty() {
                    self.done(&change);
                }
            }
            ("PANIC" | "INTERNAL", _) => return Err(what),
            _ if text.contains("could not be taken back") || text.contains("not finished") => {
                self.running.remove(&id);
                self.limbo.insert(id, (change, false));
                return Ok(());
            }
            ("LOCKED" | "LOCK_TIMEOUT", _) if blocked => {
                self.retain(&what, |world| !world.applied.contains(&id))?;
            }
            // A lock file that it could not open to write it, that time.
            ("POISONED" | "PERMISSION_DENIED", _) if hurt => {
                self.retain(&what, |world| !world.applied.contains(&id))?;
            }
            ("LOCK_UNSUPPORTED", _) if self.linked => {
                self.retain(&what, |world| !world.applied.contains(&id))?;
            }
            ("CONFLICT", _) if self.disturbed.contains(&id) => {
                self.retain(&what, |world| !world.applied.contains(&id))?;
            }
            // A journal that was missing, for a process that writes all of it again.
            ("ALREADY_EXISTS", _)
                if self.disturbed.contains(&id)
                    && matches!(change.verb, Verb::Replace { .. } | Verb::Compact) =>
            {
                self.retain(&what, |world| !world.applied.contains(&id))?;
            }
            _ if answer.mishap => self.retain(&what, |world| !world.applied.contains(&id))?,
            _ => self.retain(&what, |world| refused(world, code))?,
        }
        // A transaction that is refused may not have come to its commit, which takes the locks.
        let refused = matches!(code, "CONFLICT" | "ALREADY_EXISTS");
        let transacts = matches!(change.verb, Verb::Transact(_));
        if matches!(code, "" | "NOT_DURABLE") || refused && !transacts {
            self.had_the_locks(&change, word);
        }
        if code == "CONFLICT" || answer.mishap && !code.is_empty() {
            self.may_have_repaired(&change);
        }
        self.running.remove(&id);
        self.before.remove(&id);
        self.rewriting.remove(&id);
        self.forget(id);
        self.expand();
        Ok(())
    }

    /// An append repairs the tail first. So one that fails later may have cut half a
    /// line, and leaves that so.
    fn may_have_repaired(&mut self, change: &Change) {
        let locks = members(change.verb).contains(&JOURNAL);
        let mut repaired: Vec<World> = self.worlds.iter().filter(|_| locks).cloned().collect();
        for journal in repaired.iter_mut().filter_map(|w| w.journal.as_mut()) {
            journal.tail.clear();
        }
        self.worlds.extend(repaired);
    }

    /// It is done, and as durable as was asked for.
    fn done(&mut self, change: &Change) {
        let lasts = match change.verb {
            Verb::Sync => true,
            Verb::Transact(_) | Verb::Reconcile => self.setting.cuts || self.setting.power,
            Verb::Append { .. }
            | Verb::AppendAll { .. }
            | Verb::AppendAt { .. }
            | Verb::SetHeader { .. }
            | Verb::AppendWithHeader { .. } => self.setting.power,
            _ => false,
        };
        let touches = !matches!(change.verb, Verb::Transact(members) if members.append == 0);
        let mut open = self.undecided();
        open.remove(&change.id);
        let worlds = self.worlds.clone();
        for world in self.worlds.iter_mut().filter(|_| lasts && touches) {
            world.unsynced.clear();
            // A sync takes no lock. It may find a part of an append that is not decided.
            // A power cut may take the note of that from the lock file.
            let less: BTreeSet<Id> = world.applied.difference(&open).copied().collect();
            if change.verb == Verb::Sync && less != world.applied {
                let without = worlds.iter().filter(|other| other.applied == less);
                world
                    .unsynced
                    .extend(without.map(|other| other.journal.clone()));
            }
        }
        if is_rewrite(change.verb) && change.verb != Verb::Rotate {
            self.rewritten = true;
        }
    }

    /// Each holder of a lock settles the pending change there.
    fn had_the_locks(&mut self, change: &Change, word: Option<&str>) {
        let had = match (change.verb, word) {
            // It reads that there is nobody to reconcile. Then it takes one lock, the
            // directory's, and only to finish a transaction that was committed there.
            (Verb::Reconcile, Some("nothing")) => vec![DIRECTORY],
            // The owner, or who is at it, has the lock.
            (Verb::Reconcile, Some(_)) => Vec::new(),
            (verb, _) => members(verb),
        };
        for (other, settled) in self.limbo.values_mut() {
            // A file that must be removed and is missing is no member.
            let removes = matches!(other.verb, Verb::Transact(tx) if tx.remove);
            *settled |= members(other.verb)
                .iter()
                .any(|member| had.contains(member) && !(removes && *member == 1));
        }
    }

    fn forget(&mut self, id: Id) {
        for world in &mut self.worlds {
            world.applied.remove(&id);
        }
        self.unite();
    }

    fn unite(&mut self) {
        let mut seen: Vec<World> = Vec::new();
        for mut world in std::mem::take(&mut self.worlds) {
            world.unsynced.dedup();
            if !seen.contains(&world) {
                seen.push(world);
            }
        }
        self.worlds = seen;
    }

    /// Its process was killed.
    pub fn died(&mut self, id: Id) {
        if let Some(change) = self.running.remove(&id) {
            self.limbo.insert(id, (change, false));
        }
    }

    /// There is a journal after a change that did not come to its end. So that change has
    /// made the file, if nobody did before: also one that is undone leaves it, empty.
    pub fn journal_exists(&mut self, id: Id) {
        for world in self.worlds.iter_mut().filter(|w| w.journal.is_none()) {
            world.journal_mut(id);
        }
        self.unite();
    }

    /// All was looked at, while no process worked: each settled change is decided.
    pub fn looked_at_all(&mut self) {
        let settled: Vec<Id> = self
            .limbo
            .iter()
            .filter(|(_, (_, settled))| *settled)
            .map(|(id, _)| *id)
            .collect();
        for id in settled {
            self.limbo.remove(&id);
            self.before.remove(&id);
            self.rewriting.remove(&id);
            self.forget(id);
        }
    }

    /// Where the journal is, if there is but one answer.
    pub fn place(&self) -> Option<Option<Place>> {
        if !self.undecided().is_empty() {
            return None;
        }
        let place = |world: &World| {
            world.journal.as_ref().map(|journal| Place {
                lineage: journal.lineage,
                lines: journal.lines.clone(),
            })
        };
        let first = place(&self.worlds[0]);
        self.worlds
            .iter()
            .all(|world| place(world) == first)
            .then_some(first)
    }

    /// The same change in every world.
    pub fn change_all(&mut self, change: impl Fn(&mut World)) {
        self.worlds.iter_mut().for_each(change);
        self.unite();
        self.expand();
    }
}
