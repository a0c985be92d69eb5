//! The public benchmark: untorn and what people would take in its place, on the work that they would do.
//!
//! Each program is a process that answers requests (`peer.rs`); those of one work take turns in short slices, so
//! that all meet the same weather. The result is one file, `bench/peers/results.json`. The page, the plots and the
//! numbers of the README are made from it, and a test compares them.

mod chart;
mod field;
mod page;
mod programs;
mod results;
mod works;

use crate::options::Options;
use anyhow::{Context, Result, bail};
use results::Results;

/// Whether every row was measured.
pub fn run(options: &Options) -> Result<bool> {
    if options.render {
        page::write(&Results::committed()?)?;
        return Ok(true);
    }
    programs::put_modules(options)?;
    let load = results::load();
    let mut findings = Vec::new();
    for work in works::ALL {
        if !options.wants(work.name) {
            continue;
        }
        eprintln!("measuring: {}", work.name);
        findings.extend((work.run)(options)?);
    }
    // What untorn costs over the bare calls belongs to the same run.
    let costs = if options.costs && options.only.is_empty() {
        crate::suite::run(options)?
    } else {
        Vec::new()
    };
    let mut missing: Vec<String> = findings.iter().filter_map(field::Finding::fault).collect();
    missing.extend(costs.iter().filter_map(|row| {
        let error = row.figure.as_ref().err()?;
        Some(format!("{}: {}: {error:#}", row.suite, row.what))
    }));
    let results = Results::new(options, &load, &findings, &costs)?;
    if !missing.is_empty() {
        bail!("not measured:\n{}", missing.join("\n"));
    }
    results.print();
    if options.quick || !options.only.is_empty() {
        eprintln!("every row was measured; nothing is written, since this was only a part");
        return Ok(true);
    }
    results.write()?;
    page::write(&results)?;
    // Its points are not in the results, whose rows compare only the last with the first.
    let growth = options.out.join("growth.svg");
    if options.costs {
        let to = page::root().join("docs/images/growth.svg");
        std::fs::copy(&growth, &to).with_context(|| format!("copy {}", growth.display()))?;
    }
    Ok(true)
}

pub fn is_work(name: &str) -> bool {
    works::ALL.iter().any(|work| work.name == name)
}
