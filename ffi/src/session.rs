//! Sessions: one directory each, with at most one owner.

use std::ffi::{CString, c_char};

use untorn::{Lease as CoreLease, Result, Session as CoreSession};

use crate::argument::{Arguments, put, take_back};
use crate::call::{self, CallOptions};
use crate::code::Code;
use crate::document::Document;
use crate::error::Error;
use crate::guard::{guard, quietly};
use crate::journal::Journal;
use crate::known_holder::Holder;
use crate::process::Process;
use crate::text::{self, c_path, c_string, pointer};

/// A session: a directory with a journal, a state document, media files and a
/// lease.
pub struct Session {
    pub(crate) core: CoreSession,
    key: CString,
    path: CString,
}

impl Session {
    pub(crate) fn new(core: CoreSession) -> Session {
        Session {
            key: c_string(core.key()),
            path: c_path(core.path()),
            core,
        }
    }
}

/// The lease of a session. No other process owns the session until the lease is
/// released or its process dies, in whatever way.
pub struct Lease {
    pub(crate) core: CoreLease,
    holder: Holder,
    previous: Option<Holder>,
}

impl Lease {
    fn new(core: CoreLease) -> Lease {
        Lease {
            holder: Holder::new(core.holder().clone()),
            previous: core.previous().cloned().map(Holder::new),
            core,
        }
    }
}

/// # Safety
/// NULL or a session.
pub(crate) unsafe fn of<'a>(
    operation: &'static str,
    session: *const Session,
) -> Result<&'a CoreSession> {
    // SAFETY: the caller's promise.
    Ok(unsafe { &Arguments::of(operation).object(session, "session")?.core })
}

/// Returns the key. The string belongs to the session.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_session_key(session: *const Session) -> *const c_char {
    // SAFETY: NULL or a session.
    pointer(unsafe { session.as_ref() }.map(|session| &session.key))
}

/// Returns the session's directory. The string belongs to the session.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_session_path(session: *const Session) -> *const c_char {
    // SAFETY: NULL or a session.
    pointer(unsafe { session.as_ref() }.map(|session| &session.path))
}

/// Checks whether the session exists.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_session_exists(
    session: *const Session,
    exists_out: *mut bool,
    error_out: *mut *mut Error,
) -> Code {
    guard(error_out, "exists", || {
        // SAFETY: as the header says of every argument.
        let (session, exists_out) = unsafe {
            let exists_out = Arguments::of("exists").output(exists_out, "exists_out")?;
            (of("exists", session)?, exists_out)
        };
        exists_out.put(session.exists()?);
        Ok(())
    })
}

/// Opens the session's journal. The first change creates the session. Close it
/// with untorn_journal_close().
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_session_journal(
    session: *const Session,
    journal_out: *mut *mut Journal,
    error_out: *mut *mut Error,
) -> Code {
    guard(error_out, "open", || {
        // SAFETY: as the header says of every argument.
        let (session, journal_out) = unsafe {
            let journal_out = Arguments::of("open").output(journal_out, "journal_out")?;
            (of("open", session)?, journal_out)
        };
        journal_out.give(Journal::new(session.journal()?));
        Ok(())
    })
}

/// Opens the session's state document. The first change creates the session.
/// Close it with untorn_document_close().
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_session_state(
    session: *const Session,
    document_out: *mut *mut Document,
    error_out: *mut *mut Error,
) -> Code {
    guard(error_out, "open", || {
        // SAFETY: as the header says of every argument.
        let (session, document_out) = unsafe {
            let document_out = Arguments::of("open").output(document_out, "document_out")?;
            (of("open", session)?, document_out)
        };
        document_out.give(Document::new(session.state()?));
        Ok(())
    })
}

/// Opens another document in the session's directory. Close it with
/// untorn_document_close().
///
/// UNTORN_INVALID_ARGUMENT for a name that contains a path, or that this library
/// uses itself.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_session_document(
    session: *const Session,
    file_name: *const c_char,
    document_out: *mut *mut Document,
    error_out: *mut *mut Error,
) -> Code {
    guard(error_out, "open", || {
        let arguments = Arguments::of("open");
        // SAFETY: as the header says of every argument.
        let (session, file_name, document_out) = unsafe {
            let document_out = arguments.output(document_out, "document_out")?;
            let file_name = arguments.required_text(file_name, "file_name")?;
            (of("open", session)?, file_name, document_out)
        };
        document_out.give(Document::new(session.document(&file_name)?));
        Ok(())
    })
}

/// Returns the path for the media file of this name: always the same for one
/// name, and never the same for two, whatever the names are. Free *path_out with
/// untorn_string_free(). This call creates the directory; the caller writes the
/// file.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_session_media(
    session: *const Session,
    media_name: *const c_char,
    path_out: *mut *mut c_char,
    error_out: *mut *mut Error,
) -> Code {
    guard(error_out, "media", || {
        let arguments = Arguments::of("media");
        // SAFETY: as the header says of every argument.
        let (session, media_name, path_out) = unsafe {
            let path_out = arguments.output(path_out, "path_out")?;
            let media_name = arguments.required_text(media_name, "media_name")?;
            (of("media", session)?, media_name, path_out)
        };
        path_out.put(text::give_path(&session.media(&media_name)?));
        Ok(())
    })
}

/// Finds out which process owns the session. Takes no lock. *holder_out is NULL
/// if no process does; else free it with untorn_holder_free().
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_session_holder(
    session: *const Session,
    holder_out: *mut *mut Holder,
    error_out: *mut *mut Error,
) -> Code {
    guard(error_out, "holder", || {
        // SAFETY: as the header says of every argument.
        let (session, holder_out) = unsafe {
            let holder_out = Arguments::of("holder").output(holder_out, "holder_out")?;
            (of("holder", session)?, holder_out)
        };
        match session.holder()? {
            Some(holder) => holder_out.give(Holder::new(holder)),
            None => holder_out.put(std::ptr::null_mut()),
        }
        Ok(())
    })
}

/// Makes this process the session's owner. label (may be NULL) is what other
/// processes see. With call NULL it tries once; else it waits as long as call
/// says (UNTORN_TIMEOUT_OF_HANDLE: the store's timeout). Release the lease with
/// untorn_lease_release().
///
/// UNTORN_LOCKED and UNTORN_LOCK_TIMEOUT name the owner.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_session_claim(
    session: *const Session,
    label: *const c_char,
    call: *const CallOptions,
    lease_out: *mut *mut Lease,
    error_out: *mut *mut Error,
) -> Code {
    guard(error_out, "claim", || {
        let arguments = Arguments::of("claim");
        // SAFETY: as the header says of every argument.
        let (session, label, given, lease_out) = unsafe {
            let lease_out = arguments.output(lease_out, "lease_out")?;
            let label = arguments.text(label, "label")?.unwrap_or_default();
            let given = call::read(call, &arguments)?;
            (of("claim", session)?, label, given, lease_out)
        };
        lease_out.give(Lease::new(if call.is_null() {
            session.claim(label)?
        } else {
            session.claim_with(label, &given)?
        }));
        Ok(())
    })
}

/// Frees a session. NULL is allowed and does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_session_free(session: *mut Session) {
    // SAFETY: NULL or a session, which the caller uses no more.
    unsafe { take_back(session) }
}

/// Returns this process as others see it. It belongs to the lease.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_lease_holder(lease: *const Lease) -> *const Holder {
    // SAFETY: NULL or a lease.
    unsafe { lease.as_ref() }.map_or(std::ptr::null(), |lease| &raw const lease.holder)
}

/// Returns the previous owner if it died without releasing the session; else
/// NULL. It belongs to the lease.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_lease_previous(lease: *const Lease) -> *const Holder {
    // SAFETY: NULL or a lease.
    let previous = unsafe { lease.as_ref() }.and_then(|lease| lease.previous.as_ref());
    previous.map_or(std::ptr::null(), std::ptr::from_ref)
}

/// Returns whether this process holds it: false in a child of fork().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_lease_is_held(lease: *const Lease) -> bool {
    // SAFETY: NULL or a lease.
    unsafe { lease.as_ref() }.is_some_and(|lease| quietly(false, || lease.core.is_held()))
}

/// Hands the session over to another process of this machine, its successor,
/// which takes it with untorn_session_claim(). No other process gets the session
/// until the successor has taken it or has ended. From now on this lease holds
/// nothing, but you must still release it.
///
/// UNTORN_INVALID_ARGUMENT: the process has ended, or can't be seen from here.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_lease_transfer(
    lease: *const Lease,
    to: *const Process,
    error_out: *mut *mut Error,
) -> Code {
    guard(error_out, "transfer", || {
        let arguments = Arguments::of("transfer");
        // SAFETY: as the header says of every argument.
        let (lease, to) = unsafe {
            let lease = &arguments.object(lease, "lease")?.core;
            (lease, &arguments.object(to, "to")?.core)
        };
        lease.transfer(to)
    })
}

/// Releases the session and frees the lease, even if releasing fails. In a child
/// of fork() it only frees the lease. *released_out (may be NULL) is false if the
/// release could not be recorded. The session then counts as owned until this
/// process ends.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_lease_release(lease: *mut Lease, released_out: *mut bool) {
    // SAFETY: NULL or a lease.
    let released = unsafe { lease.as_ref() }
        .is_none_or(|lease| quietly(false, || lease.core.release().is_ok()));
    // SAFETY: NULL or a place; and the caller uses the lease no more.
    unsafe {
        put(released_out, released);
        take_back(lease);
    }
}
