//! `untorn lock`: runs a command while holding a lock.

use std::ffi::OsString;
use std::process::Command;

use untorn::{FileLock, LockGuard};

use crate::args::{Handle, Lock};
use crate::exit::{Failure, LOCKED, Result};
use std::time::Duration;

/// The exit statuses of the shell and flock(1).
const NOT_EXECUTABLE: u8 = 126;
const NOT_FOUND: u8 = 127;

pub fn run(lock: &Lock, handle: &Handle) -> Result {
    let limit = if lock.nonblock {
        Some(Duration::ZERO)
    } else {
        lock.wait.or(handle.timeout)
    };
    let words: Vec<_> = lock
        .command
        .iter()
        .map(|word| word.to_string_lossy())
        .collect();
    let label = lock.label.clone().unwrap_or_else(|| words.join(" "));
    let mut options = FileLock::options()
        .timeout(limit)
        .shared(lock.shared)
        .label(label);
    if let Some(scheme) = handle.scheme {
        options = options.scheme(scheme);
    }
    let guard = match options.acquire(&lock.path) {
        Err(error) => {
            let failure = Failure::from(error);
            let code = if failure.code == LOCKED {
                lock.conflict_exit_code
            } else {
                failure.code
            };
            return Err(Failure::new(code, failure.message));
        }
        Ok(guard) => guard,
    };
    execute(guard, &lock.command)
}

/// The command replaces this process and inherits the lock's descriptor. Signals
/// and the exit status are its own, and no signal can kill only one of the two.
/// The lock is released when the last process that inherited it has ended.
#[cfg(unix)]
fn execute(guard: LockGuard, words: &[OsString]) -> Result {
    use std::io::ErrorKind;
    use std::os::unix::process::CommandExt;

    guard.keep_in_programs()?;
    crate::signal::restore();
    let error = Command::new(&words[0]).args(&words[1..]).exec();
    drop(guard);
    let code = if error.kind() == ErrorKind::NotFound {
        NOT_FOUND
    } else {
        NOT_EXECUTABLE
    };
    Err(Failure::new(
        code,
        format!("{}: {error}", words[0].to_string_lossy()),
    ))
}

#[cfg(not(unix))]
fn execute(guard: LockGuard, words: &[OsString]) -> Result {
    crate::signal::restore();
    let status = Command::new(&words[0]).args(&words[1..]).status();
    drop(guard);
    match status {
        Ok(status) => Ok(status
            .code()
            .and_then(|code| u8::try_from(code).ok())
            .unwrap_or(crate::exit::FAILED)),
        Err(error) => Err(Failure::new(
            if error.kind() == std::io::ErrorKind::NotFound {
                NOT_FOUND
            } else {
                NOT_EXECUTABLE
            },
            format!("{}: {error}", words[0].to_string_lossy()),
        )),
    }
}
