//! `untorn repair`: repairs a torn tail now, as the next append would.

use std::fs;
use std::path::Path;

use serde::Serialize;

use super::check;
use crate::args::{Handle, Repair};
use crate::exit::{FAILED, FOUND, Failure, Result};
use crate::input::{Kind, Take, files};
use crate::output::{Output, harmless, size};

#[derive(Serialize)]
struct Step<'a> {
    path: &'a Path,
    line: u64,
    kind: &'static str,
    offset: u64,
    length: u64,
    /// `cut`, `add_newline`, or `none`: it stays as it is.
    action: &'static str,
    done: bool,
}

#[derive(Default)]
struct Sum {
    files: u64,
    cut: u64,
    kept: u64,
    newlines: u64,
    left: u64,
    failed: u64,
}

pub fn run(repair: &Repair, handle: &Handle, out: &mut Output) -> Result {
    let inputs = files(&repair.paths, Take::Journals, None)?;
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
        out.line(sum.text(repair.yes))?;
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
    let mut changes = false;
    for (damage, kind) in &found.damage {
        let action = match *kind {
            "missing_newline" => "add_newline",
            _ if damage.repairable => "cut",
            _ => "none",
        };
        match action {
            "add_newline" => sum.newlines += 1,
            "cut" => {
                sum.cut += 1;
                sum.kept += damage.length;
            }
            _ => sum.left += 1,
        }
        changes |= action != "none";
        let step = Step {
            path,
            line: damage.line.unwrap_or(0),
            kind,
            offset: damage.offset,
            length: damage.length,
            action,
            done: repair.yes && action != "none",
        };
        print(&step, out)?;
    }
    if !changes {
        return Ok(());
    }
    sum.files += 1;
    if repair.yes {
        if let Some(backup) = &repair.backup {
            copy_into(path, backup)?;
        }
        handle.journal(path, false, false)?.repair()?;
    }
    Ok(())
}

fn print(step: &Step<'_>, out: &mut Output) -> Result<()> {
    if out.json {
        return Ok(out.object(step)?);
    }
    let what = match step.action {
        "add_newline" => "its newline is added, nothing is lost".to_owned(),
        "cut" => format!(
            "{} are moved to {}.torn",
            size(step.length),
            step.path.display()
        ),
        _ => "unchanged: it is not at the end".to_owned(),
    };
    let name = harmless(&step.path.display().to_string());
    Ok(out.line(format!("{name}:{}: {:<15} {what}", step.line, step.kind))?)
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
    fn text(&self, done: bool) -> String {
        let left = match self.left {
            0 => String::new(),
            n => format!("; {n} damaged lines before the end stay"),
        };
        let what = format!(
            "{} newlines {}, {} tails {} ({} kept in *.torn){left}",
            self.newlines,
            if done { "added" } else { "to add" },
            self.cut,
            if done { "cut" } else { "to cut" },
            size(self.kept),
        );
        match (self.files, done) {
            (0, _) => format!("nothing to repair{left}"),
            (n, true) => format!("{n} repaired: {what}"),
            (n, false) => {
                format!("would change {n} files: {what}. Nothing was changed; add --yes to do it")
            }
        }
    }
}
