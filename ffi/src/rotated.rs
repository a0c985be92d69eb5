//! The rotated files of a journal.

use std::ffi::{CString, c_char};
use std::time::Duration;

use crate::argument::{Arguments, put, take_back};
use crate::call::{self, CallOptions};
use crate::code::Code;
use crate::error::Error;
use crate::guard::guard;
use crate::journal::Journal;
use crate::place::both;
use crate::text::{c_path, pointer};

/// The rotated files of a journal. The strings that untorn_rotated_path() returns belong
/// to it.
pub struct Rotated {
    paths: Vec<CString>,
}

/// Lists the rotated files of this journal that exist, oldest first: those that rotate,
/// rewind and max_bytes made. A file that another program copied, replaced or appended
/// to since is not among them. Takes no lock. Free the list with untorn_rotated_free().
/// In a database they are files of the session.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_journal_rotated(
    journal: *const Journal,
    rotated_out: *mut *mut Rotated,
    error_out: *mut *mut Error,
) -> Code {
    guard(error_out, "rotated", || {
        let arguments = Arguments::of("rotated");
        // SAFETY: as the header says of every argument.
        let (journal, rotated_out) = unsafe {
            let journal = arguments.object(journal, "journal")?;
            let arguments = arguments.on(journal.path());
            (journal, arguments.output(rotated_out, "rotated_out")?)
        };
        let paths = both!(&journal.core, core => {
            core.rotated()?.iter().map(|path| c_path(path.as_ref())).collect()
        });
        rotated_out.give(Rotated { paths });
        Ok(())
    })
}

/// Returns the path number index of a list, from 0; NULL if the list is shorter. The
/// string belongs to the list.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_rotated_path(
    rotated: *const Rotated,
    index: usize,
) -> *const c_char {
    // SAFETY: NULL or a list.
    pointer(unsafe { rotated.as_ref() }.and_then(|rotated| rotated.paths.get(index)))
}

/// Frees a list of rotated files. NULL is allowed and does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_rotated_free(rotated: *mut Rotated) {
    // SAFETY: NULL or a list, which the caller uses no more.
    unsafe { take_back(rotated) }
}

/// Removes rotated files, oldest first: all but the newest keep, and of these only files
/// last written to longer ago than this many milliseconds (0: any). Their records are
/// gone. A reader or follower that has not read them yet reports a rewind.
/// *count_out (may be NULL) is how many were removed.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_journal_prune_rotated(
    journal: *const Journal,
    keep: u64,
    older_than_ms: u64,
    call: *const CallOptions,
    count_out: *mut u64,
    error_out: *mut *mut Error,
) -> Code {
    guard(error_out, "prune_rotated", || {
        let arguments = Arguments::of("prune_rotated");
        // SAFETY: as the header says of every argument.
        let (journal, call) = unsafe {
            let journal = arguments.object(journal, "journal")?;
            (journal, call::read(call, &arguments.on(journal.path()))?)
        };
        let age = Duration::from_millis(older_than_ms);
        let count = both!(&journal.core, core => core.prune_rotated_with(keep, age, &call))?;
        // SAFETY: NULL or a place for it.
        unsafe { put(count_out, count) };
        Ok(())
    })
}
