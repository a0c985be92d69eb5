// Generated from spec/options.toml by `cargo xtask generate`. Do not edit.
//! How handles are opened.

use untorn::Result;

use crate::argument::Arguments;
use crate::bytes::Bytes;
use crate::options::{Options, flag, mode};
use crate::scheme::choose_scheme;
use crate::words::*;

/// How a journal is opened. Initialise it with UNTORN_JOURNAL_OPTIONS_INIT.
/// NULL means the same as that.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct JournalOptions {
    /// sizeof(untorn_journal_options).
    pub size: usize,
    /// How long a call waits for the lock. In milliseconds. -1 (the default) waits
    /// without a limit, 0 tries once.
    pub timeout_ms: i64,
    /// How many bytes a record may have, without its newline. Longer lines are
    /// damage to a reader. Default: 64 MiB.
    pub max_record: u64,
    /// Permission bits of a new file. A file that exists keeps its own. Default: 0,
    /// which is 0666 less the umask.
    pub mode: u32,
    /// The failure that a finished call survives: a power cut (power), or the end
    /// of any process (process). UNTORN_DURABILITY_POWER (the default) or
    /// UNTORN_DURABILITY_PROCESS.
    pub durability: i32,
    /// The format of the records. UNTORN_FORMAT_JSON (the default) or
    /// UNTORN_FORMAT_LINES.
    pub format: i32,
    /// Whether an append creates the file if it is missing, also after it was
    /// deleted. If not, the append fails with UNTORN_NOT_FOUND. Not 0 means yes.
    /// Default: 1.
    pub create: i32,
    /// Whether missing parent directories are created when the handle is opened.
    /// Not 0 means yes. Default: 0.
    pub parents: i32,
    /// Whether an append, a rewrite or a repair may change a file that is plainly
    /// not a journal, and cut its end off. Such a file is UTF-16, a JSON document
    /// over several lines, or binary. If not, it fails with UNTORN_CORRUPT. Format
    /// json only. Not 0 means yes. Default: 0.
    pub cut_foreign_tail: i32,
    /// Which file carries the lock. All programs that share the file must use the
    /// same scheme. UNTORN_SCHEME_SIDECAR (the default), UNTORN_SCHEME_IN_PLACE or
    /// UNTORN_SCHEME_PID_FILE.
    pub scheme: i32,
    /// The reaction to a file system that reports that it does not lock files.
    /// UNTORN_ON_UNSUPPORTED_FAIL (the default) or UNTORN_ON_UNSUPPORTED_PID_FILE.
    pub on_unsupported: i32,
    /// Scheme pid-file only: the age at which a lock file without a refresh is
    /// taken over. At least 2 s. In milliseconds; default: 0, which is 10,000.
    pub stale_ms: i64,
    /// An append that finds the journal larger than this many bytes rotates it
    /// first. So the journal is never larger than this and one append. If the
    /// rotation fails, so does the append. Default: UNTORN_NO_LIMIT.
    pub max_bytes: u64,
    /// How many rotated files a rotation by max_bytes leaves, including those of
    /// rewind and rotate. It removes older ones. It neither counts nor removes a
    /// file that only has such a name, or that another program copied, replaced or
    /// appended to. Default: UNTORN_NO_LIMIT.
    pub keep: u64,
    /// The journal may have a header: its first line, if that begins with these
    /// bytes. The header is not a record. All handles on a journal must have the
    /// same prefix. A handle without it sees the header as a record. Default: no
    /// bytes, and no header.
    pub header_prefix: Bytes,
    /// How many bytes a new header takes, including its newline. It is padded with
    /// spaces, so that later ones fit in its place. A longer header takes as much
    /// as it needs. Default: 512.
    pub header_reserve: usize,
    /// How an existing header is changed: in its place if it fits (stamp), or
    /// always with a new file (rename). UNTORN_HEADER_STAMP (the default) or
    /// UNTORN_HEADER_RENAME.
    pub header_mode: i32,
    /// Whether a checksum follows each record (35 bytes per record). JSON readers
    /// take it for white space. It detects bit rot and spliced lines. It also makes
    /// an append of many records all or nothing across a power cut. Format json
    /// only. Not 0 means yes. Default: 0.
    pub sealed: i32,
}

// SAFETY: `repr(C)`, integers and pointers, size first.
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

/// Converts the options for the core.
///
/// # Safety
/// Its pointers are valid.
pub(crate) unsafe fn journal(
    given: &JournalOptions,
    arguments: &Arguments<'_>,
) -> Result<untorn::JournalOptions> {
    let core = untorn::Journal::options()
        .timeout(arguments.timeout(given.timeout_ms)?)
        .max_record(given.max_record)
        .mode(mode(given.mode))
        .durability(durability(given.durability, arguments)?)
        .format(format(given.format, arguments)?)
        .create(flag(given.create))
        .parents(flag(given.parents))
        .cut_foreign_tail(flag(given.cut_foreign_tail))
        .max_bytes((given.max_bytes != u64::MAX).then_some(given.max_bytes))
        .keep(u32::try_from(given.keep).ok())
        .header_reserve(given.header_reserve)
        .header_mode(header_mode(given.header_mode, arguments)?)
        .sealed(flag(given.sealed));
    let Bytes { data, len } = given.header_prefix;
    // SAFETY: the caller's promise.
    let core = match unsafe { arguments.bytes(data, len, "header_prefix")? } {
        [] => core,
        bytes => core.header_prefix(bytes),
    };
    Ok(choose_scheme!(core, given, arguments))
}

/// How a document is opened. Initialise it with UNTORN_DOCUMENT_OPTIONS_INIT.
/// NULL means the same as that.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct DocumentOptions {
    /// sizeof(untorn_document_options).
    pub size: usize,
    /// How long a call waits for the lock. In milliseconds. -1 (the default) waits
    /// without a limit, 0 tries once.
    pub timeout_ms: i64,
    /// Permission bits of a new file. A file that exists keeps its own. Default: 0,
    /// which is 0666 less the umask.
    pub mode: u32,
    /// The failure that a finished call survives: a power cut (power), or the end
    /// of any process (process). UNTORN_DURABILITY_POWER (the default) or
    /// UNTORN_DURABILITY_PROCESS.
    pub durability: i32,
    /// Whether missing parent directories are created when the handle is opened.
    /// Not 0 means yes. Default: 0.
    pub parents: i32,
    /// 0.
    pub reserved: i32,
    /// Which file carries the lock. All programs that share the file must use the
    /// same scheme. UNTORN_SCHEME_SIDECAR (the default), UNTORN_SCHEME_IN_PLACE or
    /// UNTORN_SCHEME_PID_FILE.
    pub scheme: i32,
    /// The reaction to a file system that reports that it does not lock files.
    /// UNTORN_ON_UNSUPPORTED_FAIL (the default) or UNTORN_ON_UNSUPPORTED_PID_FILE.
    pub on_unsupported: i32,
    /// Scheme pid-file only: the age at which a lock file without a refresh is
    /// taken over. At least 2 s. In milliseconds; default: 0, which is 10,000.
    pub stale_ms: i64,
}

// SAFETY: `repr(C)`, integers and pointers, size first.
unsafe impl Options for DocumentOptions {
    const NAME: &'static str = "untorn_document_options";
    const FIRST_SIZE: usize = size_of::<DocumentOptions>();

    fn defaults() -> DocumentOptions {
        DocumentOptions {
            size: size_of::<DocumentOptions>(),
            timeout_ms: -1,
            mode: 0,
            durability: UNTORN_DURABILITY_POWER,
            parents: 0,
            reserved: 0,
            scheme: UNTORN_SCHEME_SIDECAR,
            on_unsupported: UNTORN_ON_UNSUPPORTED_FAIL,
            stale_ms: 0,
        }
    }
}

/// Converts the options for the core.
pub(crate) fn document(
    given: &DocumentOptions,
    arguments: &Arguments<'_>,
) -> Result<untorn::DocumentOptions> {
    let core = untorn::Document::options()
        .timeout(arguments.timeout(given.timeout_ms)?)
        .mode(mode(given.mode))
        .durability(durability(given.durability, arguments)?)
        .parents(flag(given.parents));
    Ok(choose_scheme!(core, given, arguments))
}
