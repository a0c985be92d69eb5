//! Which file carries the lock of a path.

use std::time::Duration;

use untorn::{OnUnsupported, Result, Scheme};

use crate::argument::Arguments;

/// The lock of a path P is an OS lock on the file P.lock. The default.
pub const UNTORN_SCHEME_SIDECAR: i32 = 0;
/// The lock of P is an OS lock on P itself, as programs take it that flock their
/// data file. P keeps its inode: a document is saved in place.
pub const UNTORN_SCHEME_IN_PLACE: i32 = 1;
/// The lock of P is that the file P.lock exists, with its holder's pid in it. A
/// holder that is stopped for longer than stale_ms can be robbed.
pub const UNTORN_SCHEME_PID_FILE: i32 = 2;

/// Where the file system does not lock files: UNTORN_LOCK_UNSUPPORTED. The
/// default.
pub const UNTORN_ON_UNSUPPORTED_FAIL: i32 = 0;
/// Where the file system does not lock files: the scheme
/// UNTORN_SCHEME_PID_FILE.
pub const UNTORN_ON_UNSUPPORTED_PID_FILE: i32 = 1;

/// A scheme that C chose.
pub(crate) fn scheme(number: i32, arguments: &Arguments<'_>) -> Result<Scheme> {
    match number {
        UNTORN_SCHEME_SIDECAR => Ok(Scheme::Sidecar),
        UNTORN_SCHEME_IN_PLACE => Ok(Scheme::InPlace),
        UNTORN_SCHEME_PID_FILE => Ok(Scheme::PidFile),
        _ => Err(arguments.refuse(format!("{number} is no scheme"))),
    }
}

/// The choice of C for a file system without locks.
pub(crate) fn on_unsupported(number: i32, arguments: &Arguments<'_>) -> Result<OnUnsupported> {
    match number {
        UNTORN_ON_UNSUPPORTED_FAIL => Ok(OnUnsupported::Fail),
        UNTORN_ON_UNSUPPORTED_PID_FILE => Ok(OnUnsupported::PidFile),
        _ => Err(arguments.refuse(format!("{number} is not a way to go on without locks"))),
    }
}

/// Milliseconds. `None`: the library's default.
pub(crate) fn stale(milliseconds: i64, arguments: &Arguments<'_>) -> Result<Option<Duration>> {
    match u64::try_from(milliseconds) {
        Ok(0) => Ok(None),
        Ok(milliseconds) => Ok(Some(Duration::from_millis(milliseconds))),
        Err(_) => Err(arguments.refuse(format!("stale_ms is {milliseconds}"))),
    }
}

/// Copies the three options that every lock has from a struct of C to the core's.
macro_rules! choose_scheme {
    ($core:expr, $given:expr, $arguments:expr) => {{
        let core = $core
            .scheme($crate::scheme::scheme($given.scheme, $arguments)?)
            .on_unsupported($crate::scheme::on_unsupported(
                $given.on_unsupported,
                $arguments,
            )?);
        match $crate::scheme::stale($given.stale_ms, $arguments)? {
            Some(age) => core.stale(age),
            None => core,
        }
    }};
}
pub(crate) use choose_scheme;
