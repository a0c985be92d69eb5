//! What programs do that know nothing of the library; and what may be in the
//! directory when all is over.

use std::fs;
use std::io::Write;
use std::os::fd::AsRawFd;
use std::path::PathBuf;

use super::act::{DOCS, JOURNAL, PREFIX};
use super::oracle::Verdict;
use super::runner::Runner;
use super::step::{Foreign, Locks, Verb};
use super::world::{Change, Id, Journal, World, appends_several, is_rewrite};

/// Another name of the journal.
const SECOND: &str = "second";

pub fn act(runner: &mut Runner, what: Foreign) -> Verdict {
    let path = runner.dir.join(JOURNAL);
    let quiet = runner.oracle.is_decided();
    match what {
        Foreign::Append { .. } | Foreign::AppendPart => return append(runner, what),
        Foreign::UnlinkLock { of } => {
            // What is pending there is lost with it: only while nothing of a dead
            // process is.
            if runner.oracle.limbo.is_empty() {
                let running: Vec<Id> = runner.oracle.running.keys().copied().collect();
                runner.oracle.disturbed.extend(running);
                let name = match of {
                    0 => JOURNAL,
                    of => DOCS[usize::from(of - 1) % DOCS.len()],
                };
                let _ = fs::remove_file(runner.dir.join(format!("{name}.lock")));
            }
        }
        // What it does to a change in flight is not promised.
        _ if !quiet || !path.exists() => return Ok(()),
        Foreign::Truncate => {
            fs::OpenOptions::new()
                .write(true)
                .truncate(true)
                .open(&path)
                .expect("cut it");
            changed(runner, |journal, _| {
                if let Some(journal) = journal {
                    journal.lines.clear();
                    journal.header = None;
                    journal.tail.clear();
                }
            });
        }
        Foreign::Replace => {
            let line = runner.texts.record(3);
            let temporary = runner.dir.join("foreign");
            fs::write(&temporary, format!("{line}\n")).expect("write");
            fs::rename(&temporary, &path).expect("rename");
            runner.oracle.written.insert(line.clone());
            changed(runner, move |journal, id| {
                *journal = Some(Journal {
                    lines: vec![line.clone()],
                    header: None,
                    tail: String::new(),
                    lineage: id,
                });
            });
        }
        Foreign::Delete => {
            fs::remove_file(&path).expect("remove");
            changed(runner, |journal, _| *journal = None);
        }
        Foreign::Link => {
            let second = runner.dir.join(SECOND);
            if !second.exists() {
                fs::hard_link(&path, second).expect("a second name");
                runner.oracle.linked = true;
                // A file that loses one of two names is a renamed file. That is seen in
                // the next tick.
                runner.tick += 1;
            }
        }
    }
    runner.tell(&format!("foreign: {what:?}"));
    if let Some(disk) = &mut runner.disk {
        disk.foreign(&path);
    }
    Ok(())
}

/// The program that made the second name removes it.
pub fn unlink_second(runner: &mut Runner) {
    let second = runner.dir.join(SECOND);
    if fs::remove_file(&second).is_ok()
        && let Some(disk) = &mut runner.disk
    {
        // A power cut is not to bring it back: the judge would not know.
        disk.foreign(&second);
    }
    runner.oracle.linked = false;
}

/// The journal is another, for those who have it open too.
fn changed(runner: &mut Runner, change: impl Fn(&mut Option<Journal>, Id)) {
    let id = runner.next_id();
    runner.forget_places();
    runner.kept.clear();
    runner.oracle.rewritten = true;
    for readers in runner.readers.values_mut() {
        readers.lose();
    }
    runner.oracle.change_all(|world| {
        change(&mut world.journal, id);
        world.unsynced.clear();
    });
}

fn append(runner: &mut Runner, what: Foreign) -> Verdict {
    let path = runner.dir.join(JOURNAL);
    let before = fs::read(&path).unwrap_or_default();
    if !runner.oracle.running.is_empty() && !before.ends_with(b"\n") && !before.is_empty() {
        // A write in flight that others write into is not promised anything.
        return Ok(());
    }
    if before.is_empty() && runner.oracle.running.values().any(is_stamp) {
        // A first header is the first line only if nobody without the lock is faster.
        return Ok(());
    }
    let torn = runner
        .oracle
        .limbo
        .values()
        .any(|(change, settled)| !settled && (is_rewrite(change.verb) || is_stamp(change)));
    if runner.setting.locks == Locks::InPlace && torn {
        // What a dead rewrite in place has left stays as it is, with the foreign bytes.
        return Ok(());
    }
    if what == Foreign::AppendPart && !runner.oracle.running.is_empty() {
        // Nor one that begins behind half a line of theirs.
        return Ok(());
    }
    if what == Foreign::AppendPart && !before.is_empty() && !before.contains(&b'\n') {
        // Two halves of a line and nothing else look like no journal at all.
        return Ok(());
    }
    let lock = match what {
        Foreign::Append { locked: true } => match locked(runner) {
            Some(lock) => Some(lock),
            None => return Ok(()),
        },
        _ => None,
    };
    let line = runner.texts.record(7);
    let text = match what {
        Foreign::AppendPart => line[..line.len() / 2].to_owned(),
        _ => format!("{line}\n"),
    };
    let mut file = fs::OpenOptions::new()
        .append(true)
        .create(true)
        .open(&path)
        .expect("open");
    file.write_all(text.as_bytes()).expect("write");
    drop((file, lock));
    runner.tell(&format!("foreign: {what:?} {text:?}"));
    if let Some(disk) = &mut runner.disk {
        disk.foreign(&path);
    }
    let raw = fs::read(&path).expect("read");
    // Bytes behind a torn header are a part of it, and the next header takes its place.
    let header = raw.split(|byte| *byte == b'\n').next().unwrap_or_default();
    if !(header.starts_with(PREFIX.as_bytes()) && header.ends_with(text.trim_end().as_bytes())) {
        runner.kept.push(text.trim_end().to_owned());
    }
    let id = runner.next_id();
    took_in(runner, id, &text, &raw);
    Ok(())
}

fn is_stamp(change: &Change) -> bool {
    matches!(
        change.verb,
        Verb::SetHeader { .. } | Verb::AppendWithHeader { .. }
    )
}

/// The exclusive lock, if it is free.
fn locked(runner: &Runner) -> Option<fs::File> {
    let path: PathBuf = runner.dir.join(match runner.setting.locks {
        Locks::InPlace => JOURNAL.to_owned(),
        _ => format!("{JOURNAL}.lock"),
    });
    let file = fs::OpenOptions::new()
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .open(path)
        .ok()?;
    // SAFETY: a descriptor that is open.
    let done = unsafe { libc::flock(file.as_raw_fd(), libc::LOCK_EX | libc::LOCK_NB) };
    (done == 0).then_some(file)
}

/// All that the journal may hold now. If something was not decided, its bytes may be
/// before these: then the content of the file counts, as it is.
fn took_in(runner: &mut Runner, id: Id, text: &str, raw: &[u8]) {
    let oracle = &mut runner.oracle;
    oracle.disturbed.extend(oracle.running.keys());
    oracle.hide_behind_undecided();
    let add = |world: &mut World| {
        let journal = world.journal.get_or_insert_with(|| Journal {
            lines: Vec::new(),
            header: None,
            tail: String::new(),
            lineage: id,
        });
        journal.tail += text;
        if let Some(line) = journal.tail.strip_suffix('\n') {
            journal.lines.push(line.to_owned());
            journal.tail.clear();
        }
        world.unsynced.clear();
    };
    let mut worlds = oracle.worlds.clone();
    worlds.iter_mut().for_each(add);
    if !oracle.is_decided() {
        let (header, lines, tail) = parse(raw);
        let asked = oracle
            .running
            .values()
            .chain(oracle.limbo.values().map(|(change, _)| change));
        let stamps: Vec<Id> = asked
            .clone()
            .filter(|change| is_stamp(change))
            .map(|change| change.id)
            .collect();
        // The lines tell nothing of a change that writes none, like a compaction.
        let (there, parts): (Vec<&Change>, Vec<&Change>) = asked
            .filter(|change| !change.texts.is_empty())
            .partition(|change| change.texts.iter().all(|text| lines.contains(text)));
        let mut left = vec![lines.clone()];
        if parts.iter().any(|part| appends_several(part)) {
            let whole_lines = taken_back(&lines, &parts);
            left.extend([from_sector(&whole_lines, text, raw), whole_lines]);
        }
        let all = &lines;
        for world in &oracle.worlds {
            for lines in &left {
                let mut world = world.clone();
                let journal = world.journal.take();
                // A stamp that is not finished in the file will be.
                let stamped = stamps.iter().any(|id| world.applied.contains(id));
                let header = match &journal {
                    Some(journal) if stamped => journal.header.clone(),
                    _ => header.clone(),
                };
                world.journal = Some(Journal {
                    lines: lines.clone(),
                    header,
                    tail: tail.clone(),
                    lineage: journal.map_or(id, |journal| journal.lineage),
                });
                // Who finishes a transaction appends its records behind these bytes.
                for late in &parts {
                    if !world.applied.contains(&late.id) {
                        continue;
                    }
                    let records = late.of_transaction();
                    let whole = records.iter().all(|record| all.contains(record));
                    if !whole && !records.iter().any(|record| lines.contains(record)) {
                        world.append(late.id, records);
                    }
                }
                world.unsynced.clear();
                world.applied.extend(there.iter().map(|change| change.id));
                worlds.push(world);
            }
        }
    }
    for world in &worlds {
        oracle.written.extend(world.lines().iter().cloned());
    }
    oracle.worlds = worlds;
    oracle.change_all(|_| {});
}

/// The lines without a part of an append, which is taken back up to a line's end. What
/// was behind it stays, glued to what other programs append.
fn taken_back(lines: &[String], parts: &[&Change]) -> Vec<String> {
    let stays = |line: &&String| !parts.iter().any(|part| part.texts.contains(line));
    lines.iter().filter(stays).cloned().collect()
}

/// The same, up to a sector's end within the last line, in front of this text: only so
/// far is the part known.
fn from_sector(lines: &[String], text: &str, raw: &[u8]) -> Vec<String> {
    const SECTOR: usize = 512;
    let sector = (raw.len() - text.len()) / SECTOR * SECTOR;
    let rest = String::from_utf8_lossy(&raw[sector..]);
    let mut lines = lines.to_vec();
    if let Some(last) = lines.last_mut()
        && let Some(line) = rest.strip_suffix('\n')
        && last.ends_with(line)
    {
        *last = line.to_owned();
    }
    lines
}

/// Header, lines and the rest of a journal, by framing alone.
fn parse(raw: &[u8]) -> (Option<String>, Vec<String>, String) {
    let text = String::from_utf8_lossy(raw);
    let (whole, tail) = text.rsplit_once('\n').unwrap_or(("", &text));
    let mut header = None;
    let mut lines = Vec::new();
    for (place, line) in whole.split('\n').enumerate() {
        let line = unsealed(line).to_owned();
        if place == 0 && line.starts_with(PREFIX) {
            header = Some(line.trim_end().to_owned());
        } else if !line.trim().is_empty() {
            lines.push(line);
        }
    }
    (header, lines, tail.to_owned())
}

/// Without the checksum, if there is one: a TAB, 32 bits and a flag.
fn unsealed(line: &str) -> &str {
    const SEAL: usize = 34;
    match line
        .len()
        .checked_sub(SEAL)
        .and_then(|at| line.split_at_checked(at))
    {
        Some((text, seal))
            if seal.starts_with('\t') && seal.bytes().all(|byte| b" \t".contains(&byte)) =>
        {
            text
        }
        _ => line,
    }
}

/// The records of the journal, as they are in the file.
pub fn lines(runner: &Runner) -> Vec<String> {
    parse(&fs::read(runner.dir.join(JOURNAL)).unwrap_or_default()).1
}

/// The records of each rotated file, in order of their numbers.
pub fn archives(runner: &Runner) -> Vec<Vec<String>> {
    let entries = fs::read_dir(&runner.dir).expect("list");
    let mut found: Vec<(u32, Vec<String>)> = entries
        .filter_map(|entry| {
            let path = entry.expect("an entry").path();
            let name = path.file_name()?.to_str()?;
            let number = name.strip_prefix("j_")?.strip_suffix(".jsonl")?;
            let lines = parse(&fs::read(&path).expect("a file")).1;
            Some((number.parse().ok()?, lines))
        })
        .collect();
    found.sort_unstable();
    found.into_iter().map(|(_, lines)| lines).collect()
}

/// What others wrote is in the journal, in a rotated file or among what was cut.
pub fn all_kept(runner: &Runner) -> Verdict {
    let entries = fs::read_dir(&runner.dir).expect("list");
    let all: Vec<String> = entries
        .map(|entry| {
            let bytes = fs::read(entry.expect("an entry").path()).expect("a file");
            String::from_utf8_lossy(&bytes).into_owned()
        })
        .collect();
    let lost = runner
        .kept
        .iter()
        .find(|text| !all.iter().any(|file| file.contains(*text)));
    lost.map_or(Ok(()), |text| {
        Err(format!("what a foreign program wrote is gone: {text:?}"))
    })
}

/// Nothing useless stays.
pub fn nothing_left(runner: &Runner) -> Verdict {
    for entry in fs::read_dir(&runner.dir).expect("list") {
        let entry = entry.expect("an entry");
        let name = entry.file_name().into_string().expect("UTF-8");
        let known = name == JOURNAL
            || DOCS.contains(&&name[..])
            || name.ends_with(".lock")
            || name.ends_with(".torn")
            || name.ends_with(".guard") && runner.setting.locks == Locks::PidFile
            || name.contains(".redo") && runner.setting.locks == Locks::InPlace
            || name.ends_with(".rotated")
            || name.starts_with("j_")
            || name == ".untorn.lease";
        if !known {
            return Err(format!("left behind: {name}"));
        }
        if name.ends_with(".lock") && entry.metadata().expect("a file").len() > 4096 {
            return Err(format!("it grows: {name}"));
        }
    }
    Ok(())
}
