//! `untorn store`: sessions.

#[cfg(feature = "postgres")]
mod copy;

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::Serialize;
use untorn::{Alive, CallOptions, Holder, Reconciled, Session, Store};

use crate::args::{Handle, StoreCommand};
use crate::exit::{FOUND, Failure, Result};
use crate::output::{Output, Style, harmless, thousands};
use crate::when::ago;

#[derive(Serialize)]
struct Row {
    key: String,
    path: PathBuf,
    owner: Option<Holder>,
    alive: Option<&'static str>,
    records: u64,
    damage: u64,
    /// Seconds since 1970.
    modified: Option<u64>,
    #[serde(skip)]
    at: Option<SystemTime>,
}

pub fn run(command: &StoreCommand, handle: &Handle, out: &mut Output) -> Result {
    match command {
        StoreCommand::Ls { dir, dead } => list(&open(dir, handle)?, *dead, out),
        StoreCommand::Show { dir, key } => show(&existing(dir, key, handle)?, out),
        StoreCommand::Owner { dir, key } => owner(&existing(dir, key, handle)?, out),
        StoreCommand::Reconcile { dir, key } => {
            reconcile(&existing(dir, key, handle)?, handle, out)
        }
        StoreCommand::Rm { dir, key, yes } => remove(&open(dir, handle)?, key, *yes, handle, out),
        StoreCommand::Search { dir, text, max } => search(&open(dir, handle)?, text, *max, out),
        #[cfg(feature = "postgres")]
        StoreCommand::Copy {
            source,
            target,
            schema,
            migrate,
            journal,
        } => copy::run(
            source,
            target,
            &copy::Place { schema, journal },
            *migrate,
            handle,
            out,
        ),
    }
}

fn open(dir: &Path, handle: &Handle) -> Result<Store> {
    let mut options = Store::options().create(false).timeout(handle.timeout);
    if let Some(durability) = handle.durability {
        options = options.durability(durability);
    }
    Ok(options.open(dir)?)
}

fn existing(dir: &Path, key: &str, handle: &Handle) -> Result<Session> {
    let session = open(dir, handle)?.session(key)?;
    if !session.exists()? {
        return Err(Failure::new(
            FOUND,
            format!("{}: session {key:?} does not exist", dir.display()),
        ));
    }
    Ok(session)
}

fn row(session: &Session) -> Result<Row> {
    let owner = session.holder()?;
    let journal = session.path().join("journal.jsonl");
    let (mut records, mut damage) = (0, 0);
    if journal.exists() {
        let report = untorn::Journal::options()
            .create(false)
            .open(&journal)?
            .verify()?;
        (records, damage) = (report.records, report.damage_count);
    }
    let at = std::fs::metadata(&journal)
        .or_else(|_| std::fs::metadata(session.path()))
        .and_then(|seen| seen.modified())
        .ok();
    Ok(Row {
        key: session.key().to_owned(),
        path: session.path().to_owned(),
        alive: owner.as_ref().map(|owner| owner.alive().as_str()),
        owner,
        records,
        damage,
        modified: at
            .and_then(|at| at.duration_since(SystemTime::UNIX_EPOCH).ok())
            .map(|since| since.as_secs()),
        at,
    })
}

fn owner_text(owner: Option<&Holder>, out: &Output) -> String {
    let Some(owner) = owner else {
        return "-".to_owned();
    };
    let label = owner
        .label
        .as_deref()
        .map_or(String::new(), |label| format!(" ({})", harmless(label)));
    let text = format!("pid {}{label}", owner.pid);
    match owner.alive() {
        Alive::Dead => out.styled(Style::Bad, &format!("dead: {text}")),
        _ => text,
    }
}

fn list(store: &Store, dead: bool, out: &mut Output) -> Result {
    let mut any = false;
    for key in store.keys()? {
        let row = row(&store.session(&key)?)?;
        if dead && row.alive != Some("dead") {
            continue;
        }
        if !any && !out.json {
            let head = out.styled(
                Style::Faint,
                &format!("{:<24} {:<32} {:>9}  LAST", "KEY", "OWNER", "RECORDS"),
            );
            out.line(head)?;
        }
        any = true;
        if out.json {
            out.object(&row)?;
            continue;
        }
        let owner = owner_text(row.owner.as_ref(), out);
        let last = row.at.map_or(String::new(), ago);
        out.line(format!(
            "{:<24} {owner:<32} {:>9}  {last}",
            harmless(&row.key),
            thousands(row.records)
        ))?;
    }
    Ok(if any || !dead { 0 } else { FOUND })
}

fn show(session: &Session, out: &mut Output) -> Result {
    let row = row(session)?;
    if out.json {
        out.object(&row)?;
        return Ok(0);
    }
    let owner = owner_text(row.owner.as_ref(), out);
    out.line(format!("key      {}", harmless(&row.key)))?;
    out.line(format!("path     {}", row.path.display()))?;
    out.line(format!("owner    {owner}"))?;
    out.line(format!("records  {}", thousands(row.records)))?;
    out.line(format!("damage   {}", row.damage))?;
    out.line(format!("last     {}", row.at.map_or(String::new(), ago)))?;
    Ok(0)
}

fn owner(session: &Session, out: &mut Output) -> Result {
    let Some(owner) = session.holder()? else {
        if !out.json && !out.quiet {
            out.line("not owned")?;
        }
        return Ok(FOUND);
    };
    if out.json {
        out.object(&owner)?;
    } else {
        let since = owner
            .since
            .as_deref()
            .map_or(String::new(), |since| format!(" since {since}"));
        let text = owner_text(Some(&owner), out);
        out.line(format!("{text}{since}"))?;
    }
    Ok(0)
}

/// Changes only the session's lease: only a program knows what the owner left
/// half done.
fn reconcile(session: &Session, handle: &Handle, out: &mut Output) -> Result {
    let done = session.reconcile_with(|_| Ok(true), || Ok(false), &handle.call())?;
    let (word, code) = match done {
        Reconciled::Done => ("reconciled", 0),
        Reconciled::Alive(_) => ("its owner lives", FOUND),
        Reconciled::Busy => ("another process is reconciling or claiming it", FOUND),
        _ => ("nothing to do", 0),
    };
    if out.json {
        out.object(&serde_json::json!({ "key": session.key(), "outcome": word }))?;
    } else if !out.quiet {
        out.line(word)?;
    }
    Ok(code)
}

fn remove(store: &Store, key: &str, yes: bool, handle: &Handle, out: &mut Output) -> Result {
    if !yes {
        let session = store.session(key)?;
        if !session.exists()? {
            return Ok(FOUND);
        }
        if out.json {
            out.object(&serde_json::json!({ "key": key, "removed": false }))?;
            return Ok(0);
        }
        out.line(format!(
            "would remove {} with all its files; add --yes to do it",
            session.path().display()
        ))?;
        return Ok(0);
    }
    let call = match handle.timeout {
        Some(limit) => CallOptions::new().timeout(Some(limit)),
        None => CallOptions::new().timeout(Some(std::time::Duration::ZERO)),
    };
    let removed = store.remove_with(key, &call)?;
    if out.json {
        out.object(&serde_json::json!({ "key": key, "removed": removed }))?;
    }
    Ok(if removed { 0 } else { FOUND })
}

fn search(store: &Store, text: &str, max: usize, out: &mut Output) -> Result {
    let hits = store.search(text).max_hits(max).run()?;
    for hit in &hits {
        if out.json {
            out.object(&serde_json::json!({
                "key": hit.key, "position": hit.position.to_string(), "snippet": hit.snippet,
            }))?;
        } else {
            let key = out.styled(Style::Name, &harmless(&hit.key));
            out.line(format!(
                "{key}@{}: {}",
                hit.position.offset,
                harmless(&hit.snippet)
            ))?;
        }
    }
    Ok(if hits.is_empty() { FOUND } else { 0 })
}
