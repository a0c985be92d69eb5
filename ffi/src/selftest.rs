//! Tests whether locks really work in a directory.

use std::ffi::{CString, c_char};

use untorn::Outcome;

use crate::argument::{Arguments, put, take_back};
use crate::code::Code;
use crate::error::Error;
use crate::guard::guard;
use crate::text::{c_string, pointer};
use crate::words;

/// The check passed.
pub const UNTORN_CHECK_PASSED: i32 = 0;
/// The check failed.
pub const UNTORN_CHECK_FAILED: i32 = 1;
/// The check was not made; the detail says why.
pub const UNTORN_CHECK_SKIPPED: i32 = 2;

/// The report of a self-test of a directory, or of a database.
pub struct SelfTest {
    passed: bool,
    file_system: CString,
    checks: Vec<(CString, Outcome, CString)>,
}

impl SelfTest {
    /// Makes the report of a database.
    pub(crate) fn of_database(checks: impl Iterator<Item = (String, Outcome, String)>) -> SelfTest {
        let checks: Vec<_> = checks
            .map(|(name, outcome, detail)| (c_string(&name), outcome, c_string(&detail)))
            .collect();
        SelfTest {
            passed: checks.iter().all(|check| check.1 != Outcome::Failed),
            file_system: c_string("PostgreSQL"),
            checks,
        }
    }
}

/// Tests the directory dir with a second process and temporary files. It checks
/// whether locks of this scheme (a UNTORN_SCHEME_ number) exclude, whether a
/// process that dies releases them, and whether files can be renamed, linked and
/// synced. Some systems report success for locks that do not lock: this test
/// detects that. Free the report with untorn_selftest_free().
///
/// UNTORN_NOT_FOUND, UNTORN_PERMISSION_DENIED: the test could not run.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_selftest(
    dir: *const c_char,
    scheme: i32,
    selftest_out: *mut *mut SelfTest,
    error_out: *mut *mut Error,
) -> Code {
    guard(error_out, "selftest", || {
        let arguments = Arguments::of("selftest");
        // SAFETY: as the header says of every argument.
        let (dir, selftest_out) = unsafe {
            let dir = arguments.file(dir, "dir")?;
            (dir, arguments.output(selftest_out, "selftest_out")?)
        };
        let scheme = words::scheme(scheme, &arguments.on(&dir))?;
        let report = untorn::selftest_with(&dir, scheme)?;
        let checks = report.checks.iter();
        selftest_out.give(SelfTest {
            passed: report.passed(),
            file_system: c_string(&report.file_system),
            checks: checks
                .map(|check| (c_string(check.name), check.outcome, c_string(&check.detail)))
                .collect(),
        });
        Ok(())
    })
}

/// Returns whether no check failed. False for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_selftest_passed(selftest: *const SelfTest) -> bool {
    // SAFETY: NULL or a report.
    unsafe { selftest.as_ref() }.is_some_and(|selftest| selftest.passed)
}

/// Returns the name of the file system, for example "ext4"; "PostgreSQL" for a
/// database. The string belongs to the report.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_selftest_file_system(selftest: *const SelfTest) -> *const c_char {
    // SAFETY: NULL or a report.
    pointer(unsafe { selftest.as_ref() }.map(|selftest| &selftest.file_system))
}

/// Writes the check number index, from 0: its name ("exclusion"), its result (a
/// UNTORN_CHECK_ number), and what was observed, for people. Each output may be
/// NULL; the strings belong to the report. Returns false and writes nothing if
/// the list is shorter.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_selftest_check(
    selftest: *const SelfTest,
    index: usize,
    name_out: *mut *const c_char,
    outcome_out: *mut i32,
    detail_out: *mut *const c_char,
) -> bool {
    // SAFETY: NULL or a report.
    let checks = unsafe { selftest.as_ref() }.map_or(&[][..], |selftest| &selftest.checks);
    let Some((name, outcome, detail)) = checks.get(index) else {
        return false;
    };
    let outcome = match outcome {
        Outcome::Passed => UNTORN_CHECK_PASSED,
        Outcome::Failed => UNTORN_CHECK_FAILED,
        Outcome::Skipped => UNTORN_CHECK_SKIPPED,
    };
    // SAFETY: each NULL or a place for it.
    unsafe {
        put(name_out, name.as_ptr());
        put(outcome_out, outcome);
        put(detail_out, detail.as_ptr());
    }
    true
}

/// Frees a report. NULL is allowed and does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn untorn_selftest_free(selftest: *mut SelfTest) {
    // SAFETY: NULL or a report, which the caller uses no more.
    unsafe { take_back(selftest) }
}
