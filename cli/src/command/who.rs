//! `untorn who`: the holders of locks, and who waits.

use std::path::{Path, PathBuf};

use serde::Serialize;
use untorn::{FileLock, Holder, Process};

use crate::args::{Handle, Who};
use crate::exit::{FOUND, Failure, Result};
use crate::output::{Output, Style, harmless};

#[derive(Serialize)]
struct Held<'a> {
    path: &'a Path,
    #[serde(flatten)]
    holder: &'a Holder,
    alive: &'static str,
    command: Option<String>,
    waiting: Vec<Waiting>,
}

#[derive(Serialize)]
struct Waiting {
    pid: u32,
    command: Option<String>,
}

/// A file, the holder of its lock, and who waits.
type Found = (PathBuf, Option<Holder>, Vec<Process>);

pub fn run(who: &Who, handle: &Handle, out: &mut Output) -> Result {
    let mut before = None;
    loop {
        let found = find(who)?;
        let any = found.iter().any(|(_, holder, _)| holder.is_some());
        if before.as_ref() != Some(&found) {
            for one in &found {
                print(one, who.recursive, out)?;
            }
            if who.watch && found.is_empty() && !out.json && !out.quiet {
                out.line("no lock is held")?;
            }
            out.flush()?;
        }
        if who.wait {
            return wait(&found, handle);
        }
        if !who.watch {
            return Ok(if any { 0 } else { FOUND });
        }
        before = Some(found);
        // Nothing tells of a lock that is taken.
        std::thread::sleep(who.every);
    }
}

fn find(who: &Who) -> Result<Vec<Found>> {
    let mut found = Vec::new();
    for path in &who.paths {
        if who.recursive && path.is_dir() {
            let held = untorn::held_below(path)?.into_iter();
            found.extend(held.map(|held| (held.path, Some(held.holder), held.waiters)));
        } else if path.is_dir() {
            return Err(Failure::usage(format!(
                "{} is a directory: -r includes all locks below it",
                path.display()
            )));
        } else {
            let holder = untorn::holder(path)?;
            found.push((path.clone(), holder, untorn::waiters(path)?));
        }
    }
    Ok(found)
}

/// Waits until the locks are free: takes each for a moment, as the kernel's queue wakes
/// who waits there. A lock that no process holds is not touched, and no file is made.
fn wait(found: &[Found], handle: &Handle) -> Result {
    let held = found.iter().filter(|(_, holder, _)| holder.is_some());
    for (path, ..) in held {
        let mut options = FileLock::options().shared(true).timeout(handle.timeout);
        if let Some(scheme) = handle.scheme {
            options = options.scheme(scheme);
        }
        drop(options.acquire(path)?);
    }
    Ok(0)
}

fn print((path, holder, waiters): &Found, held_only: bool, out: &mut Output) -> Result<()> {
    let name = harmless(&path.display().to_string());
    let Some(holder) = holder else {
        if !held_only && !out.json && !out.quiet {
            out.line(format!("{name}: not locked"))?;
        }
        return Ok(());
    };
    let command = command_of(holder.pid);
    let alive = holder.alive().as_str();
    let waiting = waiters.iter().map(|process| Waiting {
        pid: process.pid,
        command: command_of(process.pid),
    });
    if out.json {
        return Ok(out.object(&Held {
            path,
            holder,
            alive,
            command,
            waiting: waiting.collect(),
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
    let waiters = match waiters.len() {
        0 => String::new(),
        n => format!(", {n} waiting"),
    };
    let command = command.map_or(String::new(), |command| {
        format!("   {}", harmless(&command))
    });
    out.line(format!(
        "{name}: locked by pid {}{label}{since}{state}{waiters}{command}",
        holder.pid
    ))?;
    for Waiting { pid, command } in waiting {
        let command = command.map_or(String::new(), |command| {
            format!("   {}", harmless(&command))
        });
        let text = format!("  waiting: pid {pid}{command}");
        out.line(out.styled(Style::Faint, &text))?;
    }
    Ok(())
}

/// Returns the command that started the process; only on Linux.
pub fn command_of(pid: u32) -> Option<String> {
    let words = std::fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    let text = String::from_utf8_lossy(&words).replace('\0', " ");
    Some(text.trim_end().to_owned()).filter(|text| !text.is_empty())
}
