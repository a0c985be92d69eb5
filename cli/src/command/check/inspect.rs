//! Checks one file of any kind.

use std::path::Path;

use untorn::{Damage, DamageKind};

use crate::args::Handle;
use crate::exit::Failure;
use crate::input::{Input, Kind};

/// The result for one file.
#[derive(Default)]
pub struct Found {
    pub records: u64,
    pub bytes: u64,
    pub unsealed: u64,
    /// The first damaged stretches, each with the name of its kind.
    pub damage: Vec<(Damage, &'static str)>,
    pub damage_count: u64,
    /// Bytes that other programs stumble over.
    pub notes: Vec<Damage>,
}

pub type Answer = std::result::Result<Found, Failure>;

pub fn inspect(input: &Input, handle: &Handle) -> Answer {
    match input.kind {
        Kind::Journal => journal(&input.path, handle),
        Kind::Document => document(&input.path),
        Kind::Transaction => Ok(damaged("pending_transaction", 0, 0)),
    }
}

pub fn journal(path: &Path, handle: &Handle) -> Answer {
    let report = handle.journal(path, false, false)?.verify()?;
    let named = |damage: Damage| (damage, damage.kind.as_str());
    Ok(Found {
        records: report.records,
        bytes: report.bytes,
        unsealed: report.unsealed,
        damage_count: report.damage_count,
        damage: report.damage.into_iter().map(named).collect(),
        notes: report.notes,
    })
}

fn document(path: &Path) -> Answer {
    let failed = |error| Failure::of(path.display(), error);
    let bytes = std::fs::read(path).map_err(failed)?;
    let size = bytes.len() as u64;
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    let kind = if text.trim_ascii().is_empty() {
        Some("empty")
    } else {
        untorn::inspect(text).map(DamageKind::as_str)
    };
    Ok(match kind {
        Some(kind) => damaged(kind, size, 1),
        None => Found {
            bytes: size,
            ..Found::default()
        },
    })
}

/// A file that is damaged as a whole.
fn damaged(kind: &'static str, length: u64, line: u64) -> Found {
    let whole = Damage {
        kind: DamageKind::NotJson,
        offset: 0,
        length,
        line: Some(line),
        repairable: false,
    };
    Found {
        bytes: length,
        damage: vec![(whole, kind)],
        damage_count: 1,
        ..Found::default()
    }
}
