//! Which file carries the lock of a path.

use std::time::Duration;

use untorn::Result;

use crate::argument::Arguments;

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
            .scheme($crate::words::scheme($given.scheme, $arguments)?)
            .on_unsupported($crate::words::on_unsupported(
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
