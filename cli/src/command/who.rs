//! `untorn who`: the holders of locks.

use std::path::{Path, PathBuf};

use serde::Serialize;
use untorn::Holder;

use crate::args::Who;
use crate::exit::{FOUND, Failure, Result};
use crate::input::{Take, files};
use crate::output::{Output, Style, harmless};

#[derive(Serialize)]
struct Held<'a> {
    path: &'a Path,
    #[serde(flatten)]
    holder: &'a Holder,
    alive: &'static str,
    command: Option<String>,
}

pub fn run(who: &Who, out: &mut Output) -> Result {
    let mut any = false;
    for path in paths(who)? {
        let holder = untorn::holder(&path)?;
        any |= holder.is_some();
        print(&path, holder.as_ref(), who.recursive, out)?;
    }
    Ok(if any { 0 } else { FOUND })
}

fn paths(who: &Who) -> Result<Vec<PathBuf>> {
    if who.recursive {
        let inputs = files(&who.paths, Take::All, None)?;
        return Ok(inputs.into_iter().map(|input| input.path).collect());
    }
    if let Some(dir) = who.paths.iter().find(|path| path.is_dir()) {
        return Err(Failure::usage(format!(
            "{} is a directory: -r includes all files below it",
            dir.display()
        )));
    }
    Ok(who.paths.clone())
}

fn print(path: &Path, holder: Option<&Holder>, held_only: bool, out: &mut Output) -> Result<()> {
    let name = harmless(&path.display().to_string());
    let Some(holder) = holder else {
        if !held_only && !out.json && !out.quiet {
            out.line(format!("{name}: not locked"))?;
        }
        return Ok(());
    };
    let command = command_of(holder.pid);
    let alive = holder.alive().as_str();
    if out.json {
        return Ok(out.object(&Held {
            path,
            holder,
            alive,
            command,
        })?);
    }
    let label = holder
        .label
        .as_deref()
        .map_or(String::new(), |label| format!(" ({})", harmless(label)));
    let since = holder
        .since
        .as_deref()
        .map_or(String::new(), |since| format!(" since {since}"));
    let state = match alive {
        "dead" => out.styled(Style::Bad, ", which is dead"),
        _ => String::new(),
    };
    let command = command.map_or(String::new(), |command| {
        format!("   {}", harmless(&command))
    });
    Ok(out.line(format!(
        "{name}: locked by pid {}{label}{since}{state}{command}",
        holder.pid
    ))?)
}

/// Returns the command that started the process; only on Linux.
pub fn command_of(pid: u32) -> Option<String> {
    let words = std::fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    let text = String::from_utf8_lossy(&words).replace('\0', " ");
    Some(text.trim_end().to_owned()).filter(|text| !text.is_empty())
}
