//! Sessions: one directory each, with at most one owner.

use std::ffi::{CString, c_char};
use std::path::Path;

use untorn::{Lease as CoreLease, Result, Session as CoreSession};
use untorn_postgres::{Lease as EngineLease, Session as EngineSession};

use crate::argument::{Arguments, put, take_back};
use crate::call::{self, CallOptions};
use crate::cancel::Cancel;
use crate::code::Code;
use crate::document::Document;
use crate::error::Error;
use crate::guard::{guard, quietly};
use crate::journal::Journal;
use crate::known_holder::Holder;
use crate::place::{Place, both, each};
use crate::process::Process;
use crate::text::{self, c_path, c_string, pointer};
use crate::transaction::Transaction;

/// A session: a journal, a state document, other files and a lease. It is a
/// directory, or rows of a database.
pub struct Session {
    pub(crate) core: Place<CoreSession, EngineSession>,
    key: CString,
    path: CString,
}

impl Session {
    pub(crate) fn new(core: Place<CoreSession, EngineSession>) -> Session {
        Session {
            key: c_string(both!(&core, core => core.key())),
            path: c_path(path_of(&core)),
            core,
        }
    }
}

fn path_of(core: &Place<CoreSession, EngineSession>) -> &Path {
    match core {
        Place::Files(session) => session.path(),
        Place::Database(session) => session.name(),
    }
}

/// The lease of a session. No other process owns the session until the lease is
/// released or its process dies, in whatever way. In a database it also ends with its
/// time to live, which a thread of this library renews. A process that lost it so can
/// change nothing more: UNTORN_LEASE_LOST.
pub struct Lease {
    core: Place<CoreLease, EngineLease>,
    holder: Holder,
    previous: Option<Holder>,
    lost: Option<Cancel>,
}

impl Lease {
    fn new(core: Place<CoreLease, EngineLease>) -> Lease {
        Lease {
            holder: Holder::new(both!(&core, core => core.holder().clone())),
            previous: both!(&core, core => core.previous().cloned()).map(Holder::new),
            lost: match &core {
                Place::Files(_) => None,
                Place::Database(core) => Some(Cancel {
                    token: core.lost().clone(),
                }),
            },
            core,
        }
    }
}

/// # Safety
/// NULL or a session.
pub(crate) unsafe fn of<'a>(
    operation: &'static str,
    session: *const Session,
) -> Result<&'a Session> {
    // SAFETY: the caller's promise.
    unsafe { Arguments::of(operation).object(session, "session") }
}

/// Returns the key. The string belongs to the session.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_session_key(session: *const Session) -> *const c_char {
    // SAFETY: NULL or a session.
    pointer(unsafe { session.as_ref() }.map(|session| &session.key))
}

/// Returns the session's directory; in a database its name: schema and key. The
/// string belongs to the session.
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
        exists_out.put(both!(&session.core, core => core.exists())?);
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
        let journal = each!(&session.core, core => core.journal()?);
        journal_out.give(Journal::new(journal));
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
        let document = each!(&session.core, core => core.state()?);
        document_out.give(Document::new(document));
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
        let document = each!(&session.core, core => core.document(&file_name)?);
        document_out.give(Document::new(document));
        Ok(())
    })
}

/// Begins a transaction on the session's files: journal, state and other documents
/// change together or not at all. Free it with untorn_transaction_free().
///
/// For files as untorn_transaction_begin(). In a database nothing is sent or locked
/// before the commit.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_session_transaction(
    session: *const Session,
    call: *const CallOptions,
    transaction_out: *mut *mut Transaction,
    error_out: *mut *mut Error,
) -> Code {
    guard(error_out, "begin", || {
        let arguments = Arguments::of("begin");
        // SAFETY: as the header says of every argument.
        let (session, call, transaction_out) = unsafe {
            let transaction_out = arguments.output(transaction_out, "transaction_out")?;
            let call = call::read(call, &arguments)?;
            (of("begin", session)?, call, transaction_out)
        };
        let transaction = match &session.core {
            Place::Files(core) => Place::Files(core.transaction_with(&call)?),
            Place::Database(core) => Place::Database(core.transaction()?),
        };
        transaction_out.give(Transaction::new(transaction));
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
        let files = session.core.files("media", path_of(&session.core))?;
        path_out.put(text::give_path(&files.media(&media_name)?));
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
        match both!(&session.core, core => core.holder())? {
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
            each!(&session.core, core => core.claim(label)?)
        } else {
            each!(&session.core, core => core.claim_with(label, &given)?)
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

/// Returns a token that is cancelled once this process learns that the lease is
/// lost. untorn_call_options.cancel takes it, to end a wait then. Only leases in a
/// database can be lost: else it is NULL. It belongs to the lease.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_lease_lost(lease: *const Lease) -> *const Cancel {
    // SAFETY: NULL or a lease.
    let lost = unsafe { lease.as_ref() }.and_then(|lease| lease.lost.as_ref());
    lost.map_or(std::ptr::null(), std::ptr::from_ref)
}

/// Returns the number that fences the owner's changes, for statements of your own; 0
/// for files.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_lease_token(lease: *const Lease) -> i64 {
    // SAFETY: NULL or a lease.
    match unsafe { lease.as_ref() }.map(|lease| &lease.core) {
        Some(Place::Database(core)) => core.token(),
        _ => 0,
    }
}

/// Returns whether this process holds it: false in a child of fork().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_lease_is_held(lease: *const Lease) -> bool {
    // SAFETY: NULL or a lease.
    unsafe { lease.as_ref() }
        .is_some_and(|lease| quietly(false, || both!(&lease.core, core => core.is_held())))
}

/// Hands the session over to another process of this machine (in a database: of any
/// machine), its successor,
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
            let lease = arguments.object(lease, "lease")?;
            (lease, &arguments.object(to, "to")?.core)
        };
        both!(&lease.core, core => core.transfer(to))
    })
}

/// Releases the session and frees the lease, even if releasing fails. In a child
/// of fork() it only frees the lease. *released_out (may be NULL) is false if the
/// release could not be recorded. The session then counts as owned until this
/// process ends; in a database until its time to live ends, or it was lost before.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_lease_release(lease: *mut Lease, released_out: *mut bool) {
    // SAFETY: NULL or a lease.
    let released = unsafe { lease.as_ref() }
        .is_none_or(|lease| quietly(false, || both!(&lease.core, core => core.release().is_ok())));
    // SAFETY: NULL or a place; and the caller uses the lease no more.
    unsafe {
        put(released_out, released);
        take_back(lease);
    }
}
