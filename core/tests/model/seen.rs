//! The judge's conclusions from what a process saw.

use std::collections::BTreeSet;

use super::message::Seen;
use super::oracle::{Oracle, Verdict};
use super::world::{Id, World};

impl Oracle {
    /// A process saw this. An undecided and unseen change may still come. All that was
    /// seen stays.
    pub fn saw(&mut self, what: &str, fits: impl Fn(&World) -> bool) -> Verdict {
        if let Some(passed) = &self.passed
            && passed.iter().any(&fits)
        {
            return Ok(());
        }
        let open = self.undecided();
        let fitting: Vec<World> = self.worlds.iter().filter(|w| fits(w)).cloned().collect();
        let mut before = self.before.iter().filter(|(id, _)| open.contains(id));
        if fitting.is_empty() && before.any(|(_, worlds)| worlds.iter().any(&fits)) {
            return Ok(());
        }
        let split = |world: &World| -> (BTreeSet<Id>, BTreeSet<Id>) {
            world.applied.iter().partition(|id| open.contains(id))
        };
        self.retain(what, |world| {
            let (more, rest) = split(world);
            fitting.iter().any(|seen| {
                let (less, same) = split(seen);
                seen == world || same == rest && less != more && less.is_subset(&more)
            })
        })
    }

    /// What a reader was given that began and ended within this step.
    pub fn saw_all(&mut self, what: &str, seen: &Seen) -> Verdict {
        self.check_lines(what, seen)?;
        if let (Some(lines), true) = (&seen.lines, seen.finished) {
            let rotates = self.setting.max_bytes > 0;
            self.saw(&format!("{what}: records {lines:?}"), |w| match rotates {
                // Those before are in rotated files.
                true => w.lines().ends_with(lines),
                false => w.lines() == lines,
            })?;
        }
        if let Some(header) = &seen.header {
            self.saw(&format!("{what}: header {header:?}"), |w| {
                w.header() == header.as_ref()
            })?;
        }
        for (doc, value) in &seen.docs {
            self.saw(&format!("{what}: document {doc} is {value:?}"), |world| {
                world.docs.get(doc) == value.as_ref()
            })?;
        }
        Ok(())
    }

    /// No records without a writer, and no damage in a sound file.
    pub fn check_lines(&self, what: &str, seen: &Seen) -> Verdict {
        for line in seen.lines.iter().flatten() {
            if !self.written.contains(line) {
                return Err(format!("{what}: a record that nobody wrote: {line:?}"));
            }
        }
        let in_flight = !self.is_decided()
            || self.worlds.iter().any(|world| {
                world
                    .journal
                    .as_ref()
                    .is_some_and(|journal| !journal.tail.is_empty())
            });
        let bad = seen
            .damage
            .iter()
            .find(|damage| !(self.damaged || in_flight && damage.starts_with("TornTail")));
        match bad {
            Some(damage) => Err(format!(
                "{what}: damage in a sound journal: {damage}\n{}",
                self.tell()
            )),
            None => Ok(()),
        }
    }
}
