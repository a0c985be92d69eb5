//! What the judge lets a power cut leave.

use super::oracle::Oracle;
use super::step::Setting;
use super::world::{Journal, World};

impl Oracle {
    /// The machine lost its power: all that was not synced may be old or new.
    pub fn power_cut(&mut self) {
        for (id, change) in std::mem::take(&mut self.running) {
            self.limbo.insert(id, (change, false));
        }
        for (id, before) in std::mem::take(&mut self.rewriting) {
            if self.limbo.get(&id).is_some_and(|(_, settled)| *settled) {
                continue;
            }
            // It may have been seen, and yet its names were not synced.
            for world in self.worlds.clone() {
                for old in &before {
                    let mut applied = world.applied.clone();
                    applied.remove(&id);
                    self.worlds.push(World {
                        journal: old.journal.clone(),
                        unsynced: old.unsynced.clone(),
                        archives: old.archives.clone(),
                        applied,
                        ..world.clone()
                    });
                }
            }
        }
        let mut after = Vec::new();
        for world in &self.worlds {
            for journal in left_of(world, self.setting) {
                let left = World {
                    journal,
                    unsynced: Vec::new(),
                    ..world.clone()
                };
                if !after.contains(&left) {
                    after.push(left);
                }
            }
        }
        self.worlds = after;
    }
}

/// What a power cut can leave of a journal.
fn left_of(world: &World, setting: Setting) -> Vec<Option<Journal>> {
    let versions: Vec<_> = world.unsynced.iter().chain([&world.journal]).collect();
    let mut left: Vec<Option<Journal>> = versions.iter().map(|v| (*v).clone()).collect();
    for pair in versions.windows(2) {
        let Some(after) = pair[1] else { continue };
        let none = Vec::new();
        let before = pair[0].as_ref().map_or(&none, |journal| &journal.lines);
        if setting.sealed || !after.lines.starts_with(before) {
            continue;
        }
        // A part of an append of many.
        for stop in before.len() + 1..after.lines.len() {
            left.push(Some(Journal {
                lines: after.lines[..stop].to_vec(),
                ..after.clone()
            }));
        }
    }
    if !setting.power {
        // Each header with each end.
        let headers: Vec<_> = left.iter().flatten().map(|j| j.header.clone()).collect();
        let all: Vec<_> = left.iter().flatten().cloned().collect();
        for journal in all {
            left.extend(headers.iter().map(|header| {
                Some(Journal {
                    header: header.clone(),
                    ..journal.clone()
                })
            }));
        }
    }
    left
}
