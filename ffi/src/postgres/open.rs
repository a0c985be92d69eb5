//! Opens a store in a database, and makes its schema.

use std::ffi::{CString, c_char};
use std::path::Path;
use std::sync::Arc;

use untorn::Result;
use untorn_postgres::MIGRATIONS;

use super::driver::{CDriver, PostgresDriver};
use super::options::{self, PostgresOptions};
use crate::argument::{Arguments, put};
use crate::code::Code;
use crate::error::Error;
use crate::guard::{guard, quietly};
use crate::place::Place;
use crate::store::Store;

/// The schema that NULL stands for.
const SCHEMA: &str = "untorn";

/// # Safety
/// NULL or NUL-terminated.
pub(super) unsafe fn schema(given: *const c_char, arguments: &Arguments<'_>) -> Result<String> {
    // SAFETY: the caller's promise.
    let given = unsafe { arguments.text(given, "schema")? };
    match given {
        Some(name) if name.is_empty() => Err(arguments.refuse("schema is empty")),
        given => Ok(given.unwrap_or_else(|| SCHEMA.to_owned())),
    }
}

/// Opens the store in the schema (NULL: untorn) of a PostgreSQL database. The functions
/// for stores, sessions and what belongs to them work on it as on files. The verbs that
/// only files have are UNTORN_UNSUPPORTED. Close it with untorn_store_close().
///
/// The struct driver is copied. If the call succeeds, the library calls
/// driver->release once, after its last use of the driver: when the store and all
/// that was made of it are freed, and its threads have ended. If it fails, the
/// library does not call it.
///
/// In a child of fork() open another store with other connections: what was opened
/// before belongs to the parent, and may only be used there.
///
/// UNTORN_NOT_FOUND if the schema is missing, UNTORN_CONFLICT if its migrations are
/// older or newer than this library's: see untorn_postgres_migrate().
/// UNTORN_PERMISSION_DENIED. UNTORN_IO if no connection could be had.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_store_open_postgres(
    driver: *const PostgresDriver,
    schema: *const c_char,
    options: *const PostgresOptions,
    store_out: *mut *mut Store,
    error_out: *mut *mut Error,
) -> Code {
    guard(error_out, "open", || {
        let arguments = Arguments::of("open");
        // SAFETY: as the header says of every argument.
        let (driver, schema, options, store_out) = unsafe {
            let schema = self::schema(schema, &arguments)?;
            let arguments = arguments.on(Path::new(&schema));
            let driver = CDriver::read(driver, &arguments)?;
            let options = options::read(options, &arguments)?;
            let store_out = arguments.output(store_out, "store_out")?;
            (driver, schema, options, store_out)
        };
        let kept = Arc::clone(&driver.given);
        let store = options.open(driver, &schema)?;
        kept.take_over();
        store_out.give(Store::new(Place::Database(store)));
        Ok(())
    })
}

/// Makes the schema (NULL: untorn), or brings it up to date. *applied_out (may be
/// NULL) is how many migrations were applied: 0 if nothing was missing. Each is one
/// statement and one transaction; of several callers at once one applies it. The
/// role must be allowed to make the schema. The library calls driver->query during
/// the call only, and never driver->release.
///
/// UNTORN_CONFLICT if a newer version made the schema. UNTORN_PERMISSION_DENIED.
/// UNTORN_IO if no answer came: call it again.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_postgres_migrate(
    driver: *const PostgresDriver,
    schema: *const c_char,
    applied_out: *mut usize,
    error_out: *mut *mut Error,
) -> Code {
    guard(error_out, "migrate", || {
        let arguments = Arguments::of("migrate");
        // SAFETY: as the header says of every argument.
        let (driver, schema) = unsafe {
            let schema = self::schema(schema, &arguments)?;
            let driver = CDriver::read(driver, &arguments.on(Path::new(&schema)))?;
            (driver, schema)
        };
        let applied = untorn_postgres::migrate_with(driver, &schema)?;
        // SAFETY: NULL or a place for it.
        unsafe { put(applied_out, applied) };
        Ok(())
    })
}

/// Returns the migration number index, from 0, as an SQL script for psql or a tool of
/// your own. It is a transaction. schema NULL is untorn. Free the string with
/// untorn_string_free(). NULL if the library has fewer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_postgres_migration(
    index: usize,
    schema: *const c_char,
) -> *mut c_char {
    // SAFETY: NULL or NUL-terminated.
    let schema = unsafe { self::schema(schema, &Arguments::of("migrate")) };
    quietly(std::ptr::null_mut(), || {
        let (Some(step), Ok(schema)) = (MIGRATIONS.get(index), schema) else {
            return std::ptr::null_mut();
        };
        CString::new(step.sql(&schema)).map_or(std::ptr::null_mut(), CString::into_raw)
    })
}
