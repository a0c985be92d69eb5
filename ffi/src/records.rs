//! The cursor over records.

use untorn::{OwnedRecord, Records as CoreRecords, Result};

use crate::argument::{Arguments, put, take_back};
use crate::code::Code;
use crate::damage;
use crate::error::Error;
use crate::guard::guard;
use crate::options::Options;
use crate::position::Position;

/// Reads a journal's records. For one thread at a time.
pub struct Records {
    source: Source,
}

enum Source {
    File(Box<CoreRecords>),
    List {
        rest: std::vec::IntoIter<OwnedRecord>,
        /// The record that is lent.
        current: Option<OwnedRecord>,
        /// The end of the last one that was.
        position: Position,
    },
}

/// What of a journal is read. To be initialised with
/// UNTORN_RECORDS_OPTIONS_INIT; NULL is the same as that.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct RecordsOptions {
    /// sizeof(untorn_records_options).
    pub size: usize,
    /// Where to begin. Default: all zero, the beginning of the file.
    pub start: Position,
    /// One more record than this is UNTORN_LIMIT_EXCEEDED. Default:
    /// UNTORN_NO_LIMIT.
    pub max_records: u64,
    /// One more byte of records than this is UNTORN_LIMIT_EXCEEDED. Default:
    /// UNTORN_NO_LIMIT.
    pub max_bytes: u64,
}

// SAFETY: `repr(C)`, integers, size first.
unsafe impl Options for RecordsOptions {
    const NAME: &'static str = "untorn_records_options";
    const FIRST_SIZE: usize = size_of::<RecordsOptions>();

    fn defaults() -> RecordsOptions {
        RecordsOptions {
            size: size_of::<RecordsOptions>(),
            start: Position {
                generation: 0,
                offset: 0,
            },
            max_records: u64::MAX,
            max_bytes: u64::MAX,
        }
    }
}

impl RecordsOptions {
    pub(crate) fn limit(&self, records: CoreRecords) -> CoreRecords {
        let limit = |number: u64| (number != u64::MAX).then_some(number);
        records.limits(limit(self.max_records), limit(self.max_bytes))
    }
}

impl Records {
    pub(crate) fn of_file(records: CoreRecords) -> Records {
        Records {
            source: Source::File(Box::new(records)),
        }
    }

    pub(crate) fn of_list(records: Vec<OwnedRecord>) -> Records {
        Records {
            source: Source::List {
                position: records.first().map_or(
                    Position {
                        generation: 0,
                        offset: 0,
                    },
                    |first| first.start.into(),
                ),
                rest: records.into_iter(),
                current: None,
            },
        }
    }

    /// The next record, where it begins, and where the next line begins.
    fn next(&mut self) -> Result<Option<(&[u8], Position, Position)>> {
        match &mut self.source {
            Source::File(records) => Ok(records
                .next_record()?
                .map(|record| (record.bytes, record.start.into(), record.end.into()))),
            Source::List {
                rest,
                current,
                position,
            } => {
                *current = rest.next();
                Ok(current.as_ref().map(|record| {
                    *position = record.end.into();
                    (&record.bytes[..], record.start.into(), *position)
                }))
            }
        }
    }
}

/// The next record: *data_out and *len_out are its bytes without the newline,
/// which belong to the cursor and stay until its next use. After the last record
/// *data_out is NULL, and the call succeeds. Blank lines are no records; damaged
/// stretches are skipped, and listed by untorn_records_damage().
///
/// start_out and end_out (each may be NULL) get where the record begins, and
/// where reading goes on behind it; they are not written after the last record.
///
/// UNTORN_LIMIT_EXCEEDED: untorn_error_position() is where to read on.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_records_next(
    records: *mut Records,
    data_out: *mut *const u8,
    len_out: *mut usize,
    start_out: *mut Position,
    end_out: *mut Position,
    error_out: *mut *mut Error,
) -> Code {
    guard(error_out, "read", || {
        let arguments = Arguments::of("read");
        // SAFETY: as the header says of every argument.
        let (records, data_out, len_out) = unsafe {
            (
                arguments.object_mut(records, "records")?,
                arguments.output(data_out, "data_out")?,
                arguments.output(len_out, "len_out")?,
            )
        };
        match records.next()? {
            Some((bytes, start, end)) => {
                data_out.put(bytes.as_ptr());
                len_out.put(bytes.len());
                // SAFETY: NULL or places for them.
                unsafe {
                    put(start_out, start);
                    put(end_out, end);
                }
            }
            None => {
                data_out.put(std::ptr::null());
                len_out.put(0);
            }
        }
        Ok(())
    })
}

/// Where reading goes on: the end of the last line that was read. All zero for
/// NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_records_position(records: *const Records) -> Position {
    // SAFETY: NULL or a cursor.
    match unsafe { records.as_ref() }.map(|records| &records.source) {
        Some(Source::File(records)) => (**records).position().into(),
        Some(Source::List { position, .. }) => *position,
        None => Position {
            generation: 0,
            offset: 0,
        },
    }
}

/// How many damaged stretches were skipped so far. (Of a tail: none is counted.)
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_records_damage_count(records: *const Records) -> u64 {
    // SAFETY: NULL or a cursor.
    match unsafe { records.as_ref() }.map(|records| &records.source) {
        Some(Source::File(records)) => records.damage_count(),
        _ => 0,
    }
}

/// The damaged stretch number index, from 0 and in file order: its kind (a
/// UNTORN_DAMAGE_ number), where it begins and how long it is, in bytes; each
/// may be NULL. False, and nothing written, if there are no more; the first 1,024
/// are listed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_records_damage(
    records: *const Records,
    index: usize,
    kind_out: *mut i32,
    offset_out: *mut u64,
    length_out: *mut u64,
) -> bool {
    // SAFETY: NULL or a cursor.
    let list = match unsafe { records.as_ref() }.map(|records| &records.source) {
        Some(Source::File(records)) => records.damage(),
        _ => &[],
    };
    // SAFETY: each NULL or a place for it.
    unsafe { damage::give(list, index, kind_out, offset_out, length_out) }
}

/// Frees a cursor. NULL is nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_records_free(records: *mut Records) {
    // SAFETY: NULL or a cursor, which the caller uses no more.
    unsafe { take_back(records) }
}
