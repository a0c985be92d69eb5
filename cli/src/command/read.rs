//! `untorn tail` and `untorn cat`: print records, good ones only.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::mpsc;
use std::time::SystemTime;

use serde::Serialize;
use serde_json::value::RawValue;
use untorn::{CallOptions, Damage, FollowItem, Position};

use super::since::Since;
use crate::args::{Cat, Handle, Shape, Tail};
use crate::exit::{FOUND, Failure, Result};
use crate::input::{Input, Kind, Take, each, files};
use crate::json;
use crate::output::{Output, Style, count, harmless};

/// How records are printed.
pub struct Printer<'a> {
    pretty: bool,
    steps: Option<Vec<&'a str>>,
    /// Whether the records are JSON.
    json: bool,
}

#[derive(Serialize)]
struct Object<'a> {
    path: &'a Path,
    position: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    record: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
}

impl<'a> Printer<'a> {
    pub fn new(shape: &'a Shape, json: bool, out: &Output) -> Result<Printer<'a>> {
        let steps = shape.select.as_deref().map(json::steps).transpose();
        Ok(Printer {
            pretty: json && !shape.compact && (shape.pretty || out.terminal),
            steps: steps.map_err(Failure::usage)?,
            json,
        })
    }

    pub fn record(&self, path: &Path, at: Position, bytes: &[u8], out: &mut Output) -> Result<()> {
        let whole = String::from_utf8_lossy(bytes);
        let text = match &self.steps {
            None => Some(&*whole),
            Some(steps) => json::select(&whole, steps),
        };
        if out.json {
            let record: Option<&RawValue> = text
                .filter(|_| self.json)
                .and_then(|text| serde_json::from_str(text).ok());
            let object = Object {
                path,
                position: at.to_string(),
                text: (record.is_none() && !self.json).then(|| whole.clone().into_owned()),
                record,
            };
            return Ok(out.object(&object)?);
        }
        match text {
            None => Ok(()),
            Some(_) if self.steps.is_none() && !self.pretty && !out.terminal => {
                Ok(out.bytes(bytes)?)
            }
            Some(text) => self.value(text, out),
        }
    }

    fn header(&self, path: &Path, header: &[u8], out: &mut Output) -> Result<()> {
        let text = String::from_utf8_lossy(header);
        if !out.json {
            return self.value(&text, out);
        }
        let value: Option<&RawValue> = serde_json::from_str(&text).ok();
        Ok(out.object(&serde_json::json!({ "path": path, "header": value }))?)
    }

    /// Prints a value by itself.
    pub fn value(&self, text: &str, out: &mut Output) -> Result<()> {
        let printed = match (self.pretty, out.terminal) {
            (true, _) => out.line(harmless_lines(&json::pretty(text))),
            (false, true) => out.line(harmless(text)),
            (false, false) => out.line(text),
        };
        Ok(printed?)
    }

    /// Whether the bytes are a record of this format.
    pub fn is_good(&self, bytes: &[u8]) -> bool {
        !self.json || untorn::inspect(bytes).is_none()
    }
}

fn harmless_lines(text: &str) -> String {
    text.lines().map(harmless).collect::<Vec<_>>().join("\n")
}

fn tell(path: &Path, damage: Damage, out: &mut Output) {
    let place = format!("{}@{}", path.display(), damage.offset);
    out.remark(&format!(
        "untorn: {place}: {} ({} bytes) skipped",
        damage.kind.as_str(),
        damage.length
    ));
}

pub fn tail(tail: &Tail, handle: &Handle, out: &mut Output) -> Result {
    // Records of that time can only be in files that changed since.
    let changed = tail
        .since
        .and_then(|span| SystemTime::now().checked_sub(span));
    // One that does not exist yet can be followed.
    let paths = tail.paths.iter().cloned();
    let (later, paths): (Vec<_>, Vec<_>) = paths.partition(|path| tail.follow && !path.exists());
    let mut inputs = files(&paths, Take::Journals, changed, out)?;
    inputs.extend(later.into_iter().map(|path| Input {
        path,
        kind: Kind::Journal,
    }));
    let since = tail
        .since
        .map(|span| Since::new(span, tail.time.as_deref()));
    let since = since.transpose()?;
    let printer = Printer::new(&tail.shape, handle.is_json(), out)?;
    let mut followed = Vec::new();
    each(&inputs, out, |input, out| {
        let journal = handle.journal(&input.path, tail.follow, false)?;
        if inputs.len() > 1 && !out.json {
            heading(&input.path, out)?;
        }
        if tail.header
            && let Some(header) = journal.header()?
        {
            printer.header(&input.path, &header, out)?;
        }
        // The end of the file now: records that come later are followed from
        // here.
        let end = journal.end()?;
        let place = (&*input.path, &journal, end);
        let by_time = match &since {
            Some(since) => since.print(place, tail.lines, &printer, out)?,
            None => false,
        };
        if !by_time {
            if since.is_some() {
                let name = harmless(&input.path.display().to_string());
                out.remark(&format!(
                    "untorn: {name}: no record has a time: --time PATH names its member"
                ));
            }
            for record in last_good(&journal, tail.lines.unwrap_or(20), &printer)? {
                printer.record(&input.path, record.start, &record.bytes, out)?;
            }
        }
        followed.push((input.path.clone(), journal, end));
        Ok(())
    })?;
    out.flush()?;
    if !tail.follow {
        return Ok(0);
    }
    let text = out.styled(Style::Faint, "▸ following; Ctrl-C ends");
    if out.terminal {
        out.remark(&text);
    }
    follow(followed, &printer, out)
}

/// Returns the last good records; damaged lines do not count.
fn last_good(
    journal: &untorn::Journal,
    n: usize,
    printer: &Printer<'_>,
) -> Result<Vec<untorn::OwnedRecord>> {
    let mut ask = n;
    loop {
        let found = journal.tail(ask)?;
        let all = found.len() < ask;
        let mut good: Vec<_> = found
            .into_iter()
            .filter(|record| printer.is_good(&record.bytes))
            .collect();
        if good.len() >= n || all {
            good.drain(..good.len().saturating_sub(n));
            return Ok(good);
        }
        ask = ask.saturating_mul(4).max(64);
    }
}

enum News {
    Record(usize, Position, Vec<u8>),
    Rewound(usize),
    Damage(usize, Damage),
    Failed(Failure),
}

fn follow(
    journals: Vec<(PathBuf, untorn::Journal, Position)>,
    printer: &Printer<'_>,
    out: &mut Output,
) -> Result {
    let many = journals.len() > 1;
    let paths: HashMap<usize, PathBuf> = journals
        .iter()
        .enumerate()
        .map(|(at, (path, ..))| (at, path.clone()))
        .collect();
    let (send, receive) = mpsc::sync_channel(256);
    for (at, (_, journal, end)) in journals.into_iter().enumerate() {
        let mut news = journal.follow(Some(end))?;
        let send = send.clone();
        std::thread::spawn(move || {
            loop {
                let next = news.next(&CallOptions::new());
                for damage in news.take_damage() {
                    let _ = send.send(News::Damage(at, damage));
                }
                let sent = match next {
                    Ok(Some(FollowItem::Record(record))) => {
                        send.send(News::Record(at, record.start, record.bytes))
                    }
                    Ok(Some(FollowItem::Rewound { .. })) => send.send(News::Rewound(at)),
                    Ok(Some(_)) => Ok(()),
                    Ok(None) => return,
                    Err(error) => {
                        let _ = send.send(News::Failed(error.into()));
                        return;
                    }
                };
                if sent.is_err() {
                    return;
                }
            }
        });
    }
    drop(send);
    let mut last = None;
    while let Ok(news) = receive.recv() {
        match news {
            News::Record(at, start, bytes) => {
                if many && last != Some(at) && !out.json {
                    heading(&paths[&at], out)?;
                }
                last = Some(at);
                if printer.is_good(&bytes) {
                    printer.record(&paths[&at], start, &bytes, out)?;
                }
                out.flush()?;
            }
            News::Rewound(at) => {
                let text = format!(
                    "↺ {}: records were removed, or it is a new file",
                    paths[&at].display()
                );
                out.remark(&text);
            }
            News::Damage(at, damage) => tell(&paths[&at], damage, out),
            News::Failed(failure) => return Err(failure),
        }
    }
    Ok(0)
}

fn heading(path: &Path, out: &mut Output) -> Result<()> {
    let text = out.styled(
        Style::Name,
        &format!("==> {} <==", harmless(&path.display().to_string())),
    );
    Ok(out.line(text)?)
}

pub fn cat(cat: &Cat, handle: &Handle, out: &mut Output) -> Result {
    let inputs = files(&cat.paths, Take::Journals, None, out)?;
    let printer = Printer::new(&cat.shape, handle.is_json(), out)?;
    let from = cat.from.as_deref().map(Position::from_str).transpose();
    let from =
        from.map_err(|_| Failure::usage("--from takes a position, as --with-position prints it"))?;
    let mut skipped = 0;
    each(&inputs, out, |input, out| {
        let journal = handle.journal(&input.path, false, false)?;
        let mut records = match from {
            Some(from) => journal.records_from(from)?,
            None => journal.records()?,
        };
        while let Some(record) = records.next_record()? {
            if !printer.is_good(record.bytes) {
                skipped += 1;
                let length = record.end.offset - record.start.offset;
                let kind = untorn::inspect(record.bytes).map_or("", untorn::DamageKind::as_str);
                let place = format!("{}@{}", input.path.display(), record.start.offset);
                out.remark(&format!("untorn: {place}: {kind} ({length} bytes) skipped"));
                continue;
            }
            if cat.with_position && !out.json {
                out.raw(format!("{}\t", record.start).as_bytes())?;
            }
            printer.record(&input.path, record.start, record.bytes, out)?;
        }
        for damage in records.take_damage() {
            skipped += 1;
            tell(&input.path, damage, out);
        }
        Ok(())
    })?;
    if skipped > 0 {
        out.remark(&format!(
            "untorn: {} skipped: untorn check",
            count(skipped, "damaged stretch")
        ));
    }
    Ok(if skipped > 0 { FOUND } else { 0 })
}
