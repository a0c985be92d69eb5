//! A directory of sessions.

use std::ffi::{CString, c_char};
use std::path::Path;

use untorn::Store as CoreStore;
use untorn_postgres::Store as EngineStore;

use crate::argument::{Arguments, put, take_back};
use crate::call::{self, CallOptions};
use crate::code::Code;
use crate::error::Error;
use crate::guard::guard;
use crate::option_structs::{self, JournalOptions};
use crate::options::{self, Options, flag};
use crate::place::{Place, both, each};
use crate::session::Session;
use crate::text::{c_path, c_string, pointer};
use crate::words::{UNTORN_DURABILITY_POWER, durability};

/// A store: the sessions of a directory or of a schema of a database, found by their
/// keys. In a database the verbs that only files have are UNTORN_UNSUPPORTED.
pub struct Store {
    pub(crate) core: Place<CoreStore, EngineStore>,
    path: CString,
}

impl Store {
    pub(crate) fn new(core: Place<CoreStore, EngineStore>) -> Store {
        Store {
            path: c_path(path_of(&core)),
            core,
        }
    }

    /// Returns the directory, or the schema.
    pub(crate) fn path(&self) -> &Path {
        path_of(&self.core)
    }
}

fn path_of(core: &Place<CoreStore, EngineStore>) -> &Path {
    match core {
        Place::Files(store) => store.path(),
        Place::Database(store) => store.name(),
    }
}

/// How a store is opened. Initialise it with UNTORN_STORE_OPTIONS_INIT. NULL
/// means the same as that.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct StoreOptions {
    /// sizeof(untorn_store_options).
    pub size: usize,
    /// How long a call waits for a lock, in milliseconds. -1 (the default) waits without
    /// a limit, 0 tries once.
    pub timeout_ms: i64,
    /// The name of the journal in a session's directory. NULL (the default):
    /// journal.jsonl.
    pub journal_name: *const c_char,
    /// The name of the state document in a session's directory. NULL (the default):
    /// state.json.
    pub state_name: *const c_char,
    /// How the sessions' journals are opened. NULL: the defaults. Its timeout and
    /// durability are ignored.
    pub journal: *const JournalOptions,
    /// UNTORN_DURABILITY_POWER (the default) or UNTORN_DURABILITY_PROCESS.
    pub durability: i32,
    /// Not 0 (the default): the directory is created if it is missing. 0: opening
    /// returns UNTORN_NOT_FOUND then.
    pub create: i32,
}

// SAFETY: `repr(C)`, integers and pointers, size first.
unsafe impl Options for StoreOptions {
    const NAME: &'static str = "untorn_store_options";
    const FIRST_SIZE: usize = size_of::<StoreOptions>();

    fn defaults() -> StoreOptions {
        StoreOptions {
            size: size_of::<StoreOptions>(),
            timeout_ms: -1,
            journal_name: std::ptr::null(),
            state_name: std::ptr::null(),
            journal: std::ptr::null(),
            durability: UNTORN_DURABILITY_POWER,
            create: 1,
        }
    }
}

/// Opens the store at dir. Close it with untorn_store_close().
/// untorn_store_open_postgres() opens one in a database.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_store_open(
    dir: *const c_char,
    options: *const StoreOptions,
    store_out: *mut *mut Store,
    error_out: *mut *mut Error,
) -> Code {
    guard(error_out, "open", || {
        let arguments = Arguments::of("open");
        // SAFETY: as the header says of every argument.
        unsafe {
            let dir = arguments.file(dir, "dir")?;
            let arguments = arguments.on(&dir);
            let given = options::read(options, &arguments)?;
            let store_out = arguments.output(store_out, "store_out")?;
            let mut core = CoreStore::options();
            if let Some(name) = arguments.text(given.journal_name, "journal_name")? {
                core = core.journal_name(name);
            }
            if let Some(name) = arguments.text(given.state_name, "state_name")? {
                core = core.state_name(name);
            }
            if !given.journal.is_null() {
                let journal = options::read(given.journal, &arguments)?;
                core = core.journal(option_structs::journal(&journal, &arguments)?);
            }
            // After the journal's options, because the store's own take
            // precedence.
            let core = core
                .timeout(arguments.timeout(given.timeout_ms)?)
                .durability(durability(given.durability, &arguments)?)
                .create(flag(given.create))
                .open(&dir)?;
            store_out.give(Store::new(Place::Files(core)));
        }
        Ok(())
    })
}

/// Returns the directory, with every symbolic link resolved; for a store in a
/// database its schema. The string belongs to the store.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_store_path(store: *const Store) -> *const c_char {
    // SAFETY: NULL or a store.
    pointer(unsafe { store.as_ref() }.map(|store| &store.path))
}

/// Returns the session with this key, which may be any text. The session need not
/// exist yet, and this call creates nothing. The object is independent of the
/// store's handle. Free it with untorn_session_free().
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_store_session(
    store: *const Store,
    key: *const c_char,
    session_out: *mut *mut Session,
    error_out: *mut *mut Error,
) -> Code {
    guard(error_out, "session", || {
        let arguments = Arguments::of("session");
        // SAFETY: as the header says of every argument.
        let (store, key, session_out) = unsafe {
            let store = arguments.object(store, "store")?;
            let key = arguments.required_text(key, "key")?;
            (store, key, arguments.output(session_out, "session_out")?)
        };
        let session = each!(&store.core, core => core.session(&key)?);
        session_out.give(Session::new(session));
        Ok(())
    })
}

/// Lists the keys of all sessions, sorted. Free the list with untorn_keys_free().
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_store_keys(
    store: *const Store,
    keys_out: *mut *mut Keys,
    error_out: *mut *mut Error,
) -> Code {
    guard(error_out, "keys", || {
        let arguments = Arguments::of("keys");
        // SAFETY: as the header says of every argument.
        let (store, keys_out) = unsafe {
            let store = arguments.object(store, "store")?;
            (store, arguments.output(keys_out, "keys_out")?)
        };
        let keys = both!(&store.core, core => core.keys())?;
        keys_out.give(Keys(keys.iter().map(|key| c_string(key)).collect()));
        Ok(())
    })
}

/// A list of the keys of a store's sessions.
pub struct Keys(Vec<CString>);

/// Returns the key number index, from 0; NULL if the list is shorter. The string
/// belongs to the list.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_keys_get(keys: *const Keys, index: usize) -> *const c_char {
    // SAFETY: NULL or a list.
    pointer(unsafe { keys.as_ref() }.and_then(|keys| keys.0.get(index)))
}

/// Frees a list of keys. NULL is allowed and does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_keys_free(keys: *mut Keys) {
    // SAFETY: NULL or a list, which the caller uses no more.
    unsafe { take_back(keys) }
}

/// Removes a session with all its files, at one instant. *removed_out (may be
/// NULL) is whether it existed. With call NULL it tries once; else it waits as
/// long as call says for the owner to release the session.
///
/// UNTORN_LOCKED and UNTORN_LOCK_TIMEOUT name the owner.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_store_remove(
    store: *const Store,
    key: *const c_char,
    call: *const CallOptions,
    removed_out: *mut bool,
    error_out: *mut *mut Error,
) -> Code {
    guard(error_out, "remove", || {
        let arguments = Arguments::of("remove");
        // SAFETY: as the header says of every argument.
        let (store, key, given) = unsafe {
            let store = arguments.object(store, "store")?;
            let key = arguments.required_text(key, "key")?;
            (store, key, call::read(call, &arguments)?)
        };
        let removed = if call.is_null() {
            both!(&store.core, core => core.remove(&key))?
        } else {
            both!(&store.core, core => core.remove_with(&key, &given))?
        };
        // SAFETY: NULL or a place for it.
        unsafe { put(removed_out, removed) };
        Ok(())
    })
}

/// Closes a store. NULL is allowed and does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_store_close(store: *mut Store) {
    // SAFETY: NULL or a store, which the caller uses no more.
    unsafe { take_back(store) }
}
