//! The exit status of a command.

use std::fmt::Display;
use std::io;

use untorn::{Error, ErrorKind};

/// Damage was found, or a search found nothing: as with `git fsck` and grep.
pub const FOUND: u8 = 1;
/// The command line is wrong.
pub const USAGE: u8 = 2;
/// The system refused the operation, or the file is not valid.
pub const FAILED: u8 = 3;
/// A lock was not free in time: `EX_TEMPFAIL`, as with flock(1)'s `-E`.
pub const LOCKED: u8 = 75;

pub type Result<T = u8> = std::result::Result<T, Failure>;

/// Why a command ends early.
#[derive(Debug)]
pub struct Failure {
    pub code: u8,
    pub message: String,
    /// Whether it concerns one file. A command on many continues with the others.
    pub of_one_file: bool,
}

impl Failure {
    pub fn new(code: u8, message: impl Into<String>) -> Failure {
        Failure {
            code,
            message: message.into(),
            of_one_file: false,
        }
    }

    pub fn usage(message: impl Into<String>) -> Failure {
        Failure::new(USAGE, message)
    }

    /// An error of the system about a file or another thing with a name.
    pub fn of(name: impl Display, error: impl Display) -> Failure {
        Failure {
            of_one_file: true,
            ..Failure::new(FAILED, format!("{name}: {error}"))
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        let code = match error.kind() {
            ErrorKind::LockTimeout | ErrorKind::Locked => LOCKED,
            ErrorKind::InvalidArgument => USAGE,
            _ => FAILED,
        };
        Failure {
            of_one_file: true,
            ..Failure::new(code, in_our_words(error.to_string()))
        }
    }
}

/// The library's hints name its own options.
fn in_our_words(message: String) -> String {
    [
        (", and this handle must not create it", ""),
        (
            "make it, or open with `parents`",
            "make it (append has --parents)",
        ),
    ]
    .into_iter()
    .fold(message, |text, (theirs, ours)| text.replace(theirs, ours))
}

/// Of standard input or output.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        // The program that reads our output has ended, which is no failure. Only Windows
        // gets here: elsewhere SIGPIPE has ended the process.
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Failure::new(0, "");
        }
        Failure::new(FAILED, error.to_string())
    }
}
