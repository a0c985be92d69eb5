//! `untorn repair`: repairs a torn tail now, as the next append would; with `--salvage`
//! also damage before it.

use std::fs;
use std::path::Path;

use serde::Serialize;
use untorn::{Repair as Tail, Salvage, SalvagedLine};

use super::check;
use crate::args::{Handle, Repair};
use crate::exit::{FAILED, FOUND, Failure, Result};
use crate::input::{Kind, Take, files};
use crate::output::{Output, count, harmless, size};

#[derive(Serialize)]
struct Step<'a> {
    path: &'a Path,
    line: Option<u64>,
    kind: &'static str,
    offset: u64,
    length: u64,
    /// `cut`, `add_newline`, `split`, `drop_nuls`, `set_aside`, or `none`: it stays.
    action: &'static str,
    /// How many whole records of a damaged line become lines.
    records: u64,
    /// How many bytes go to `P.torn`.
    kept: u64,
    done: bool,
}

#[derive(Default)]
struct Sum {
    files: u64,
    cut: u64,
    kept: u64,
    newlines: u64,
    lines: u64,
    records: u64,
    left: u64,
    failed: u64,
}

pub fn run(repair: &Repair, handle: &Handle, out: &mut Output) -> Result {
    let inputs = files(&repair.paths, Take::Journals, None, out)?;
    let mut sum = Sum::default();
    for (at, input) in inputs.iter().enumerate() {
        if input.kind != Kind::Journal {
            return Err(Failure::usage(format!(
                "{}: only journals are repaired",
                input.path.display()
            )));
        }
        if let Err(failure) = one(repair, handle, &input.path, &mut sum, out) {
            sum.failed += 1;
            out.complain(&failure.message);
        }
        out.progress(at as u64 + 1, inputs.len() as u64, "files");
    }
    if !out.json && !out.quiet {
        out.line(sum.text(repair))?;
    }
    Ok(match () {
        () if sum.failed > 0 => FAILED,
        () if sum.left > 0 || (sum.files > 0 && !repair.yes) => FOUND,
        () => 0,
    })
}

fn one(
    repair: &Repair,
    handle: &Handle,
    path: &Path,
    sum: &mut Sum,
    out: &mut Output,
) -> Result<()> {
    let found = check::journal(path, handle)?;
    if found.damage_count == 0 {
        return Ok(());
    }
    let journal = handle.journal(path, false, false)?;
    let mut plan = journal.salvage_plan()?;
    if !repair.salvage {
        sum.left += plan.line_count;
    }
    sum.left += plan.left;
    let changes = plan.tail.is_some() || repair.salvage && plan.line_count > 0;
    if changes && repair.yes {
        if let Some(backup) = &repair.backup {
            copy_into(path, backup)?;
        }
        let call = handle.call();
        if repair.salvage {
            // What is there under the lock is what is done.
            plan = journal.salvage_with(&call)?;
        } else {
            plan.tail = journal.repair_with(&call)?.repaired;
        }
    }
    sum.files += u64::from(changes);
    steps(&plan, path, repair, sum, out)
}

fn steps(
    plan: &Salvage,
    path: &Path,
    repair: &Repair,
    sum: &mut Sum,
    out: &mut Output,
) -> Result<()> {
    for line in &plan.lines {
        let action = match repair.salvage {
            true => action(line),
            false => "none",
        };
        let step = Step {
            path,
            line: Some(line.line),
            kind: line.kind.as_str(),
            offset: line.offset,
            length: line.length,
            action,
            records: line.records,
            kept: line.kept,
            done: repair.yes && repair.salvage,
        };
        print(&step, out)?;
    }
    if repair.salvage {
        sum.lines += plan.line_count;
        sum.records += plan.records;
        sum.kept += plan.kept;
    }
    let Some(tail) = plan.tail else {
        return Ok(());
    };
    let Tail {
        offset,
        cut,
        newline_added,
    } = tail;
    sum.newlines += u64::from(newline_added);
    sum.cut += u64::from(!newline_added);
    sum.kept += if newline_added { 0 } else { cut };
    let step = Step {
        path,
        line: None,
        kind: if newline_added {
            "missing_newline"
        } else {
            "torn_tail"
        },
        offset,
        length: cut,
        action: if newline_added { "add_newline" } else { "cut" },
        records: u64::from(newline_added),
        kept: if newline_added { 0 } else { cut },
        done: repair.yes,
    };
    print(&step, out)
}

fn action(line: &SalvagedLine) -> &'static str {
    match (line.records, line.kept) {
        (0, 0) => "drop_nuls",
        (0, _) => "set_aside",
        (1, 0) if line.nuls > 0 => "drop_nuls",
        _ => "split",
    }
}

fn print(step: &Step<'_>, out: &mut Output) -> Result<()> {
    if out.json {
        return Ok(out.object(step)?);
    }
    let name = harmless(&step.path.display().to_string());
    let kept = size(step.kept);
    let what = match step.action {
        "add_newline" => "its newline is added, nothing is lost".to_owned(),
        "cut" => format!("{kept} are moved to {name}.torn"),
        "drop_nuls" if step.records > 0 => "its NULs go, the record stays".to_owned(),
        "drop_nuls" => "its NULs go".to_owned(),
        "set_aside" => format!("{kept} that can't be read are moved to {name}.torn"),
        "split" if step.kept > 0 => format!(
            "{} stay, {kept} are moved to {name}.torn",
            count(step.records, "whole record")
        ),
        "split" => format!(
            "{} whole records become a line each, nothing is lost",
            step.records
        ),
        _ => "unchanged: it is not at the end, add --salvage".to_owned(),
    };
    let line = step.line.map_or("end".to_owned(), |line| line.to_string());
    Ok(out.line(format!("{name}:{line}: {:<15} {what}", step.kind))?)
}

/// Under its whole path, so that two files of one name stay apart.
fn copy_into(path: &Path, backup: &Path) -> Result<()> {
    let failed = |error| Failure::of(backup.display(), error);
    let whole = fs::canonicalize(path).map_err(|error| Failure::of(path.display(), error))?;
    let inside: std::path::PathBuf = whole
        .components()
        .filter(|part| matches!(part, std::path::Component::Normal(_)))
        .collect();
    let to = backup.join(inside);
    if let Some(parent) = to.parent() {
        fs::create_dir_all(parent).map_err(failed)?;
    }
    fs::copy(path, &to).map_err(failed)?;
    Ok(())
}

impl Sum {
    fn text(&self, repair: &Repair) -> String {
        let done = repair.yes;
        let left = match self.left {
            0 => String::new(),
            n => format!("; {} before the end stay", count(n, "damaged line")),
        };
        let records = count(self.records, "record");
        let lines = match (self.lines, done) {
            (0, _) => String::new(),
            (n, true) => format!("{} mended ({records}), ", count(n, "damaged line")),
            (n, false) => format!("{} to mend ({records}), ", count(n, "damaged line")),
        };
        let what = format!(
            "{lines}{} {}, {} {} ({} kept in *.torn){left}",
            count(self.newlines, "newline"),
            if done { "added" } else { "to add" },
            count(self.cut, "tail"),
            if done { "cut" } else { "to cut" },
            size(self.kept),
        );
        match (self.files, done) {
            (0, _) => format!("nothing to repair{left}"),
            (n, true) => format!("{n} repaired: {what}"),
            (n, false) => {
                let files = count(n, "file");
                format!("would change {files}: {what}. Nothing was changed; add --yes to do it")
            }
        }
    }
}
