//! Which file carries the lock of a path.

use std::path::Path;
use std::time::Duration;

use untorn::{OnUnsupported, Scheme};

use crate::values::invalid;

pub fn scheme(word: Option<&str>, operation: &'static str, path: &Path) -> napi::Result<Scheme> {
    parsed(word, operation, path)
}

pub fn on_unsupported(
    word: Option<&str>,
    operation: &'static str,
    path: &Path,
) -> napi::Result<OnUnsupported> {
    parsed(word, operation, path)
}

/// Milliseconds.
pub fn stale(milliseconds: f64, operation: &'static str, path: &Path) -> napi::Result<Duration> {
    Duration::try_from_secs_f64(milliseconds / 1e3)
        .map_err(|_| invalid(operation, path, "stale must be a number of milliseconds"))
}

fn parsed<T>(word: Option<&str>, operation: &'static str, path: &Path) -> napi::Result<T>
where
    T: Default + std::str::FromStr<Err = String>,
{
    word.map_or(Ok(T::default()), |word| {
        word.parse()
            .map_err(|detail: String| invalid(operation, path, &detail))
    })
}

/// Copies the three options that every lock has from an object of JavaScript to
/// the core's options.
macro_rules! choose_scheme {
    ($core:expr, $given:expr, $operation:expr, $path:expr) => {{
        let (given, operation, path) = ($given, $operation, $path);
        let core = $core
            .scheme($crate::scheme::scheme(
                given.scheme.as_deref(),
                operation,
                path,
            )?)
            .on_unsupported($crate::scheme::on_unsupported(
                given.on_unsupported.as_deref(),
                operation,
                path,
            )?);
        match given.stale {
            Some(age) => core.stale($crate::scheme::stale(age, operation, path)?),
            None => core,
        }
    }};
}
pub(crate) use choose_scheme;
