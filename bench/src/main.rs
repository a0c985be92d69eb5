//! Measures what untorn costs, as ratios to loops of the bare system calls (`floors.c`).
//!
//! Every subject, the floors included, is a process of its own that makes
//! appends on request (`peer.rs`). In the suites, subject and floor take turns in
//! short slices. So both meet the same weather, and are compared slice by slice.

mod clock;
mod data;
mod measure;
mod options;
mod peer;
mod plot;
mod promises;
mod public;
mod report;
mod subjects;
mod suite;
mod svg;
mod worker;

use anyhow::Result;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match arguments.as_slice() {
        [first, kind] if first == "worker" => worker::run(kind).map(|()| true),
        _ => measure_all(arguments),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("untorn-bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Whether all that was asked for was measured and, with `--check`, reached.
fn measure_all(arguments: Vec<String>) -> Result<bool> {
    let Some(options) = options::Options::parse(arguments)? else {
        return Ok(true);
    };
    if options.peers {
        return public::run(&options);
    }
    let rows = suite::run(&options)?;
    let report = report::Report::new(&options, rows);
    report.write(&options.out)?;
    report.print();
    Ok(!options.check || report.all_reached())
}
