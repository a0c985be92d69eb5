//! Prints what a check found, and the sum at the end.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use serde::Serialize;
use untorn::Damage;

use super::inspect::Answer;
use crate::exit::Result;
use crate::input::{Input, Kind};
use crate::output::{Output, Style, count, harmless, size};

/// One damaged stretch, or one note, as `--json` prints it.
#[derive(Serialize)]
struct Finding<'a> {
    path: &'a Path,
    kind: &'static str,
    offset: u64,
    length: u64,
    /// From 1.
    line: Option<u64>,
    /// Whether the next append, or `repair`, repairs it.
    repairable: bool,
    /// `damage`, or `note`.
    severity: &'static str,
}

impl<'a> Finding<'a> {
    fn of(path: &'a Path, damage: Damage, kind: &'static str, severity: &'static str) -> Self {
        Finding {
            path,
            kind,
            offset: damage.offset,
            length: damage.length,
            line: damage.line,
            repairable: damage.repairable,
            severity,
        }
    }
}

#[derive(Serialize)]
struct Checked<'a> {
    path: &'a Path,
    records: u64,
    bytes: u64,
    damage: u64,
    unsealed: u64,
}

#[derive(Default)]
pub struct Sum {
    journals: u64,
    documents: u64,
    records: u64,
    bytes: u64,
    pub damaged: u64,
    pub failed: u64,
    kinds: BTreeMap<&'static str, u64>,
    /// Damage at the end of a file.
    tails: u64,
    notes: u64,
}

impl Sum {
    pub fn add(
        &mut self,
        input: &Input,
        found: &Answer,
        stat: bool,
        sealed: bool,
        out: &mut Output,
    ) -> Result<()> {
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
        for (damage, kind) in &found.damage {
            *self.kinds.entry(kind).or_default() += 1;
            self.tails += u64::from(damage.repairable);
            finding(path, *damage, kind, out)?;
        }
        for note in &found.notes {
            self.notes += 1;
            print_note(path, *note, out)?;
        }
        if found.unsealed > 0 && sealed && !out.json {
            let records = count(found.unsealed, "record");
            out.line(format!(
                "{}: {records} without a seal",
                harmless(&path.display().to_string())
            ))?;
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
            let records = count(found.records, "record");
            let damage = found.damage_count;
            out.line(format!(
                "{}: {records}, {}, {damage} damaged",
                path.display(),
                size(found.bytes)
            ))?;
        }
        Ok(())
    }

    pub fn print(&self, begun: Instant, out: &mut Output) -> Result<()> {
        let kinds: Vec<_> = self
            .kinds
            .iter()
            .map(|(kind, n)| format!("{n} {kind}"))
            .collect();
        let documents = match self.documents {
            0 => String::new(),
            n => format!(", {}", count(n, "document")),
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
            "checked {}{documents}, {}, {} in {:.1} s: {damaged}{failed}",
            count(self.journals, "journal"),
            count(self.records, "record"),
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
        if out.quiet {
            return Ok(());
        }
        let newlines = self.kinds.get("missing_newline").copied().unwrap_or(0);
        let middle = self.kinds.values().sum::<u64>() - self.tails;
        if self.tails > 0 {
            out.line(format!(
                "  at the end of a file: {}; {newlines} of them only lack a newline: untorn repair",
                self.tails
            ))?;
        }
        if middle > 0 {
            out.line(format!(
                "  before the end: {middle}: untorn show PATH:LINE, untorn repair --salvage"
            ))?;
        }
        if self.notes > 0 {
            out.line(format!(
                "  notes: {}, no damage, but other programs stumble over it",
                self.notes
            ))?;
        }
        Ok(())
    }
}

fn finding(path: &Path, damage: Damage, kind: &'static str, out: &mut Output) -> Result<()> {
    if out.json {
        return Ok(out.object(&Finding::of(path, damage, kind, "damage"))?);
    }
    let name = harmless(&path.display().to_string());
    let kind = out.styled(Style::Bad, &format!("{kind:<15}"));
    Ok(out.line(format!(
        "{name}:{}: {kind} {} at offset {}",
        damage.line.unwrap_or(0),
        size(damage.length),
        damage.offset
    ))?)
}

fn print_note(path: &Path, note: Damage, out: &mut Output) -> Result<()> {
    let kind = note.kind.as_str();
    if out.json {
        return Ok(out.object(&Finding::of(path, note, kind, "note"))?);
    }
    let name = harmless(&path.display().to_string());
    let kind = out.styled(Style::Faint, &format!("{kind:<15}"));
    Ok(out.line(format!(
        "{name}:{}: {kind} note, at offset {}",
        note.line.unwrap_or(0),
        note.offset
    ))?)
}
