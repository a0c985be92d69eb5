//! `untorn tail` and `untorn cat`: print records, good ones only.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::mpsc;
use std::time::SystemTime;

use untorn::{CallOptions, Damage, FollowItem, Position};

use super::printer::Printer;
use super::since::Since;
use crate::args::{Cat, Handle, Tail};
use crate::exit::{FOUND, Failure, Result};
use crate::input::{Input, Kind, Take, each, files};
use crate::output::{Output, Style, count, harmless};

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
