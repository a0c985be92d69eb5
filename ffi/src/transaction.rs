//! Several files of one directory that change together.

use std::ffi::{c_char, c_void};
use std::path::PathBuf;
use std::ptr::NonNull;

use untorn::Result;
use untorn_postgres::Transaction as EngineTransaction;

use crate::argument::{Arguments, put, take_back};
use crate::buffer;
use crate::bytes::Bytes;
use crate::call::{self, CallOptions};
use crate::code::Code;
use crate::error::Error;
use crate::guard::guard;
use crate::option_structs::{self, JournalOptions};
use crate::options::{self, Options, mode};
use crate::place::{Place, both, each};
use crate::version::DocumentVersion;
use crate::words::{UNTORN_DURABILITY_POWER, durability};

/// A transaction: several documents and journals of one directory, or of one session
/// in a database, change together or not at all, whichever process dies. Nothing is
/// written before untorn_transaction_commit(). Only one thread may use it at a time.
pub struct Transaction {
    core: Place<Core<untorn::Transaction>, Core<EngineTransaction>>,
}

pub(crate) enum Core<T> {
    Own(Box<T>),
    /// Owned by another object, which is a reconciliation.
    Lent(NonNull<T>),
}

impl<T> Core<T> {
    fn get(&mut self) -> &mut T {
        match self {
            Core::Own(core) => core,
            // SAFETY: as `Transaction::lent` says.
            Core::Lent(core) => unsafe { core.as_mut() },
        }
    }
}

type CoreMut<'a> = Place<&'a mut untorn::Transaction, &'a mut EngineTransaction>;

impl Transaction {
    pub(crate) fn new(core: Place<untorn::Transaction, EngineTransaction>) -> Transaction {
        Transaction {
            core: each!(core, core => Core::Own(Box::new(core))),
        }
    }

    /// Wraps a transaction that another object owns. That object must outlive
    /// this one, and must not use the transaction while this exists.
    pub(crate) fn lent(core: CoreMut<'_>) -> Transaction {
        Transaction {
            core: each!(core, core => Core::Lent(NonNull::from(core))),
        }
    }

    fn core(&mut self) -> CoreMut<'_> {
        each!(&mut self.core, core => core.get())
    }

    /// Returns the directory, or the session's name in the database.
    fn dir(&mut self) -> PathBuf {
        match self.core() {
            Place::Files(core) => core.dir().to_owned(),
            Place::Database(core) => core.name().to_owned(),
        }
    }
}

/// How a transaction is begun. Initialise it with
/// UNTORN_TRANSACTION_OPTIONS_INIT. NULL means the same as that.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct TransactionOptions {
    /// sizeof(untorn_transaction_options).
    pub size: usize,
    /// How long a call waits for locks, in milliseconds. -1 (the default) waits without
    /// a limit, 0 tries once.
    pub timeout_ms: i64,
    /// Permission bits of new files. Default: 0, which is 0666 less the umask.
    pub mode: u32,
    /// UNTORN_DURABILITY_POWER (the default) or UNTORN_DURABILITY_PROCESS.
    pub durability: i32,
    /// How other users open the journals of this directory. NULL: the defaults. Its
    /// timeout, mode and durability are ignored.
    pub journals: *const JournalOptions,
    /// Not 0: create the directory and its missing parent directories. They stay
    /// after a rollback. Default: 0.
    pub parents: i32,
    /// Must be 0.
    pub reserved: i32,
}

// SAFETY: `repr(C)`, integers and pointers, size first.
unsafe impl Options for TransactionOptions {
    const NAME: &'static str = "untorn_transaction_options";
    const FIRST_SIZE: usize = size_of::<TransactionOptions>();

    fn defaults() -> TransactionOptions {
        TransactionOptions {
            size: size_of::<TransactionOptions>(),
            timeout_ms: -1,
            mode: 0,
            durability: UNTORN_DURABILITY_POWER,
            journals: std::ptr::null(),
            parents: 0,
            reserved: 0,
        }
    }
}

/// Begins a transaction in the directory dir. It takes the directory's lock, and
/// finishes or undoes an earlier transaction that a dead process left. Free it
/// with untorn_transaction_free(). untorn_session_transaction() begins one for the
/// files of a session.
///
/// UNTORN_NOT_FOUND if the directory is missing and parents is 0. UNTORN_DEADLOCK
/// if this thread already has a transaction there.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_transaction_begin(
    dir: *const c_char,
    options: *const TransactionOptions,
    call: *const CallOptions,
    transaction_out: *mut *mut Transaction,
    error_out: *mut *mut Error,
) -> Code {
    guard(error_out, "begin", || {
        let arguments = Arguments::of("begin");
        // SAFETY: as the header says of every argument.
        unsafe {
            let dir = arguments.file(dir, "dir")?;
            let arguments = arguments.on(&dir);
            let given = options::read(options, &arguments)?;
            let journals = options::read(given.journals, &arguments)?;
            let call = call::read(call, &arguments)?;
            let transaction_out = arguments.output(transaction_out, "transaction_out")?;
            if given.reserved != 0 {
                return Err(arguments.refuse("reserved is not 0"));
            }
            let core = untorn::Transaction::options()
                .timeout(arguments.timeout(given.timeout_ms)?)
                .mode(mode(given.mode))
                .durability(durability(given.durability, &arguments)?)
                .parents(given.parents != 0)
                .journals(option_structs::journal(&journals, &arguments)?)
                .begin_with(&dir, &call)?;
            transaction_out.give(Transaction::new(Place::Files(core)));
        }
        Ok(())
    })
}

/// The transaction, and the name of one of its files.
///
/// # Safety
/// As the header says of both.
unsafe fn of<'a>(
    operation: &'static str,
    transaction: *mut Transaction,
    name: *const c_char,
) -> Result<(&'a mut Transaction, String)> {
    let arguments = Arguments::of(operation);
    // SAFETY: the caller's promise.
    let transaction = unsafe { arguments.object_mut(transaction, "transaction")? };
    let dir = transaction.dir();
    let arguments = arguments.on(&dir);
    // SAFETY: the caller's promise.
    let name = unsafe { arguments.required_text(name, "name")? };
    Ok((transaction, name))
}

/// Reads a file as the transaction leaves it, and its version (version_out may be
/// NULL). *data_out is NULL if the file does not exist; else free it with
/// untorn_buffer_free(*data_out). The file stays locked until the end
/// of the transaction, so that a save can depend on what was read. In a database
/// nothing is locked, and the commit compares.
///
/// UNTORN_INVALID_ARGUMENT if name is not the name of a file in the directory.
/// After a failure you can continue the transaction.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_transaction_load(
    transaction: *mut Transaction,
    name: *const c_char,
    call: *const CallOptions,
    data_out: *mut *mut u8,
    len_out: *mut usize,
    version_out: *mut DocumentVersion,
    error_out: *mut *mut Error,
) -> Code {
    guard(error_out, "load", || {
        let arguments = Arguments::of("load");
        // SAFETY: as the header says of every argument.
        let (transaction, name, call, data_out, len_out) = unsafe {
            let (transaction, name) = of("load", transaction, name)?;
            let call = call::read(call, &arguments.on(&transaction.dir()))?;
            let data_out = arguments.output(data_out, "data_out")?;
            let len_out = arguments.output(len_out, "len_out")?;
            (transaction, name, call, data_out, len_out)
        };
        match both!(transaction.core(), core => core.load_with(&name, &call))? {
            Some((bytes, version)) => {
                buffer::give(&bytes, data_out, len_out);
                // SAFETY: NULL or a place for it.
                unsafe { put(version_out, version.into()) };
            }
            None => {
                data_out.put(std::ptr::null_mut());
                len_out.put(0);
            }
        }
        Ok(())
    })
}

/// Replaces the whole file at the commit, whatever it holds now.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_transaction_save(
    transaction: *mut Transaction,
    name: *const c_char,
    data: *const c_void,
    len: usize,
    error_out: *mut *mut Error,
) -> Code {
    guard(error_out, "save", || {
        // SAFETY: as the header says of every argument.
        let (transaction, name, bytes) = unsafe {
            let (transaction, name) = of("save", transaction, name)?;
            let bytes = Arguments::of("save").bytes(data, len, "data")?;
            (transaction, name, bytes)
        };
        both!(transaction.core(), core => core.save(&name, bytes)).map(drop)
    })
}

/// Creates the file with these bytes at the commit. If the file exists now, this
/// call returns UNTORN_ALREADY_EXISTS, and you can continue the transaction. If
/// another program creates it before the commit, the commit returns
/// UNTORN_ALREADY_EXISTS and changes nothing.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_transaction_create(
    transaction: *mut Transaction,
    name: *const c_char,
    data: *const c_void,
    len: usize,
    error_out: *mut *mut Error,
) -> Code {
    guard(error_out, "create", || {
        // SAFETY: as the header says of every argument.
        let (transaction, name, bytes) = unsafe {
            let (transaction, name) = of("create", transaction, name)?;
            let bytes = Arguments::of("create").bytes(data, len, "data")?;
            (transaction, name, bytes)
        };
        both!(transaction.core(), core => core.create(&name, bytes)).map(drop)
    })
}

/// Appends count records to a journal at the commit, and creates it if it is
/// missing.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_transaction_append(
    transaction: *mut Transaction,
    name: *const c_char,
    records: *const Bytes,
    count: usize,
    error_out: *mut *mut Error,
) -> Code {
    guard(error_out, "append", || {
        let arguments = Arguments::of("append");
        // SAFETY: as the header says of every argument.
        let (transaction, name, records) = unsafe {
            let (transaction, name) = of("append", transaction, name)?;
            let records = arguments.array(records, count, "records")?;
            let records: Result<Vec<&[u8]>> = records
                .iter()
                .map(|record| arguments.bytes(record.data, record.len, "data of a record"))
                .collect();
            (transaction, name, records?)
        };
        both!(transaction.core(), core => core.append(&name, records))
    })
}

/// Gives the journal this header at the commit, in the place of its own or before its
/// first record. The options of journals set the prefix. The journal is rewritten: the
/// cost grows with its length, and positions in it end. The file stays locked until the
/// end of the transaction.
///
/// UNTORN_INVALID_RECORD and UNTORN_INVALID_ARGUMENT as untorn_journal_set_header(). The
/// transaction goes on.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_transaction_set_header(
    transaction: *mut Transaction,
    name: *const c_char,
    header: *const c_void,
    len: usize,
    call: *const CallOptions,
    error_out: *mut *mut Error,
) -> Code {
    guard(error_out, "set_header", || {
        let arguments = Arguments::of("set_header");
        // SAFETY: as the header says of every argument.
        let (transaction, name, header, call) = unsafe {
            let (transaction, name) = of("set_header", transaction, name)?;
            let header = arguments.bytes(header, len, "header")?;
            let call = call::read(call, &arguments.on(&transaction.dir()))?;
            (transaction, name, header, call)
        };
        both!(transaction.core(), core => core.set_header_with(&name, header, &call))
    })
}

/// Deletes the file at the commit. *removed_out (may be NULL) is whether it
/// exists now. The file stays locked until the end of the transaction.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_transaction_remove(
    transaction: *mut Transaction,
    name: *const c_char,
    call: *const CallOptions,
    removed_out: *mut bool,
    error_out: *mut *mut Error,
) -> Code {
    guard(error_out, "remove", || {
        // SAFETY: as the header says of every argument.
        let (transaction, name, call) = unsafe {
            let (transaction, name) = of("remove", transaction, name)?;
            let call = call::read(call, &Arguments::of("remove").on(&transaction.dir()))?;
            (transaction, name, call)
        };
        let removed = both!(transaction.core(), core => core.remove_with(&name, &call))?;
        // SAFETY: NULL or a place for it.
        unsafe { put(removed_out, removed) };
        Ok(())
    })
}

/// Makes all the changes, or none. The transaction is over in any case; you must
/// still free it.
///
/// After UNTORN_ALREADY_EXISTS, UNTORN_LOCK_TIMEOUT, UNTORN_STORAGE_FULL and
/// other failures all files are unchanged. After UNTORN_NOT_DURABLE all the
/// changes are made, but a power cut may undo some. UNTORN_CONFLICT, only in a
/// database: a file that was loaded has changed.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_transaction_commit(
    transaction: *mut Transaction,
    call: *const CallOptions,
    error_out: *mut *mut Error,
) -> Code {
    guard(error_out, "commit", || {
        let arguments = Arguments::of("commit");
        // SAFETY: as the header says of every argument.
        let (transaction, call) = unsafe {
            let transaction = arguments.object_mut(transaction, "transaction")?;
            let call = call::read(call, &arguments.on(&transaction.dir()))?;
            (transaction, call)
        };
        both!(transaction.core(), core => core.commit_with(&call))
    })
}

/// Ends a transaction and frees it. Without a commit nothing changes. NULL is
/// allowed and does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_transaction_free(transaction: *mut Transaction) {
    // SAFETY: NULL or a transaction, which the caller uses no more.
    unsafe { take_back(transaction) }
}
