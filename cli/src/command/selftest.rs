//! `untorn selftest`.

use serde::Serialize;
use untorn::{Scheme, selftest_with};

use crate::args::{Handle, Selftest};
use crate::exit::{FOUND, Result};
use crate::output::Output;

#[derive(Serialize)]
struct One<'a> {
    dir: &'a std::path::Path,
    file_system: &'a str,
    check: &'a str,
    outcome: &'a str,
    detail: &'a str,
}

pub fn run(selftest: &Selftest, handle: &Handle, out: &mut Output) -> Result {
    let mut passed = true;
    for dir in &selftest.dirs {
        let test = selftest_with(dir, handle.scheme.unwrap_or(Scheme::Sidecar))?;
        passed &= test.passed();
        if !out.json {
            out.line(test.to_string().trim_end())?;
            continue;
        }
        for check in &test.checks {
            out.object(&One {
                dir: &test.dir,
                file_system: &test.file_system,
                check: check.name,
                outcome: check.outcome.as_str(),
                detail: &check.detail,
            })?;
        }
    }
    Ok(if passed { 0 } else { FOUND })
}
