//! Tests that change or count what belongs to the whole process: its limits, its
//! threads, its memory after a fork.

use std::process::{Command, ExitStatus};

const ALONE: &str = "UNTORN_TEST_ALONE";

/// Runs the calling test once more in a process of its own, with its output
/// shown. Returns whether this is that process, and so has to do the work.
pub fn alone(module: &str, test: &str) -> bool {
    if is_alone() {
        return true;
    }
    let status = once_more(&[], module, test);
    assert!(status.success(), "{test}, in its own process: {status}");
    false
}

pub fn is_alone() -> bool {
    std::env::var_os(ALONE).is_some()
}

/// Runs a test of this program in a process of its own, started by `prefix` (a
/// program and its arguments) if that is not empty.
pub fn once_more(prefix: &[&str], module: &str, test: &str) -> ExitStatus {
    let this = std::env::current_exe().expect("this program");
    let mut command = match prefix {
        [] => Command::new(this),
        [program, arguments @ ..] => {
            let mut command = Command::new(program);
            command.args(arguments).arg(this);
            command
        }
    };
    command
        .args(exactly(module, test))
        .env(ALONE, "1")
        .status()
        .expect("start a process")
}

/// The arguments that choose one test: `module` is what `module_path!` says.
pub fn exactly(module: &str, test: &str) -> [String; 3] {
    let (_program, module) = module.split_once("::").expect("a module of a program");
    ["--exact", &format!("{module}::{test}"), "--nocapture"].map(str::to_owned)
}
