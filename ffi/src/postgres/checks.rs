//! Says what a server, or a pooler before it, lacks.

use std::ffi::c_char;
use std::path::Path;

use untorn::Outcome;

use super::driver::{CDriver, PostgresDriver};
use super::open;
use crate::argument::Arguments;
use crate::code::Code;
use crate::error::Error;
use crate::guard::guard;
use crate::selftest::SelfTest;

/// Tests whether the server keeps the promises of the store in the schema (NULL:
/// untorn): its settings, statements outside of transactions, and on connections of
/// driver->connect advisory locks and notifications, which a pooler in transaction
/// mode does not pass on. It changes nothing that stays. A check that needs connect is
/// UNTORN_CHECK_SKIPPED without it. Free the report with untorn_selftest_free().
///
/// UNTORN_NOT_FOUND if the schema is missing. UNTORN_IO if no connection could be had.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_postgres_selftest(
    driver: *const PostgresDriver,
    schema: *const c_char,
    selftest_out: *mut *mut SelfTest,
    error_out: *mut *mut Error,
) -> Code {
    guard(error_out, "selftest", || {
        let arguments = Arguments::of("selftest");
        // SAFETY: as the header says of every argument.
        let (driver, schema, selftest_out) = unsafe {
            let schema = open::schema(schema, &arguments)?;
            let arguments = arguments.on(Path::new(&schema));
            let driver = CDriver::read(driver, &arguments)?;
            let selftest_out = arguments.output(selftest_out, "selftest_out")?;
            (driver, schema, selftest_out)
        };
        let connects = driver.given.connects();
        let checks = untorn_postgres::selftest(driver, &schema)?;
        let checks = checks.into_iter().map(|check| {
            let outcome = match check.ok {
                true => Outcome::Passed,
                false if check.name == "own connection" && !connects => Outcome::Skipped,
                false => Outcome::Failed,
            };
            let detail = match check.ok {
                true => check.found,
                false => format!("{}: {}", check.found, check.why),
            };
            (check.name, outcome, detail)
        });
        selftest_out.give(SelfTest::of_database(checks));
        Ok(())
    })
}
