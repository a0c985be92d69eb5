//! A lock by itself.

use std::ffi::{CString, c_char};

use untorn::{LockGuard, LockOptions as CoreOptions, Result};

use crate::argument::{Arguments, take_back};
use crate::cancel::Cancel;
use crate::code::Code;
use crate::error::Error;
use crate::guard::{guard, quietly};
use crate::options::{self, Options, flag};
use crate::process::Process;
use crate::scheme::choose_scheme;
use crate::text::{c_path, pointer};
use crate::words::{UNTORN_ON_UNSUPPORTED_FAIL, UNTORN_SCHEME_SIDECAR};

/// A lock that is held, across processes and threads. The kernel releases it when
/// the process dies.
pub struct Lock {
    pub(crate) guard: LockGuard,
    lock_path: CString,
}

/// How a lock is taken. Initialise it with UNTORN_LOCK_OPTIONS_INIT. NULL means
/// the same as that.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct LockOptions {
    /// sizeof(untorn_lock_options).
    pub size: usize,
    /// The timeout in milliseconds. -1 (the default) waits without a limit, 0 tries
    /// once.
    pub timeout_ms: i64,
    /// Not 0: share the lock with others that share it. Default: 0.
    pub shared: i32,
    /// Must be 0.
    pub reserved: i32,
    /// The name of the holder that other processes see, in UTF-8. May be NULL.
    pub label: *const c_char,
    /// A token with which another thread can end the wait. May be NULL.
    pub cancel: *const Cancel,
    /// UNTORN_SCHEME_SIDECAR (the default), UNTORN_SCHEME_IN_PLACE or
    /// UNTORN_SCHEME_PID_FILE. All programs that share the file must use the same.
    pub scheme: i32,
    /// UNTORN_ON_UNSUPPORTED_FAIL (the default) or
    /// UNTORN_ON_UNSUPPORTED_PID_FILE.
    pub on_unsupported: i32,
    /// UNTORN_SCHEME_PID_FILE only: the age in milliseconds at which a lock file
    /// without a refresh is taken over. At least 2,000; default: 0, which is 10,000.
    pub stale_ms: i64,
}

// SAFETY: `repr(C)`, integers and pointers, size first.
unsafe impl Options for LockOptions {
    const NAME: &'static str = "untorn_lock_options";
    const FIRST_SIZE: usize = size_of::<LockOptions>();

    fn defaults() -> LockOptions {
        LockOptions {
            size: size_of::<LockOptions>(),
            timeout_ms: -1,
            shared: 0,
            reserved: 0,
            label: std::ptr::null(),
            cancel: std::ptr::null(),
            scheme: UNTORN_SCHEME_SIDECAR,
            on_unsupported: UNTORN_ON_UNSUPPORTED_FAIL,
            stale_ms: 0,
        }
    }
}

/// # Safety
/// NULL or valid for `'a`, with all that it points to.
unsafe fn read<'a>(
    options: *const LockOptions,
    arguments: &Arguments<'_>,
) -> Result<(CoreOptions, untorn::CallOptions<'a>)> {
    // SAFETY: the caller's promise.
    let (given, label, cancel) = unsafe {
        let given = options::read(options, arguments)?;
        let label = arguments.text(given.label, "label")?;
        (given, label, given.cancel.as_ref())
    };
    if given.reserved != 0 {
        return Err(arguments.refuse("reserved is not 0"));
    }
    let core = CoreOptions::default()
        .timeout(arguments.timeout(given.timeout_ms)?)
        .shared(flag(given.shared));
    let mut core = choose_scheme!(core, given, arguments);
    if let Some(label) = label {
        core = core.label(label);
    }
    let call = cancel.map_or_else(untorn::CallOptions::new, |cancel| {
        untorn::CallOptions::new().cancel(&cancel.token)
    });
    Ok((core, call))
}

impl Lock {
    fn new(guard: LockGuard) -> Lock {
        Lock {
            lock_path: c_path(guard.lock_path()),
            guard,
        }
    }
}

/// Takes the lock of the file at path, which need not exist. The lock is an OS
/// lock on the file path.lock, the same that journals and documents take for that
/// path. Release it with untorn_lock_release(); any thread may.
///
/// UNTORN_LOCK_TIMEOUT and UNTORN_LOCKED name the holder if it is known.
/// UNTORN_DEADLOCK if this thread already holds the lock. UNTORN_INVALID_ARGUMENT
/// for a path that ends in ".lock": see untorn_lock_acquire_at().
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_lock_acquire(
    path: *const c_char,
    options: *const LockOptions,
    lock_out: *mut *mut Lock,
    error_out: *mut *mut Error,
) -> Code {
    guard(error_out, "lock", || {
        let arguments = Arguments::of("lock");
        // SAFETY: as the header says of every argument.
        unsafe {
            let path = arguments.file(path, "path")?;
            let arguments = arguments.on(&path);
            let (options, call) = read(options, &arguments)?;
            let lock_out = arguments.output(lock_out, "lock_out")?;
            lock_out.give(Lock::new(options.acquire_with(&path, &call)?));
        }
        Ok(())
    })
}

/// Locks exactly the file lock_path, and creates it if it is missing.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_lock_acquire_at(
    lock_path: *const c_char,
    options: *const LockOptions,
    lock_out: *mut *mut Lock,
    error_out: *mut *mut Error,
) -> Code {
    guard(error_out, "lock", || {
        let arguments = Arguments::of("lock");
        // SAFETY: as the header says of every argument.
        unsafe {
            let path = arguments.file(lock_path, "lock_path")?;
            let arguments = arguments.on(&path);
            let (options, call) = read(options, &arguments)?;
            let lock_out = arguments.output(lock_out, "lock_out")?;
            lock_out.give(Lock::new(options.acquire_at_with(&path, &call)?));
        }
        Ok(())
    })
}

/// Returns the path of the lock file, in the encoding of file names. The string
/// belongs to the lock.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_lock_path(lock: *const Lock) -> *const c_char {
    // SAFETY: NULL or a lock.
    pointer(unsafe { lock.as_ref() }.map(|lock| &lock.lock_path))
}

/// Returns whether other holders may share it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_lock_is_shared(lock: *const Lock) -> bool {
    // SAFETY: NULL or a lock.
    unsafe { lock.as_ref() }.is_some_and(|lock| lock.guard.is_shared())
}

/// Returns whether this process holds it: false in a child of fork().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_lock_is_held(lock: *const Lock) -> bool {
    // SAFETY: NULL or a lock.
    unsafe { lock.as_ref() }.is_some_and(|lock| quietly(false, || lock.guard.is_held()))
}

/// Hands the lock over to another process of this machine, its successor. The
/// successor acquires it as always. No other process gets the lock until the
/// successor has taken it or has ended: their errors name the successor as the
/// holder. From now on this object holds nothing, but you must still release it.
///
/// UNTORN_INVALID_ARGUMENT: the lock is shared, or the process has ended or can't
/// be seen from here. After any error this object still holds the lock.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_lock_transfer(
    lock: *const Lock,
    to: *const Process,
    error_out: *mut *mut Error,
) -> Code {
    guard(error_out, "transfer", || {
        let arguments = Arguments::of("transfer");
        // SAFETY: as the header says of every argument.
        let (lock, to) = unsafe {
            let lock = &arguments.object(lock, "lock")?.guard;
            (lock, &arguments.object(to, "to")?.core)
        };
        lock.transfer(to)
    })
}

/// Releases the lock and frees the object. In a child of fork() it only frees the
/// object: the parent still holds the lock. NULL is allowed and does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_lock_release(lock: *mut Lock) {
    // SAFETY: NULL or a lock, which the caller uses no more.
    unsafe { take_back(lock) }
}
