//! Those who read: what they were given fits what may be there, also where they
//! began before it was changed.

use super::message::{Answer, Seen};
use super::oracle::Verdict;
use super::runner::Runner;
use super::step::Verb;
use super::world::Id;

/// What one process reads over several steps.
#[derive(Default)]
pub struct Readers {
    pub open: Option<Open>,
    pub follow: Option<Following>,
}

impl Readers {
    /// What is read from now on may be of another file: no half a record still.
    pub fn lose(&mut self) {
        if let Some(open) = &mut self.open {
            open.lineage = None;
        }
    }
}

/// A reader that stays open.
pub struct Open {
    /// Which file it reads, if that is known.
    lineage: Option<Option<Id>>,
    lines: Vec<String>,
    finished: bool,
}

/// What one who follows was given.
pub struct Following {
    lines: Vec<(String, untorn::Position)>,
}

pub fn judge(runner: &mut Runner, who: u8, verb: Verb, answer: &Answer, blocked: bool) -> Verdict {
    let what = format!("process {who}: {verb:?}");
    if let Some((code, text)) = &answer.error {
        let excused = answer.mishap || blocked;
        return refused(runner, who, verb, (code, text), excused);
    }
    let seen = &answer.seen;
    match verb {
        Verb::OpenReader => {
            let open = Open {
                lineage: lineage(runner),
                lines: Vec::new(),
                finished: false,
            };
            runner.readers.entry(who).or_default().open = Some(open);
            Ok(())
        }
        Verb::ReadOn { .. } => read_on(runner, who, &what, seen),
        Verb::Follow => follow(runner, who, &what, seen),
        Verb::KeepEnd { slot } => {
            if let (Some(at), Some(place)) = (answer.at, runner.oracle.place()) {
                runner.slots.insert(slot, (at, place));
            } else {
                runner.slots.remove(&slot);
            }
            Ok(())
        }
        Verb::ReadFrom { .. } => read_from(runner, who, &what, seen),
        Verb::Look if seen.word.is_some() => {
            Err(format!("{what}: ways to read that differ: {:?}", seen.word))
        }
        _ => runner.oracle.saw_all(&what, seen),
    }
}

fn refused(
    runner: &mut Runner,
    who: u8,
    verb: Verb,
    (code, text): (&str, &str),
    excused: bool,
) -> Verdict {
    let hurt = runner.hurt.contains(&who);
    let told = format!("process {who}: {verb:?} said {code} {text}");
    if matches!(code, "PANIC" | "INTERNAL") {
        return Err(told);
    }
    match verb {
        Verb::ReadFrom { .. } if code == "CONFLICT" => {
            let Some(place) = runner.from.get(&who).cloned() else {
                // A foreign program has changed the journal meanwhile.
                return Ok(());
            };
            runner
                .oracle
                .saw(&told, |world| match (&place, &world.journal) {
                    (Some(place), Some(journal)) => {
                        place.lineage != journal.lineage || !journal.lines.starts_with(&place.lines)
                    }
                    (None, None) => false,
                    _ => true,
                })
        }
        // It can't go on in a file that is not the one that it began with.
        Verb::ReadOn { .. } if code == "CONFLICT" && runner.oracle.rewritten => Ok(()),
        Verb::Fold if code == "LOCK_UNSUPPORTED" && runner.oracle.linked => Ok(()),
        // Its turn has the lock of the journal, as all that changes it. To read or to
        // follow takes none, and goes on.
        Verb::Fold if code == "POISONED" && hurt => Ok(()),
        _ if excused => Ok(()),
        _ => Err(told),
    }
}

/// Which file has the name, if there is but one answer.
fn lineage(runner: &Runner) -> Option<Option<Id>> {
    let mut all = runner
        .oracle
        .worlds
        .iter()
        .map(|world| Some(world.journal.as_ref()?.lineage));
    let first = all.next()?;
    all.all(|other| other == first).then_some(first)
}

fn read_on(runner: &mut Runner, who: u8, what: &str, seen: &Seen) -> Verdict {
    runner.oracle.check_lines(what, seen)?;
    let now = lineage(runner);
    let Some(open) = &mut runner.readers.entry(who).or_default().open else {
        return Ok(());
    };
    open.lines.extend(seen.lines.iter().flatten().cloned());
    let known = open.lineage.is_some() && now == open.lineage && open.lineage != Some(None);
    if !known || open.finished {
        // It reads a file that has another name by now.
        return Ok(());
    }
    open.finished = seen.finished;
    let (lines, finished) = (open.lines.clone(), seen.finished);
    runner.oracle.saw(
        &format!("{what}: so far {lines:?}, all: {finished}"),
        |world| match finished {
            true => world.lines() == lines,
            false => world.lines().starts_with(&lines),
        },
    )
}

fn read_from(runner: &mut Runner, who: u8, what: &str, seen: &Seen) -> Verdict {
    runner.oracle.check_lines(what, seen)?;
    let Some(Some(place)) = runner.from.get(&who).cloned() else {
        return Ok(());
    };
    let behind = seen.lines.clone().unwrap_or_default();
    let all: Vec<String> = place.lines.iter().chain(&behind).cloned().collect();
    runner
        .oracle
        .saw(&format!("{what}: behind {place:?}: {behind:?}"), |world| {
            world
                .journal
                .as_ref()
                .is_some_and(|journal| journal.lineage == place.lineage && journal.lines == all)
        })
}

fn follow(runner: &mut Runner, who: u8, what: &str, seen: &Seen) -> Verdict {
    runner.oracle.check_lines(what, seen)?;
    let following = runner
        .readers
        .entry(who)
        .or_default()
        .follow
        .get_or_insert_with(|| Following { lines: Vec::new() });
    let mut rewound = seen.rewound.iter().peekable();
    let lines = seen.lines.iter().flatten().zip(&seen.ends);
    for (place, (line, end)) in lines.enumerate() {
        while let Some((_, to)) = rewound.next_if(|(at, _)| *at <= place) {
            following.take_back(*to);
        }
        following.lines.push((line.clone(), *end));
    }
    for (_, to) in rewound {
        following.take_back(*to);
    }
    let all: Vec<String> = following
        .lines
        .iter()
        .map(|(line, _)| line.clone())
        .collect();
    let rotates = runner.setting.max_bytes > 0;
    runner
        .oracle
        .saw(&format!("{what}: all so far {all:?}"), |world| {
            match rotates {
                // It began with the file that was there when it first looked.
                true => world.lines().ends_with(&all),
                // Those of rotated files come before those of this one.
                false => all.ends_with(world.lines()),
            }
        })
}

impl Following {
    fn take_back(&mut self, to: untorn::Position) {
        let Some(file) = self.lines.last().map(|(_, end)| end.generation) else {
            return;
        };
        while let Some((_, end)) = self.lines.last()
            && end.generation == file
            && end.offset > to.offset
        {
            self.lines.pop();
        }
    }
}
