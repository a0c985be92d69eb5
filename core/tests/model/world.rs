//! What the files hold, as far as their users are concerned, and what each verb
//! makes of it. Nothing here knows how the library does it.

use std::collections::{BTreeMap, BTreeSet};

use super::step::{Locks, Setting, Verb};

/// A number for each change, so that what is known of a change can be said.
pub type Id = u32;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Journal {
    pub lines: Vec<String>,
    pub header: Option<String>,
    /// What a foreign program wrote without a newline.
    pub tail: String,
    /// Which change made this file.
    pub lineage: Id,
}

/// A place that was kept: which file it was, and what was before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub lineage: Id,
    pub lines: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct World {
    pub journal: Option<Journal>,
    /// What was before, as far as a power cut could bring it back.
    pub unsynced: Vec<Option<Journal>>,
    pub archives: Vec<Vec<String>>,
    pub docs: BTreeMap<u8, String>,
    /// The owner of the session, or its last one who died.
    pub owner: Option<Id>,
    /// Which of the changes that are not decided yet are in it.
    pub applied: BTreeSet<Id>,
}

/// A change that a process asked for.
#[derive(Clone, Debug)]
pub struct Change {
    pub id: Id,
    pub verb: Verb,
    pub texts: Vec<String>,
    /// What the position that goes with it means.
    pub place: Option<Place>,
    /// What a document is expected to hold.
    pub expected: Option<String>,
    /// Whether the session's owner lives.
    pub owned: bool,
    pub setting: Setting,
}

/// What a verb can come to in one world.
pub enum Outcome {
    /// It is done, and this is what the files hold then.
    Done(World),
    /// It is refused with this error, or word.
    Refused(&'static str),
}

impl World {
    pub fn journal_mut(&mut self, id: Id) -> &mut Journal {
        let before = self.journal.clone();
        self.unsynced.push(before);
        self.journal.get_or_insert_with(|| Journal {
            lines: Vec::new(),
            header: None,
            tail: String::new(),
            lineage: id,
        })
    }

    pub fn lines(&self) -> &[String] {
        self.journal.as_ref().map_or(&[], |journal| &journal.lines)
    }

    pub fn header(&self) -> Option<&String> {
        self.journal.as_ref()?.header.as_ref()
    }

    /// Whether the journal is at this place, or behind it.
    fn is_at(&self, place: Option<&Place>, locks: Locks) -> (bool, bool) {
        match (place, &self.journal) {
            // The place before there was a journal.
            (None, None) => (true, true),
            // To lock one in place is to make it, so an empty one counts as none.
            (None, Some(journal)) if locks == Locks::InPlace => {
                let empty = journal.lines.is_empty() && journal.header.is_none();
                (empty, empty)
            }
            (Some(place), Some(journal)) => {
                let same = place.lineage == journal.lineage;
                (
                    same && place.lines == journal.lines,
                    same && journal.lines.starts_with(&place.lines),
                )
            }
            _ => (false, false),
        }
    }

    fn rewrite(&mut self, id: Id, lines: Vec<String>, kept: bool) {
        let journal = self.journal_mut(id);
        let old = std::mem::replace(&mut journal.lines, lines);
        journal.lineage = id;
        journal.tail.clear();
        if kept {
            self.archives.push(old);
        }
        // A rewrite is synced whatever the durability is.
        self.unsynced.clear();
    }

    pub fn append(&mut self, id: Id, lines: &[String]) {
        let journal = self.journal_mut(id);
        // Nothing that a foreign program leaves here without its newline is
        // whole: it is cut.
        journal.tail.clear();
        journal.lines.extend(lines.iter().cloned());
    }

    fn stamp(&mut self, id: Id, header: &str, setting: Setting) {
        let journal = self.journal_mut(id);
        journal.tail.clear();
        if journal.header.is_none() || setting.locks == Locks::InPlace {
            // In an empty file it moves the end; else it takes a new file. In place
            // positions end with each.
            journal.lineage = id;
        }
        journal.header = Some(header.to_owned());
    }

    /// What becomes of a change here.
    pub fn outcome(&self, change: &Change) -> Outcome {
        let Change { id, texts, .. } = change;
        let id = *id;
        let mut next = self.clone();
        let (at, behind) = self.is_at(change.place.as_ref(), change.setting.locks);
        match change.verb {
            Verb::Append { .. } | Verb::AppendAll { .. } => next.append(id, texts),
            Verb::AppendAt { .. } => match at {
                true => next.append(id, texts),
                false => return Outcome::Refused("CONFLICT"),
            },
            Verb::SetHeader { .. } => next.stamp(id, &texts[0], change.setting),
            Verb::AppendWithHeader { .. } => {
                next.stamp(id, &texts[0], change.setting);
                next.append(id, &texts[1..]);
                if change.setting.power {
                    // Both or neither. With `process` that is promised for deaths only.
                    next.unsynced.truncate(self.unsynced.len() + 1);
                }
            }
            Verb::Sync | Verb::Touch { .. } => {}
            Verb::Repair => {
                if let Some(journal) = &mut next.journal {
                    journal.tail.clear();
                }
            }
            Verb::Rewind { .. } => match (&change.place, at, behind) {
                (None, true, _) => {}
                // The tail is repaired first.
                (Some(_), true, _) => {
                    if let Some(journal) = &mut next.journal {
                        journal.tail.clear();
                    }
                }
                (Some(place), false, true) => next.rewrite(id, place.lines.clone(), true),
                _ => return Outcome::Refused("CONFLICT"),
            },
            Verb::Rotate => {
                if !self.lines().is_empty() && change.setting.max_bytes == 0 {
                    next.rewrite(id, Vec::new(), true);
                }
            }
            Verb::Replace { .. } => next.rewrite(id, texts.clone(), false),
            Verb::Compact => {
                let kept = self.lines().iter().step_by(2).cloned().collect();
                next.rewrite(id, kept, false);
            }
            Verb::Save { doc } | Verb::Update { doc } => {
                next.docs.insert(doc, texts[0].clone());
            }
            Verb::SaveIf { doc, .. } => {
                if self.docs.get(&doc) != change.expected.as_ref() {
                    return Outcome::Refused(match change.expected {
                        Some(_) => "CONFLICT",
                        None => "ALREADY_EXISTS",
                    });
                }
                next.docs.insert(doc, texts[0].clone());
            }
            Verb::Create { doc } => {
                if self.docs.contains_key(&doc) {
                    return Outcome::Refused("ALREADY_EXISTS");
                }
                next.docs.insert(doc, texts[0].clone());
            }
            Verb::Remove { doc } => drop(next.docs.remove(&doc)),
            Verb::Transact(members) => {
                if members.create && self.docs.contains_key(&2) {
                    return Outcome::Refused("ALREADY_EXISTS");
                }
                if !members.dropped {
                    let mut texts = texts.iter();
                    let lines: Vec<_> = texts
                        .by_ref()
                        .take(members.append.into())
                        .cloned()
                        .collect();
                    if !lines.is_empty() {
                        next.append(id, &lines);
                        next.unsynced.truncate(self.unsynced.len());
                    }
                    for (doc, wanted) in [(0, members.save), (2, members.create)] {
                        if wanted {
                            next.docs.insert(doc, texts.next().expect("a text").clone());
                        }
                    }
                    if members.remove {
                        next.docs.remove(&1);
                    }
                }
            }
            Verb::Claim => match change.owned {
                true => return Outcome::Refused("LOCKED"),
                false => next.owner = Some(id),
            },
            Verb::Release => next.owner = None,
            Verb::Reconcile => match (self.owner, change.owned) {
                (None, _) => return Outcome::Refused("nothing"),
                (Some(_), true) => return Outcome::Refused("alive"),
                (Some(_), false) => {
                    next.append(id, &texts[..1]);
                    next.unsynced.truncate(self.unsynced.len());
                    next.docs.insert(0, texts[1].clone());
                    next.owner = None;
                }
            },
            Verb::Read
            | Verb::KeepEnd { .. }
            | Verb::ReadFrom { .. }
            | Verb::OpenReader
            | Verb::ReadOn { .. }
            | Verb::Follow
            | Verb::Fold
            | Verb::Load { .. }
            | Verb::Look
            | Verb::Snapshot => {}
        }
        Outcome::Done(next)
    }
}

/// The journal's and the directory's lock, among [`members`].
pub const JOURNAL: u8 = 9;
pub const DIRECTORY: u8 = 10;

impl Change {
    /// The records that it appends as a part of a transaction.
    pub fn of_transaction(&self) -> &[String] {
        match self.verb {
            Verb::Transact(members) => &self.texts[..usize::from(members.append)],
            Verb::Reconcile => &self.texts[..1],
            _ => &[],
        }
    }
}

/// Files whose lock a verb takes: a document is its number.
pub fn members(verb: Verb) -> Vec<u8> {
    match verb {
        Verb::Append { .. }
        | Verb::AppendAll { .. }
        | Verb::AppendAt { .. }
        | Verb::SetHeader { .. }
        | Verb::AppendWithHeader { .. }
        | Verb::Repair
        | Verb::Rewind { .. }
        | Verb::Rotate
        | Verb::Replace { .. }
        | Verb::Compact => vec![JOURNAL],
        Verb::Save { doc }
        | Verb::SaveIf { doc, .. }
        | Verb::Create { doc }
        | Verb::Update { doc }
        | Verb::Touch { doc } => vec![doc],
        // A missing file can't be locked in some schemes.
        Verb::Remove { doc } => vec![doc],
        Verb::Transact(members) => {
            let mut files = vec![DIRECTORY];
            if members.dropped {
                // Those of the files are taken by the commit.
                return files;
            }
            files.extend((members.append > 0).then_some(JOURNAL));
            files.extend(members.save.then_some(0));
            files.extend(members.remove.then_some(1));
            files.extend(members.create.then_some(2));
            files
        }
        Verb::Snapshot => vec![DIRECTORY, JOURNAL, 0, 1, 2],
        Verb::Claim | Verb::Release => vec![11],
        Verb::Reconcile => vec![DIRECTORY, JOURNAL, 0, 11],
        Verb::Sync
        | Verb::Read
        | Verb::KeepEnd { .. }
        | Verb::ReadFrom { .. }
        | Verb::OpenReader
        | Verb::ReadOn { .. }
        | Verb::Follow
        | Verb::Fold
        | Verb::Look
        | Verb::Load { .. } => Vec::new(),
    }
}

/// Whether readers stop where it begins, until it is decided.
pub fn appends_several(change: &Change) -> bool {
    match change.verb {
        Verb::AppendAll { .. } | Verb::AppendAt { .. } => change.texts.len() > 1,
        Verb::AppendWithHeader { .. } => change.texts.len() > 1,
        Verb::Transact(members) => members.append > 0 && !members.dropped,
        Verb::Reconcile => true,
        _ => false,
    }
}

/// Whether a verb puts a new file in the journal's place.
pub fn is_rewrite(verb: Verb) -> bool {
    matches!(
        verb,
        Verb::Rewind { .. } | Verb::Rotate | Verb::Replace { .. } | Verb::Compact
    )
}

/// Whether a verb can change something.
pub fn is_change(verb: Verb) -> bool {
    !matches!(
        verb,
        Verb::Read
            | Verb::KeepEnd { .. }
            | Verb::ReadFrom { .. }
            | Verb::OpenReader
            | Verb::ReadOn { .. }
            | Verb::Follow
            | Verb::Fold
            | Verb::Load { .. }
            | Verb::Look
            | Verb::Snapshot
    )
}
