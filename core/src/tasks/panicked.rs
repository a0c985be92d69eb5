//! Makes the error of a panic.

use std::any::Any;
use std::path::Path;

use crate::error::Error;

/// Makes an error of a panic that was caught.
#[cold]
pub fn of_panic(operation: &'static str, path: &Path, panic: &(dyn Any + Send)) -> Error {
    let what = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned());
    let what = what.unwrap_or_else(|| "a panic".to_owned());
    Error::internal(operation, path, format!("{what}; this is a bug in untorn"))
}
