//! Reads forward in chunks: one trip to another thread for many records.

use std::cell::Cell;
use std::mem;
use std::path::Path;
use std::rc::Rc;
use std::slice;
use std::sync::{Arc, Mutex};

use napi::Env;
use napi::bindgen_prelude::{
    BufferSlice, Float64ArraySlice, ObjectFinalize, ToNapiValue, Uint8ArraySlice,
};
use napi::sys;
use napi_derive::napi;
use untorn::tasks::{Order, while_waiting};
use untorn::{DamageKind, Error, Folded, Records};

use crate::call::locked;
use crate::failure::told;
use crate::port::Inner;
use crate::values::{DamageFound, Position, back, out};

/// A chunk ends with the record that reaches one of these limits.
const BYTES: usize = 64 << 10;
const RECORDS: usize = 1024;
/// The memory of a chunk. A longer last record makes it larger.
const KEPT: usize = 96 << 10;

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

    /// Makes it empty, and keeps its memory unless a long record made it large.
    fn clear(&mut self) {
        let (mut bytes, mut places) = (mem::take(&mut self.bytes), mem::take(&mut self.places));
        bytes.clear();
        bytes.shrink_to(KEPT);
        places.clear();
        *self = Found {
            bytes,
            places,
            ..Found::default()
        };
    }

    /// Copies its bytes and places into memory that JavaScript fills again and again. Returns
    /// `false` if they do not fit.
    fn copied_to(&self, kept: Option<Kept<'_>>) -> bool {
        let Some((mut bytes, mut places)) = kept else {
            return false;
        };
        // SAFETY: the event loop's own thread has both, and runs no JavaScript meanwhile.
        let (bytes, places) = unsafe { (bytes.as_mut(), places.as_mut()) };
        let (Some(bytes), Some(places)) = (
            bytes.get_mut(..self.bytes.len()),
            places.get_mut(..self.places.len()),
        ) else {
            return false;
        };
        bytes.copy_from_slice(&self.bytes);
        places.copy_from_slice(&self.places);
        true
    }

    fn chunk<'env>(&mut self, env: &'env Env, is_kept: bool) -> napi::Result<Chunk<'env>> {
        let new = |bytes: &[u8]| (!is_kept).then(|| BufferSlice::copy_from(env, bytes));
        Ok(Chunk {
            bytes: new(&self.bytes).transpose()?,
            places: new(bytes_of(&self.places)).transpose()?,
            length: out(self.bytes.len() as u64),
            records: out(self.records as u64),
            generation: out(self.generation),
            damage: mem::take(&mut self.damage),
            last: self.last,
            rewound: self.rewound.take(),
            restart: self.restart,
        })
    }
}

/// Memory of JavaScript's for the bytes and the places of a chunk.
type Kept<'env> = (Uint8ArraySlice<'env>, Float64ArraySlice<'env>);

/// The bytes of numbers, as this processor has them.
fn bytes_of(numbers: &[f64]) -> &[u8] {
    // SAFETY: bytes have no alignment, and each byte of a number is one.
    unsafe { slice::from_raw_parts(numbers.as_ptr().cast(), size_of_val(numbers)) }
}

/// Copied into memory that V8 owns. Memory that V8 borrows is freed from the
/// event loop, which a synchronous read of a whole journal never reaches.
#[napi(object, object_from_js = false)]
pub struct Chunk<'env> {
    /// A newline follows each record. `None`: they are in the memory that JavaScript keeps.
    pub bytes: Option<BufferSlice<'env>>,
    /// 64-bit floats, three per record: its length in bytes without the newline,
    /// its start, and its end. `None` as for the bytes.
    pub places: Option<BufferSlice<'env>>,
    /// How many bytes there are.
    pub length: f64,
    /// How many records there are.
    pub records: f64,
    pub generation: f64,
    pub damage: Vec<DamageFound>,
    /// Whether this chunk is the last.
    pub last: bool,
    pub rewound: Option<Rewound>,
    pub restart: bool,
}

impl ToNapiValue for Found {
    unsafe fn to_napi_value(raw: sys::napi_env, mut found: Found) -> napi::Result<sys::napi_value> {
        let env = Env::from_raw(raw);
        let chunk = found.chunk(&env, false)?;
        // SAFETY: in the environment that we were called with.
        unsafe { Chunk::to_napi_value(raw, chunk) }
    }
}

struct Cursor {
    records: Records,
    /// The chunk that was read last. Its memory is used for the next.
    found: Found,
    /// The error that ended the last chunk early.
    failed: Option<Error>,
}

impl Cursor {
    /// Reads the next chunk.
    fn advance(&mut self) -> untorn::Result<()> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        let found = &mut self.found;
        found.clear();
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
        Ok(())
    }
}

impl Reader {
    pub fn new(port: &Rc<Inner>, path: &Arc<Path>, records: Records) -> Reader {
        Reader {
            port: Rc::clone(port),
            path: Arc::clone(path),
            cursor: Arc::new(Mutex::new(Some(Cursor {
                records,
                found: Found {
                    // It would grow ten times otherwise, and be copied each time.
                    bytes: Vec::with_capacity(KEPT),
                    ..Found::default()
                },
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
fn advance(cursor: &Mutex<Option<Cursor>>) -> untorn::Result<()> {
    match &mut *locked(cursor) {
        Some(cursor) => cursor.advance(),
        None => Ok(()),
    }
}

#[napi]
impl Reader {
    /// Reads the next chunk, which `take` returns.
    #[napi(catch_unwind)]
    pub fn next_sync(&self) -> napi::Result<()> {
        told(advance(&self.cursor))
    }

    #[napi(catch_unwind)]
    pub fn next(&self) -> u32 {
        let cursor = Arc::clone(&self.cursor);
        let Some(order) = &self.elsewhere else {
            return self.port.run(
                Order::Read,
                ("read", &self.path),
                false,
                move |_| advance(&cursor),
                |_, ()| (),
            );
        };
        self.port.run(
            order.clone(),
            ("read", &self.path),
            false,
            move |_| while_waiting(|| advance(&cursor)),
            |_, ()| (),
        )
    }

    /// Returns the chunk that was read last, once: in this memory, if it is given and large
    /// enough.
    #[napi(catch_unwind, ts_return_type = "Chunk")]
    pub fn take<'env>(
        &self,
        env: &'env Env,
        bytes: Option<Uint8ArraySlice<'_>>,
        places: Option<Float64ArraySlice<'_>>,
    ) -> napi::Result<Chunk<'env>> {
        let mut cursor = locked(&self.cursor);
        let mut nothing = Found {
            last: true,
            ..Found::default()
        };
        let found = match &mut *cursor {
            Some(cursor) => &mut cursor.found,
            None => &mut nothing,
        };
        let is_kept = found.copied_to(bytes.zip(places));
        found.chunk(env, is_kept)
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
