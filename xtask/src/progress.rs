//! Showing what is being done, for how long, and, when it fails, what it said.

use anyhow::Result;
use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;
use std::time::{Duration, Instant};

use crate::log::Log;
use crate::site::Site;

/// Runs one stage of a longer job: a spinner and the time meanwhile, a line
/// when done, and the whole output when it failed.
pub fn stage<T>(
    site: &Site,
    number: &str,
    name: &str,
    work: impl FnOnce(&Log) -> Result<T>,
) -> Result<T> {
    let log = Log::new(&site.own("logs"), name)?;
    let spinner = spinner(&format!("{number}{name}"));
    let began = Instant::now();
    let outcome = work(&log);
    spinner.finish_and_clear();
    let took = seconds(began.elapsed());
    match &outcome {
        Ok(_) => eprintln!("{number}{name:<24} ok      {took:>8}"),
        Err(error) => {
            eprintln!("{number}{name:<24} FAILED  {took:>8}");
            eprintln!("---- output of {name} ----\n{}", log.text().trim_end());
            eprintln!("---- {name} failed: {error:#}");
        }
    }
    outcome
}

fn spinner(label: &str) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        // In a CI log there is no spinner; without a line at the start no reader
        // would know what a hanging job hangs in.
        eprintln!("{label} ...");
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{spinner} {msg}  {elapsed}")
        .unwrap_or_else(|_| ProgressStyle::default_spinner());
    let bar = ProgressBar::new_spinner()
        .with_style(style)
        .with_message(label.to_owned());
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}

pub fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}
