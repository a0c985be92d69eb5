//! How a journal is opened.

use untorn::{Durability, Format, Journal as CoreJournal, Result};

use crate::argument::Arguments;
use crate::bytes::Bytes;
use crate::header::{self, UNTORN_HEADER_STAMP};
use crate::options::{Options, flag, mode};
use crate::scheme::{UNTORN_ON_UNSUPPORTED_FAIL, UNTORN_SCHEME_SIDECAR, choose_scheme};

/// A finished call survives a power cut: the bytes are on the medium. The
/// default.
pub const UNTORN_DURABILITY_POWER: i32 = 0;
/// A finished call survives the end of this process and of any other: the
/// bytes are in the kernel. A power cut may lose them.
pub const UNTORN_DURABILITY_PROCESS: i32 = 1;

/// A record is one JSON value. The default.
pub const UNTORN_FORMAT_JSON: i32 = 0;
/// A record is any bytes without a newline or NUL.
pub const UNTORN_FORMAT_LINES: i32 = 1;

/// How a journal is opened. Initialise it with UNTORN_JOURNAL_OPTIONS_INIT. NULL
/// means the same as that.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct JournalOptions {
    /// sizeof(untorn_journal_options).
    pub size: usize,
    /// How long a call waits for the lock, in milliseconds; -1 (the default):
    /// for ever, 0: one try.
    pub timeout_ms: i64,
    /// How long a record may be, in bytes, without its newline. Default: 64 MiB.
    /// Longer lines are damage to a reader.
    pub max_record: u64,
    /// Permission bits of a new file. Default: 0, which is 0666 less the umask.
    pub mode: u32,
    /// UNTORN_DURABILITY_POWER (the default) or UNTORN_DURABILITY_PROCESS.
    pub durability: i32,
    /// UNTORN_FORMAT_JSON (the default) or UNTORN_FORMAT_LINES.
    pub format: i32,
    /// Not 0 (the default): an append makes the file where it is missing, also
    /// after somebody deleted it. 0: that is UNTORN_NOT_FOUND.
    pub create: i32,
    /// Not 0: missing parent directories are made at open. Default: 0.
    pub parents: i32,
    /// Not 0: an append or a repair may cut the end off a file that is plainly no
    /// journal (UTF-16, a JSON document over several lines, a binary file). 0 (the
    /// default): that is UNTORN_CORRUPT.
    pub cut_foreign_tail: i32,
    /// UNTORN_SCHEME_SIDECAR (the default), UNTORN_SCHEME_IN_PLACE or
    /// UNTORN_SCHEME_PID_FILE: the same in all programs that share the file.
    pub scheme: i32,
    /// UNTORN_ON_UNSUPPORTED_FAIL (the default) or
    /// UNTORN_ON_UNSUPPORTED_PID_FILE.
    pub on_unsupported: i32,
    /// Scheme UNTORN_SCHEME_PID_FILE: the age in milliseconds at which a lock file
    /// that nobody refreshes is taken over. At least 2,000; default: 0, which is
    /// 10,000.
    pub stale_ms: i64,
    /// An append that finds the journal larger than this, in bytes, rotates it
    /// first. Default: UNTORN_NO_LIMIT.
    pub max_bytes: u64,
    /// How many rotated files a rotation by max_bytes leaves. Default:
    /// UNTORN_NO_LIMIT.
    pub keep: u64,
    /// The journal may have a header: its first line, where that begins with these
    /// bytes. It is no record. All handles on a journal must say the same. Default:
    /// no bytes, and no header.
    pub header_prefix: Bytes,
    /// How many bytes a new header takes, its newline included: it is padded with
    /// spaces, so that later ones fit in its place. Default: 512.
    pub header_reserve: usize,
    /// UNTORN_HEADER_STAMP (the default) or UNTORN_HEADER_RENAME.
    pub header_mode: i32,
    /// Not 0: a checksum that JSON readers ignore stands behind each record, and an
    /// append of many is all or nothing across a power cut too. For format json.
    /// Default: 0.
    pub sealed: i32,
}

// SAFETY: `repr(C)`, integers, size first.
unsafe impl Options for JournalOptions {
    const NAME: &'static str = "untorn_journal_options";
    const FIRST_SIZE: usize = size_of::<JournalOptions>();

    fn defaults() -> JournalOptions {
        JournalOptions {
            size: size_of::<JournalOptions>(),
            timeout_ms: -1,
            max_record: 64 << 20,
            mode: 0,
            durability: UNTORN_DURABILITY_POWER,
            format: UNTORN_FORMAT_JSON,
            create: 1,
            parents: 0,
            cut_foreign_tail: 0,
            scheme: UNTORN_SCHEME_SIDECAR,
            on_unsupported: UNTORN_ON_UNSUPPORTED_FAIL,
            stale_ms: 0,
            max_bytes: u64::MAX,
            keep: u64::MAX,
            header_prefix: Bytes {
                data: std::ptr::null(),
                len: 0,
            },
            header_reserve: 512,
            header_mode: UNTORN_HEADER_STAMP,
            sealed: 0,
        }
    }
}

/// A durability that C chose.
pub(crate) fn durability(number: i32, arguments: &Arguments<'_>) -> Result<Durability> {
    match number {
        UNTORN_DURABILITY_POWER => Ok(Durability::Power),
        UNTORN_DURABILITY_PROCESS => Ok(Durability::Process),
        _ => Err(arguments.refuse(format!("{number} is no durability"))),
    }
}

fn format(number: i32, arguments: &Arguments<'_>) -> Result<Format> {
    match number {
        UNTORN_FORMAT_JSON => Ok(Format::Json),
        UNTORN_FORMAT_LINES => Ok(Format::Lines),
        _ => Err(arguments.refuse(format!("{number} is no format"))),
    }
}

/// Converts the options for the core.
///
/// # Safety
/// Its pointers are valid.
pub(crate) unsafe fn core_options(
    given: &JournalOptions,
    arguments: &Arguments<'_>,
) -> Result<untorn::JournalOptions> {
    let core = CoreJournal::options()
        .timeout(arguments.timeout(given.timeout_ms)?)
        .max_record(given.max_record)
        .mode(mode(given.mode))
        .durability(durability(given.durability, arguments)?)
        .format(format(given.format, arguments)?)
        .create(flag(given.create))
        .parents(flag(given.parents))
        .max_bytes((given.max_bytes != u64::MAX).then_some(given.max_bytes))
        // More than there are numbers for is all of them.
        .keep(u32::try_from(given.keep).ok());
    // SAFETY: the caller's promise.
    let prefix = unsafe {
        let prefix = given.header_prefix;
        arguments.bytes(prefix.data, prefix.len, "header_prefix")?
    };
    let core = core
        .header_reserve(given.header_reserve)
        .header_mode(header::mode(given.header_mode, arguments)?)
        .sealed(flag(given.sealed))
        .cut_foreign_tail(flag(given.cut_foreign_tail));
    let core = match prefix {
        [] => core,
        prefix => core.header_prefix(prefix),
    };
    Ok(choose_scheme!(core, given, arguments))
}
