//! Reads forward in chunks: one trip to another thread for many records.

use std::cell::Cell;
use std::path::Path;
use std::rc::Rc;
use std::sync::{Arc, Mutex};

use napi::Env;
use napi::bindgen_prelude::{BufferSlice, ObjectFinalize, ToNapiValue};
use napi::sys;
use napi_derive::napi;
use untorn::tasks::{Order, while_waiting};
use untorn::{DamageKind, Error, Folded, Records};

use crate::call::locked;
use crate::failure::{self, told};
use crate::port::Inner;
use crate::values::{DamageFound, Position, back, out};

/// A chunk ends with the record that reaches one of these limits.
const BYTES: usize = 64 << 10;
const RECORDS: usize = 1024;

/// About how much a reader holds outside of V8's heap: its buffers. Without this
/// figure the garbage collector sees no reason to run.
const WEIGHT: i64 = 256 << 10;

#[napi(custom_finalize)]
pub struct Reader {
    port: Rc<Inner>,
    path: Arc<Path>,
    /// `None`: closed.
    cursor: Arc<Mutex<Option<Cursor>>>,
    /// The order of reads from another machine, which must not hold up those of files.
    elsewhere: Option<Order>,
    /// Whether V8 counts its memory.
    weighed: Cell<bool>,
}

/// Records that follow each other, and the damage among them.
#[derive(Default)]
pub struct Found {
    bytes: Vec<u8>,
    records: usize,
    /// Length, start and end of each record.
    places: Vec<f64>,
    damage: Vec<DamageFound>,
    generation: u64,
    pub last: bool,
    /// For a follower: what was removed before these records.
    pub rewound: Option<Rewound>,
    /// For a fold: the state starts again with these records.
    pub restart: bool,
}

/// The part that is no longer in the journal.
#[napi(object)]
pub struct Rewound {
    pub from: Position,
    pub to: Position,
}

impl Found {
    /// Gathers the records that a state lacks, in a chunk. `kept` is the beginning of the
    /// next chunk.
    pub fn folded(
        kept: &mut Option<Folded>,
        mut next: impl FnMut() -> untorn::Result<Option<Folded>>,
    ) -> untorn::Result<Found> {
        let mut found = Found::default();
        while !found.is_full() {
            let next = match kept.take() {
                Some(kept) => Some(kept),
                None => next()?,
            };
            match next {
                None => {
                    found.last = true;
                    break;
                }
                Some(Folded::Record(record)) if found.takes(record.start.generation) => {
                    found.add(&record.bytes, record.start, record.end);
                }
                Some(Folded::Restart) if found.is_empty() => found.restart = true,
                Some(other) => {
                    *kept = Some(other);
                    break;
                }
            }
        }
        Ok(found)
    }

    pub fn is_empty(&self) -> bool {
        self.records == 0
    }

    pub fn is_full(&self) -> bool {
        self.bytes.len() >= BYTES || self.records >= RECORDS
    }

    /// Whether a record of this generation may be in it.
    pub fn takes(&self, generation: u64) -> bool {
        self.is_empty() || self.generation == generation
    }

    pub fn add(&mut self, bytes: &[u8], start: untorn::Position, end: untorn::Position) {
        self.bytes.extend_from_slice(bytes);
        // Between records, so that the end of one and the start of the next never
        // form one character.
        self.bytes.push(b'\n');
        self.records += 1;
        self.generation = start.generation;
        self.places
            .extend([bytes.len() as u64, start.offset, end.offset].map(out));
    }

    pub fn add_damage(&mut self, damage: &[untorn::Damage]) {
        self.damage.extend(damage.iter().map(DamageFound::from));
    }
}

/// Copied into memory that V8 owns. Memory that V8 borrows is freed from the
/// event loop, which a synchronous read of a whole journal never reaches.
#[napi(object, object_from_js = false)]
pub struct Chunk<'env> {
    /// A newline follows each record.
    pub bytes: BufferSlice<'env>,
    /// 64-bit floats, three per record: its length in bytes without the newline,
    /// its start, and its end.
    pub places: BufferSlice<'env>,
    pub generation: f64,
    pub damage: Vec<DamageFound>,
    /// Whether this chunk is the last.
    pub last: bool,
    pub rewound: Option<Rewound>,
    pub restart: bool,
}

impl ToNapiValue for Found {
    unsafe fn to_napi_value(raw: sys::napi_env, found: Found) -> napi::Result<sys::napi_value> {
        let env = Env::from_raw(raw);
        let places: Vec<u8> = found.places.iter().flat_map(|n| n.to_ne_bytes()).collect();
        let chunk = Chunk {
            bytes: BufferSlice::copy_from(&env, found.bytes)?,
            places: BufferSlice::copy_from(&env, places)?,
            generation: out(found.generation),
            damage: found.damage,
            last: found.last,
            rewound: found.rewound,
            restart: found.restart,
        };
        // SAFETY: in the environment that we were called with.
        unsafe { Chunk::to_napi_value(raw, chunk) }
    }
}

struct Cursor {
    records: Records,
    /// The error that ended the last chunk early.
    failed: Option<Error>,
}

impl Cursor {
    fn next(&mut self) -> untorn::Result<Found> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        let mut found = Found {
            // It would grow ten times otherwise, and be copied each time.
            bytes: Vec::with_capacity(BYTES),
            ..Found::default()
        };
        while !found.is_full() {
            let next = self.records.next_record();
            match next {
                Ok(Some(record)) => {
                    found.add(record.bytes, record.start, record.end);
                }
                Ok(None) => {
                    found.last = true;
                    break;
                }
                // The records before the error are good.
                Err(error) if found.records > 0 => {
                    self.failed = Some(error);
                    break;
                }
                Err(error) => return Err(error),
            }
        }
        found.generation = self.records.position().generation;
        found.add_damage(&self.records.take_damage());
        Ok(found)
    }
}

impl Reader {
    pub fn new(port: &Rc<Inner>, path: &Arc<Path>, records: Records) -> Reader {
        Reader {
            port: Rc::clone(port),
            path: Arc::clone(path),
            cursor: Arc::new(Mutex::new(Some(Cursor {
                records,
                failed: None,
            }))),
            elsewhere: None,
            weighed: Cell::new(port.env().adjust_external_memory(WEIGHT).is_ok()),
        }
    }

    /// A reader of a journal in a database.
    pub fn elsewhere(port: &Rc<Inner>, path: &Arc<Path>, records: Records, order: Order) -> Reader {
        Reader {
            elsewhere: Some(order),
            ..Reader::new(port, path, records)
        }
    }

    /// V8 no longer counts its memory.
    fn unweigh(&self, env: Env) {
        if self.weighed.take() {
            let _ = env.adjust_external_memory(-WEIGHT);
        }
    }
}

impl ObjectFinalize for Reader {
    fn finalize(self, env: Env) -> napi::Result<()> {
        self.unweigh(env);
        Ok(())
    }
}

/// A closed reader has nothing left to read.
fn next(cursor: &Mutex<Option<Cursor>>) -> untorn::Result<Found> {
    match &mut *locked(cursor) {
        Some(cursor) => cursor.next(),
        None => Ok(Found {
            last: true,
            ..Found::default()
        }),
    }
}

#[napi]
impl Reader {
    #[napi(catch_unwind, ts_return_type = "Chunk")]
    pub fn next_sync(&self) -> napi::Result<Found> {
        next(&self.cursor).map_err(|error| failure::thrown(&error))
    }

    #[napi(catch_unwind)]
    pub fn next(&self) -> u32 {
        let cursor = Arc::clone(&self.cursor);
        let Some(order) = &self.elsewhere else {
            return self.port.run(
                Order::Read,
                ("read", &self.path),
                false,
                move |_| next(&cursor),
                |_, found| found,
            );
        };
        self.port.run(
            order.clone(),
            ("read", &self.path),
            false,
            move |_| while_waiting(|| next(&cursor)),
            |_, found| found,
        )
    }

    /// Closes the file and frees its memory. A second call does nothing.
    #[napi(catch_unwind)]
    pub fn close(&self) {
        match &self.elsewhere {
            None => *locked(&self.cursor) = None,
            // A read that is under way may wait for this event loop.
            Some(_) => {
                if let Ok(mut cursor) = self.cursor.try_lock() {
                    *cursor = None;
                }
            }
        }
        self.unweigh(self.port.env());
    }
}

/// Throws, and says what it is instead, unless a document is one JSON value.
#[napi(catch_unwind)]
#[cfg_attr(test, allow(dead_code, reason = "only JavaScript calls it"))]
pub fn document_json(path: String, bytes: &[u8]) -> napi::Result<()> {
    told(untorn::document_json(path, bytes)).map(drop)
}

/// Returns what is wrong with bytes that a decoder refused; `None` if they are
/// one JSON value.
#[napi(catch_unwind)]
#[cfg_attr(test, allow(dead_code, reason = "only JavaScript calls it"))]
pub fn inspect(bytes: &[u8]) -> Option<&'static str> {
    untorn::inspect(bytes).map(DamageKind::as_str)
}

/// Reports an event for damage that a decoder found, and skipped.
#[napi(catch_unwind)]
#[cfg_attr(test, allow(dead_code, reason = "only JavaScript calls it"))]
pub fn skipped_damage(path: String, bytes: &[u8], offset: f64, length: f64) {
    let (Some(kind), Some(offset), Some(length)) =
        (untorn::inspect(bytes), back(offset), back(length))
    else {
        return;
    };
    let damage = untorn::Damage {
        kind,
        offset,
        length,
        line: None,
        repairable: false,
    };
    damage.skipped(Path::new(&path));
}
