//! The cursor over records.

use untorn::{OwnedRecord, Records as CoreRecords, Result};

use crate::argument::{Arguments, put, take_back};
use crate::code::Code;
use crate::damage;
use crate::error::Error;
use crate::guard::guard;
use crate::options::Options;
use crate::position::Position;

/// A cursor that reads a journal's records. Only one thread may use it at a time.
pub struct Records {
    source: Source,
}

enum Source {
    File(Box<CoreRecords>),
    List {
        rest: std::vec::IntoIter<OwnedRecord>,
        /// The record that the caller sees now.
        current: Option<OwnedRecord>,
        /// The end of the record before.
        position: Position,
    },
}

/// Which part of a journal is read. Initialise it with
/// UNTORN_RECORDS_OPTIONS_INIT. NULL means the same as that.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct RecordsOptions {
    /// sizeof(untorn_records_options).
    pub size: usize,
    /// The position to begin at. Default: all zero, the beginning of the file.
    pub start: Position,
    /// The most records that are read; one more is UNTORN_LIMIT_EXCEEDED.
    /// Default: UNTORN_NO_LIMIT.
    pub max_records: u64,
    /// The most bytes of records that are read; one more is
    /// UNTORN_LIMIT_EXCEEDED. Default: UNTORN_NO_LIMIT.
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

    /// Returns the next record, where it begins, and where the next line begins.
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

/// Reads the next record: *data_out and *len_out are its bytes without the
/// newline. They belong to the cursor and stay valid until its next use. After
/// the last record *data_out is NULL, and the call succeeds. Blank lines are not
/// records. Damaged stretches are skipped, and listed by untorn_records_damage().
///
/// start_out and end_out (each may be NULL) receive where the record begins, and
/// where reading continues after it. After the last record they are not written.
///
/// UNTORN_LIMIT_EXCEEDED: untorn_error_position() is where to continue reading.
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

/// Returns where reading continues: the end of the last line that was read. All
/// zero for NULL.
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

/// Returns how many damaged stretches were skipped so far. A cursor from
/// untorn_journal_tail() counts none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_records_damage_count(records: *const Records) -> u64 {
    // SAFETY: NULL or a cursor.
    match unsafe { records.as_ref() }.map(|records| &records.source) {
        Some(Source::File(records)) => records.damage_count(),
        _ => 0,
    }
}

/// Writes the damaged stretch number index, from 0 and in file order: its kind (a
/// UNTORN_DAMAGE_ number), where it begins and how long it is, in bytes. Each
/// output may be NULL. Returns false and writes nothing if the list is shorter.
/// Only the first 1,024 stretches are listed.
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

/// Frees a cursor. NULL is allowed and does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_records_free(records: *mut Records) {
    // SAFETY: NULL or a cursor, which the caller uses no more.
    unsafe { take_back(records) }
}
