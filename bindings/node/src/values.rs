//! Positions, options and reports.

use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use napi::bindgen_prelude::{Either, Uint8Array};
use napi_derive::napi;
use untorn::{Damage, Durability, Error, Expect};

use crate::failure;
pub use crate::open_options::OpenOptions;

#[napi(object)]
#[derive(Clone, Copy)]
pub struct Position {
    pub generation: f64,
    pub offset: f64,
}

// Both numbers of a position, and every length of a file, are below 2^53.
#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss
)]
mod number {
    pub fn out(n: u64) -> f64 {
        n as f64
    }

    pub fn back(n: f64) -> Option<u64> {
        let whole = (0.0..=9_007_199_254_740_991.0).contains(&n) && n.fract() == 0.0;
        whole.then_some(n as u64)
    }
}
pub use number::{back, out};

impl From<untorn::Position> for Position {
    fn from(position: untorn::Position) -> Position {
        Position {
            generation: out(position.generation),
            offset: out(position.offset),
        }
    }
}

impl Position {
    pub fn get(self, operation: &'static str, path: &Path) -> napi::Result<untorn::Position> {
        match (back(self.generation), back(self.offset)) {
            (Some(generation), Some(offset)) => Ok(untorn::Position { generation, offset }),
            _ => Err(invalid(
                operation,
                path,
                "a position has two whole numbers, generation and offset",
            )),
        }
    }
}

impl OpenOptions {
    /// The durability alone, for a handle that has no other option of a file.
    pub fn durability(&self, path: &Path) -> napi::Result<Durability> {
        let given = self.durability.as_deref();
        given.map_or(Ok(Durability::default()), |given| word(given, path))
    }
}

/// An option that is one of a few words.
pub fn word<T: FromStr<Err = String>>(given: &str, path: &Path) -> napi::Result<T> {
    given
        .parse()
        .map_err(|detail: String| invalid("open", path, &detail))
}

/// An option that is bytes, or text.
pub fn bytes_of(data: &Either<String, Uint8Array>) -> Vec<u8> {
    match data {
        Either::A(text) => text.as_bytes().to_vec(),
        Either::B(bytes) => bytes.to_vec(),
    }
}

/// An option that is a whole number. `Infinity` means no limit.
pub fn whole(n: Option<f64>, name: &str, path: &Path) -> napi::Result<Option<u64>> {
    match n {
        None => Ok(None),
        Some(n) if n == f64::INFINITY => Ok(None),
        Some(n) => back(n).map(Some).ok_or_else(|| {
            let detail = format!("{name} must be a whole number, 0 or more");
            invalid("open", path, &detail)
        }),
    }
}

/// A limit on what is read.
pub fn limit(n: Option<f64>, path: &Path) -> napi::Result<Option<u64>> {
    match n {
        None => Ok(None),
        Some(n) if n == f64::INFINITY => Ok(None),
        Some(n) => back(n)
            .map(Some)
            .ok_or_else(|| invalid("read", path, "a limit must be a whole number")),
    }
}

/// The timeout of a blocking call in milliseconds. Below zero: without a limit.
pub fn patience(milliseconds: f64) -> Option<Duration> {
    if milliseconds < 0.0 {
        return None;
    }
    Duration::try_from_secs_f64(milliseconds / 1e3).ok()
}

/// The expected state of a document: `None`: any; `""`: absent; else a version.
pub fn expect(word: Option<&str>, operation: &'static str, path: &Path) -> napi::Result<Expect> {
    match word {
        None => Ok(Expect::Anything),
        Some("") => Ok(Expect::Absent),
        Some(hex) => hex
            .parse()
            .map(Expect::Version)
            .map_err(|detail: String| invalid(operation, path, &detail)),
    }
}

pub fn invalid(operation: &'static str, path: &Path, detail: &str) -> napi::Error {
    failure::thrown(&Error::invalid_argument(operation, path, detail))
}

#[napi(object)]
pub struct DamageFound {
    pub kind: String,
    pub offset: f64,
    pub length: f64,
    pub line: Option<f64>,
    pub repairable: bool,
}

impl From<&Damage> for DamageFound {
    fn from(damage: &Damage) -> DamageFound {
        DamageFound {
            kind: damage.kind.as_str().to_owned(),
            offset: out(damage.offset),
            length: out(damage.length),
            line: damage.line.map(out),
            repairable: damage.repairable,
        }
    }
}

#[napi(object)]
pub struct RepairDone {
    pub offset: f64,
    pub cut: f64,
    pub newline_added: bool,
}

#[napi(object, use_nullable = true)]
pub struct Report {
    pub records: f64,
    pub header: bool,
    pub unsealed: f64,
    pub bytes: f64,
    pub end: Position,
    pub damage: Vec<DamageFound>,
    pub damage_count: f64,
    pub ok: bool,
    pub notes: Vec<DamageFound>,
    pub repaired: Option<RepairDone>,
}

impl From<untorn::Report> for Report {
    fn from(report: untorn::Report) -> Report {
        Report {
            records: out(report.records),
            header: report.header,
            unsealed: out(report.unsealed),
            bytes: out(report.bytes),
            end: report.end.into(),
            damage: report.damage.iter().map(DamageFound::from).collect(),
            damage_count: out(report.damage_count),
            ok: report.is_ok(),
            notes: report.notes.iter().map(DamageFound::from).collect(),
            repaired: report.repaired.map(|repair| RepairDone {
                offset: out(repair.offset),
                cut: out(repair.cut),
                newline_added: repair.newline_added,
            }),
        }
    }
}
