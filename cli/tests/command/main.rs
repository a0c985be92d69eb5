//! Tests of the command as a process.

mod damage;
#[cfg(unix)]
mod hostile;
mod json;
#[cfg(unix)]
mod locks;
// The page has commands of a Unix shell.
#[cfg(unix)]
mod pages;
mod rotate;
mod search;
mod since;
mod stats;
#[cfg(target_os = "linux")]
mod terminal;
#[cfg(target_os = "linux")]
mod watch;

use std::path::Path;
use std::process::{Command, Output};

/// The command, without what the user's environment says to it.
fn untorn(dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_untorn"));
    command.current_dir(dir);
    for name in ["DURABILITY", "SCHEME", "FORMAT", "HEADER_PREFIX", "TIMEOUT"] {
        command.env_remove(format!("UNTORN_{name}"));
    }
    // An editor that changes nothing.
    command.env("EDITOR", "true").env_remove("VISUAL");
    command
}

/// Runs it, and returns its status and what it printed.
fn run(dir: &Path, words: &[&str]) -> (i32, String, String) {
    said(untorn(dir).args(words).output().expect("it starts"))
}

fn said(output: Output) -> (i32, String, String) {
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (
        output.status.code().unwrap_or(-1),
        text(output.stdout),
        text(output.stderr),
    )
}
