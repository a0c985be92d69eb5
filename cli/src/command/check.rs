//! `untorn check`: finds damage.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::{Instant, SystemTime};

use serde::Serialize;
use untorn::{Damage, DamageKind};

use crate::args::{Check, Handle};
use crate::exit::{FAILED, FOUND, Failure, Result};
use crate::input::{Input, Kind, Take, files};
use crate::output::{Output, Style, harmless, size, thousands};

/// One damaged stretch, as `--json` prints it.
#[derive(Serialize)]
pub struct Finding<'a> {
    pub path: &'a Path,
    pub kind: &'static str,
    pub offset: u64,
    pub length: u64,
    /// From 1.
    pub line: u64,
    /// Whether the next append, or `repair`, repairs it.
    pub repairable: bool,
}

#[derive(Serialize)]
struct Checked<'a> {
    path: &'a Path,
    records: u64,
    bytes: u64,
    damage: u64,
    unsealed: u64,
}

/// The result for one file.
#[derive(Default)]
pub struct Found {
    pub records: u64,
    pub bytes: u64,
    pub unsealed: u64,
    /// The first damaged stretches, each with its line.
    pub damage: Vec<(Damage, &'static str, u64)>,
    pub damage_count: u64,
}

pub fn run(check: &Check, handle: &Handle, out: &mut Output) -> Result {
    let since = check.since.map(|span| SystemTime::now() - span);
    let inputs = files(&check.paths, Take::All, since)?;
    let begun = Instant::now();
    let mut sum = Sum::default();
    let most = check
        .jobs
        .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
    let stop = AtomicBool::new(false);
    each_at_once(
        &inputs,
        most.max(1),
        &stop,
        |input| inspect(input, handle),
        |at, found| {
            let input = &inputs[at];
            sum.add(input, &found, check.stat, out)?;
            if check.fail_fast && sum.damaged + sum.failed > 0 {
                stop.store(true, Ordering::Relaxed);
            }
            out.progress(at as u64 + 1, inputs.len() as u64, "files");
            Ok(())
        },
    )?;
    sum.print(begun, out)?;
    Ok(if sum.failed > 0 {
        FAILED
    } else if sum.damaged > 0 {
        FOUND
    } else {
        0
    })
}

type Answer = std::result::Result<Found, Failure>;

/// Does `work` for each input on several threads, and returns the results in the
/// order of the inputs.
fn each_at_once(
    inputs: &[Input],
    most: usize,
    stop: &AtomicBool,
    work: impl Fn(&Input) -> Answer + Sync,
    mut take: impl FnMut(usize, Answer) -> Result<()>,
) -> Result<()> {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        // Bounded: results that wait for an earlier one take memory.
        let (send, receive) = mpsc::sync_channel(4 * most);
        for _ in 0..most.min(inputs.len()) {
            let (send, next, work) = (send.clone(), &next, &work);
            scope.spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(input) = inputs.get(at) else { return };
                    if send.send((at, work(input))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(send);
        let mut waiting = BTreeMap::new();
        let mut due = 0;
        let result = receive.iter().try_for_each(|(at, answer)| {
            waiting.insert(at, answer);
            while let Some(answer) = waiting.remove(&due) {
                take(due, answer)?;
                due += 1;
            }
            Ok(())
        });
        stop.store(true, Ordering::Relaxed);
        result
    })
}

/// Checks one file of any kind.
pub fn inspect(input: &Input, handle: &Handle) -> Answer {
    match input.kind {
        Kind::Journal => journal(&input.path, handle),
        Kind::Document => document(&input.path),
        Kind::Transaction => Ok(Found {
            damage: vec![(whole(DamageKind::TornTail, 0), "pending_transaction", 0)],
            damage_count: 1,
            ..Found::default()
        }),
    }
}

pub fn journal(path: &Path, handle: &Handle) -> Answer {
    let report = handle.journal(path, false, false)?.verify()?;
    let mut found = Found {
        records: report.records,
        bytes: report.bytes,
        unsealed: report.unsealed,
        damage: Vec::new(),
        damage_count: report.damage_count,
    };
    if report.damage.is_empty() {
        return Ok(found);
    }
    let mut lines = Lines::open(path)?;
    for damage in report.damage {
        let line = lines.line_of(damage.offset)?;
        found.damage.push((damage, kind_of(path, damage)?, line));
    }
    Ok(found)
}

/// Returns the kind of a torn tail, which `verify` does not distinguish.
pub fn kind_of(path: &Path, damage: Damage) -> Result<&'static str> {
    use std::io::{Seek, SeekFrom};

    if damage.kind != DamageKind::TornTail || damage.length > 64 << 20 {
        return Ok(damage.kind.as_str());
    }
    let failed = |error| Failure::of(path.display(), error);
    let mut tail = Vec::new();
    let mut file = File::open(path).map_err(failed)?;
    file.seek(SeekFrom::Start(damage.offset)).map_err(failed)?;
    file.take(damage.length)
        .read_to_end(&mut tail)
        .map_err(failed)?;
    let text = tail.trim_ascii_end();
    if tail.iter().all(|byte| *byte == 0) {
        return Ok("nul_run");
    }
    let closed = matches!(text.first(), Some(b'{' | b'[' | b'"'));
    if closed && untorn::inspect(text).is_none() {
        return Ok("missing_newline");
    }
    Ok(damage.kind.as_str())
}

fn document(path: &Path) -> Answer {
    let failed = |error| Failure::of(path.display(), error);
    let bytes = std::fs::read(path).map_err(failed)?;
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    let mut found = Found {
        bytes: bytes.len() as u64,
        ..Found::default()
    };
    let kind = if text.trim_ascii().is_empty() {
        Some("empty")
    } else {
        untorn::inspect(text).map(DamageKind::as_str)
    };
    if let Some(kind) = kind {
        found
            .damage
            .push((whole(DamageKind::NotJson, found.bytes), kind, 1));
        found.damage_count = 1;
    }
    Ok(found)
}

fn whole(kind: DamageKind, length: u64) -> Damage {
    Damage {
        kind,
        offset: 0,
        length,
    }
}

/// Counts the lines of a file, in one pass.
pub struct Lines<'a> {
    path: &'a Path,
    file: BufReader<File>,
    offset: u64,
    line: u64,
}

impl<'a> Lines<'a> {
    pub fn open(path: &'a Path) -> Result<Lines<'a>> {
        let file = File::open(path).map_err(|error| Failure::of(path.display(), error))?;
        Ok(Lines {
            path,
            file: BufReader::with_capacity(256 * 1024, file),
            offset: 0,
            line: 1,
        })
    }

    /// Returns the number of the line with this offset, from 1. Offsets must only
    /// grow.
    pub fn line_of(&mut self, offset: u64) -> Result<u64> {
        let mut left = offset.saturating_sub(self.offset);
        let mut buffer = [0; 64 * 1024];
        while left > 0 {
            let most = usize::try_from(left).map_or(buffer.len(), |left| left.min(buffer.len()));
            let n = self
                .file
                .read(&mut buffer[..most])
                .map_err(|error| Failure::of(self.path.display(), error))?;
            if n == 0 {
                break;
            }
            self.line += buffer[..n].iter().filter(|byte| **byte == b'\n').count() as u64;
            left -= n as u64;
        }
        self.offset = offset;
        Ok(self.line)
    }
}

#[derive(Default)]
struct Sum {
    journals: u64,
    documents: u64,
    records: u64,
    bytes: u64,
    damaged: u64,
    failed: u64,
    kinds: BTreeMap<&'static str, u64>,
}

/// Whether `repair` repairs the damage without losing a whole record.
pub fn is_repairable(damage: Damage, kind: &str) -> bool {
    damage.kind == DamageKind::TornTail && kind != "pending_transaction"
}

impl Sum {
    fn add(&mut self, input: &Input, found: &Answer, stat: bool, out: &mut Output) -> Result<()> {
        let path = &input.path;
        let found = match found {
            Ok(found) => found,
            Err(failure) => {
                self.failed += 1;
                out.complain(&failure.message);
                return Ok(());
            }
        };
        match input.kind {
            Kind::Journal => self.journals += 1,
            Kind::Document => self.documents += 1,
            Kind::Transaction => {}
        }
        self.records += found.records;
        self.bytes += found.bytes;
        self.damaged += u64::from(found.damage_count > 0);
        for (damage, kind, line) in &found.damage {
            *self.kinds.entry(kind).or_default() += 1;
            if out.json {
                out.object(&Finding {
                    path,
                    kind,
                    offset: damage.offset,
                    length: damage.length,
                    line: *line,
                    repairable: is_repairable(*damage, kind),
                })?;
            } else {
                let name = harmless(&path.display().to_string());
                let kind = out.styled(Style::Bad, &format!("{kind:<15}"));
                out.line(format!(
                    "{name}:{line}: {kind} {} at offset {}",
                    size(damage.length),
                    damage.offset
                ))?;
            }
        }
        if stat && out.json {
            out.object(&Checked {
                path,
                records: found.records,
                bytes: found.bytes,
                damage: found.damage_count,
                unsealed: found.unsealed,
            })?;
        } else if stat {
            let records = thousands(found.records);
            let damage = found.damage_count;
            out.line(format!(
                "{}: {records} records, {}, {damage} damaged",
                path.display(),
                size(found.bytes)
            ))?;
        }
        Ok(())
    }

    fn print(&self, begun: Instant, out: &mut Output) -> Result<()> {
        let kinds: Vec<_> = self
            .kinds
            .iter()
            .map(|(kind, n)| format!("{n} {kind}"))
            .collect();
        let documents = match self.documents {
            0 => String::new(),
            n => format!(", {} documents", thousands(n)),
        };
        let damaged = match self.damaged {
            0 => out.styled(Style::Good, "no damage"),
            n => out.styled(Style::Bad, &format!("{n} damaged ({})", kinds.join(", "))),
        };
        let failed = match self.failed {
            0 => String::new(),
            n => format!("; {n} could not be read"),
        };
        let text = format!(
            "checked {} journals{documents}, {} records, {} in {:.1} s: {damaged}{failed}",
            thousands(self.journals),
            thousands(self.records),
            size(self.bytes),
            begun.elapsed().as_secs_f64(),
        );
        if out.json {
            out.remark(&text);
            return Ok(());
        }
        if !out.quiet {
            out.line(text)?;
        }
        let count = |kind| self.kinds.get(kind).copied().unwrap_or(0);
        let newlines = count("missing_newline");
        let tails = count("torn_tail") + newlines;
        if tails > 0 && !out.quiet {
            out.line(format!(
                "  {tails} tails are repaired by the next append, or by untorn repair; {newlines} of them only lack a newline"
            ))?;
        }
        Ok(())
    }
}
