//! The `untorn` command as a library. The packages for Python and Node call
//! [`main`] through the addon that they contain anyway.
//!
//! ```text
//! args/            the command line
//! command/         one file per command
//! input.rs         which files a command works on; tools.rs: where tools keep theirs
//! output.rs        what is printed: for people, or one JSON object per line
//! exit.rs          the exit status
//! csv.rs           comma-separated values
//! gzip.rs          compressed copies of rotated files
//! json.rs          JSON texts, printed and changed without being re-encoded
//! ```

mod args;
mod command;
mod csv;
mod exit;
mod gzip;
mod input;
mod json;
mod output;
mod signal;
mod tools;
mod when;

use std::ffi::OsString;
use std::io::Write;
use std::time::Duration;

use clap::{CommandFactory, Parser};

use args::Args;
use exit::{FAILED, Failure, USAGE};

/// Returns the description of the command line, for man pages.
#[must_use]
pub fn command() -> clap::Command {
    Args::command()
}

/// A wait for a lock longer than this names the process that holds it.
const PATIENCE: Duration = Duration::from_millis(500);

/// Prints for whom a command waits.
fn say_waits() {
    untorn::events::set_wait_threshold(PATIENCE);
    untorn::events::set_sink(|event| {
        if event.kind == untorn::EventKind::Waiting {
            // A closed standard error is no reason to stop.
            let _ = writeln!(std::io::stderr(), "untorn: {event}");
        }
    });
}

/// Runs the command, and returns its exit status: 0 fine, 1 damage or no match, 2
/// usage, 3 failed, 75 a lock was not free in time, 130 Ctrl-C.
///
/// It changes how this process reacts to SIGINT and SIGPIPE, so the process
/// should do nothing else.
pub fn main(args: impl IntoIterator<Item = OsString>) -> u8 {
    signal::prepare();
    let args: Vec<_> = args.into_iter().collect();
    if args.len() < 2 {
        // clap counts an option that comes from the environment as an argument.
        let _ = write!(std::io::stderr(), "{}", Args::command().render_help());
        return USAGE;
    }
    let args = match Args::try_parse_from(args) {
        Ok(args) => args,
        Err(error) => {
            let code = if error.use_stderr() { USAGE } else { 0 };
            return error.print().map_or(FAILED, |()| code);
        }
    };
    if !args.common.quiet {
        say_waits();
    }
    let mut out = output::Output::new(&args.common);
    let result = command::run(&args, &mut out);
    let flushed = out.flush().map_err(Failure::from);
    match result.and_then(|code| flushed.map(|()| code)) {
        Ok(_) if out.failed => FAILED,
        Ok(code) => code,
        Err(failure) => {
            if !failure.message.is_empty() {
                out.complain(&failure.message);
            }
            failure.code
        }
    }
}
