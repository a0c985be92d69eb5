//! `untorn show`: one line of a journal, and why it is damaged.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use serde::Serialize;
use untorn::{Damage, DamageKind};

use crate::args::{Handle, Show};
use crate::exit::{FOUND, Failure, Result};
use crate::output::{Output, Style, count, harmless};

/// How much of a line is printed for people.
const SHOWN: usize = 160;

#[derive(Serialize)]
struct Line {
    path: PathBuf,
    line: u64,
    offset: u64,
    length: u64,
    /// `None`: it is a good record.
    kind: Option<&'static str>,
    why: Option<String>,
    text: String,
}

enum Place {
    Line(u64),
    Offset(u64),
    FirstDamage,
}

pub fn run(show: &Show, handle: &Handle, out: &mut Output) -> Result {
    let (path, place) = place(&show.place)?;
    let failed = |error| Failure::of(path.display(), error);
    let report = handle.journal(&path, false, false)?.verify()?;
    let damages = &report.damage;
    let place = match place {
        Place::FirstDamage => match damages.first() {
            Some(damage) => Place::Offset(damage.offset),
            None => Place::Line(1),
        },
        place => place,
    };
    let mut file = BufReader::with_capacity(256 * 1024, File::open(&path).map_err(failed)?);
    let (mut number, mut offset) = (0, 0);
    let mut shown = false;
    let mut before: Vec<Line> = Vec::new();
    let mut after = 0;
    loop {
        let mut bytes = Vec::new();
        let n = file.read_until(b'\n', &mut bytes).map_err(failed)? as u64;
        if n == 0 {
            break;
        }
        number += 1;
        let wanted = match place {
            Place::Line(line) => line == number,
            Place::Offset(at) => (offset..offset + n).contains(&at),
            Place::FirstDamage => false,
        };
        let damage = damages
            .iter()
            .find(|damage| (damage.offset..damage.offset + damage.length.max(1)).contains(&offset));
        if wanted && show.raw {
            out.raw(&bytes)?;
            return Ok(0);
        }
        let line = of(&path, (number, offset, n), &bytes, damage.copied());
        if wanted {
            shown = true;
            headline(&line, out)?;
            for line in before.drain(..) {
                print(&line, false, out)?;
            }
            print(&line, true, out)?;
        } else if shown {
            print(&line, false, out)?;
            after += 1;
        } else {
            before.push(line);
            if before.len() as u64 > show.context {
                before.remove(0);
            }
        }
        if shown && after >= show.context {
            break;
        }
        offset += n;
    }
    if shown {
        return Ok(0);
    }
    out.complain(&format!(
        "{}: the file has {} and {}",
        path.display(),
        count(number, "line"),
        count(offset, "byte")
    ));
    Ok(FOUND)
}

fn of(
    path: &Path,
    (line, offset, length): (u64, u64, u64),
    bytes: &[u8],
    damage: Option<Damage>,
) -> Line {
    let text = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    let (kind, why) = match damage {
        Some(damage) => (Some(damage.kind.as_str()), why(damage.kind, text)),
        None => (None, None),
    };
    Line {
        path: path.to_owned(),
        line,
        offset,
        length,
        kind,
        why,
        text: String::from_utf8_lossy(text).into_owned(),
    }
}

fn why(kind: DamageKind, text: &[u8]) -> Option<String> {
    match kind {
        DamageKind::NotJson | DamageKind::TornTail => {
            serde_json::from_slice::<serde::de::IgnoredAny>(text)
                .err()
                .map(|error| error.to_string())
        }
        DamageKind::NotUtf8 => std::str::from_utf8(text)
            .err()
            .map(|error| error.to_string()),
        DamageKind::NulRun => {
            let nuls = text.iter().filter(|byte| **byte == 0).count();
            Some(format!("{nuls} of its bytes are NUL"))
        }
        DamageKind::Glued => {
            let values =
                serde_json::Deserializer::from_slice(text).into_iter::<serde::de::IgnoredAny>();
            let whole = values.filter(std::result::Result::is_ok).count();
            Some(format!("{whole} whole values on one line"))
        }
        _ => None,
    }
}

/// Describes the line, before its neighbours.
fn headline(line: &Line, out: &mut Output) -> std::io::Result<()> {
    if out.json {
        return Ok(());
    }
    let what = match (line.kind, &line.why) {
        (Some(kind), Some(why)) => out.styled(Style::Bad, &format!("{kind} ({why})")),
        (Some(kind), None) => out.styled(Style::Bad, kind),
        (None, _) => out.styled(Style::Good, "ok"),
    };
    out.line(format!(
        "line {}, offset {}, {} bytes: {what}",
        line.line, line.offset, line.length
    ))
}

fn print(line: &Line, wanted: bool, out: &mut Output) -> std::io::Result<()> {
    if out.json {
        return out.object(line);
    }
    let mut text: String = line.text.chars().take(SHOWN).collect();
    if text.len() < line.text.len() {
        text.push('…');
    }
    let mark = if wanted { '>' } else { ' ' };
    let state = line.kind.map_or_else(
        || out.styled(Style::Faint, "ok"),
        |kind| out.styled(Style::Bad, kind),
    );
    out.line(format!(
        "{mark} {:>6} │ {}  {state}",
        line.line,
        harmless(&text)
    ))
}

/// `PATH`, `PATH:LINE` or `PATH@OFFSET`. A file whose name is the whole text
/// comes first.
fn place(text: &str) -> Result<(PathBuf, Place)> {
    let whole = PathBuf::from(text);
    if whole.exists() {
        return Ok((whole, Place::FirstDamage));
    }
    let number = |digits: &str| digits.parse::<u64>().ok();
    if let Some((path, line)) = text.rsplit_once(':')
        && let Some(line) = number(line)
    {
        return Ok((path.into(), Place::Line(line)));
    }
    if let Some((path, offset)) = text.rsplit_once('@')
        && let Some(offset) = number(offset)
    {
        return Ok((path.into(), Place::Offset(offset)));
    }
    Err(Failure::of(
        text,
        "the file does not exist; a place is PATH:LINE or PATH@OFFSET",
    ))
}
