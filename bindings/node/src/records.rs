//! Reading forward, in chunks: one trip to another thread for many records.

use std::path::Path;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};

use napi::bindgen_prelude::{Buffer, Float64Array, Uint32Array};
use napi_derive::napi;
use untorn::{DamageKind, Error, Records};

use crate::call::Lane;
use crate::failure;
use crate::port::Inner;
use crate::values::{DamageFound, Position, out};

/// A chunk ends with the record that reaches one of these.
const BYTES: usize = 256 << 10;
const RECORDS: usize = 4096;

#[napi]
pub struct Reader {
    port: Rc<Inner>,
    path: Arc<Path>,
    cursor: Arc<Mutex<Cursor>>,
}

/// Records that follow each other, and the damage among them.
#[derive(Default)]
struct Found {
    bytes: Vec<u8>,
    lengths: Vec<u32>,
    /// Start and end of each record.
    places: Vec<f64>,
    damage: Vec<DamageFound>,
    generation: u64,
    last: bool,
}

#[napi(object)]
pub struct Chunk {
    /// Each with a newline behind it.
    pub bytes: Buffer,
    /// Bytes of each record, without the newline.
    pub lengths: Uint32Array,
    /// Where each record begins, and where it ends.
    pub places: Float64Array,
    pub generation: f64,
    pub damage: Vec<DamageFound>,
    /// Whether the end is reached.
    pub last: bool,
}

impl From<Found> for Chunk {
    fn from(found: Found) -> Chunk {
        Chunk {
            bytes: found.bytes.into(),
            lengths: found.lengths.into(),
            places: found.places.into(),
            generation: out(found.generation),
            damage: found.damage,
            last: found.last,
        }
    }
}

struct Cursor {
    records: Records,
    /// How many of the damages listed were handed over.
    told: usize,
    /// What ended the last chunk early.
    failed: Option<Error>,
}

impl Cursor {
    fn next(&mut self) -> untorn::Result<Found> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        let mut found = Found::default();
        while found.bytes.len() < BYTES && found.lengths.len() < RECORDS {
            match self.records.next_record() {
                Ok(Some(record)) => {
                    found.bytes.extend_from_slice(record.bytes);
                    // Between them, so that the end of one and the beginning of
                    // the next never make one character.
                    found.bytes.push(b'\n');
                    // A longer record than 4 GiB can't be handed over whole.
                    let length = u32::try_from(record.bytes.len()).unwrap_or(u32::MAX);
                    found.lengths.push(length);
                    found
                        .places
                        .extend([out(record.start.offset), out(record.end.offset)]);
                }
                Ok(None) => {
                    found.last = true;
                    break;
                }
                // What was read before it is good.
                Err(error) if !found.lengths.is_empty() => {
                    self.failed = Some(error);
                    break;
                }
                Err(error) => return Err(error),
            }
        }
        found.generation = self.records.position().generation;
        let damage = self.records.damage();
        found.damage = damage[self.told..].iter().map(DamageFound::from).collect();
        self.told = damage.len();
        Ok(found)
    }
}

impl Reader {
    pub fn new(port: &Rc<Inner>, path: &Arc<Path>, records: Records) -> Reader {
        Reader {
            port: Rc::clone(port),
            path: Arc::clone(path),
            cursor: Arc::new(Mutex::new(Cursor {
                records,
                told: 0,
                failed: None,
            })),
        }
    }
}

#[napi]
impl Reader {
    #[napi(catch_unwind)]
    pub fn next_sync(&self) -> napi::Result<Chunk> {
        lock(&self.cursor)
            .next()
            .map(Chunk::from)
            .map_err(|error| failure::thrown(&error))
    }

    #[napi(catch_unwind)]
    pub fn next(&self) -> u32 {
        let cursor = Arc::clone(&self.cursor);
        self.port.run(
            Lane::Read,
            ("read", &self.path),
            false,
            move |_| lock(&cursor).next(),
            |_, found| Chunk::from(found),
        )
    }

    /// Where reading goes on.
    #[napi(getter, catch_unwind)]
    pub fn position(&self) -> Position {
        lock(&self.cursor).records.position().into()
    }
}

/// What is wrong with bytes that a decoder refused; nothing if they are one
/// JSON value.
#[napi(catch_unwind)]
pub fn inspect(bytes: &[u8]) -> Option<&'static str> {
    untorn::inspect(bytes).map(DamageKind::as_str)
}

fn lock(cursor: &Mutex<Cursor>) -> std::sync::MutexGuard<'_, Cursor> {
    cursor.lock().unwrap_or_else(PoisonError::into_inner)
}
