//! The tests whose other processes are this very program, which gets their part by an
//! environment variable: writers that are killed, owners that hang, programs in
//! namespaces of their own.
//!
//! Without the harness of `cargo test`: each test is run in a process of its own, as
//! many at once as there are processors, and some more, as some only wait.

mod events;
// Windows has no fork.
#[cfg(unix)]
mod forks;
mod kill;
// Elsewhere a waiter can't be seen: see `sys/unix/awaited.rs`.
#[cfg(target_os = "linux")]
mod lock_turns;
// Signals and namespaces are those of Unix.
#[cfg(unix)]
mod media;
#[cfg(unix)]
mod pid_file;
#[cfg(unix)]
mod process;
#[path = "../scene/mod.rs"]
mod scene;
mod session_kill;
mod transaction_kill;
#[cfg(unix)]
mod transfer;

use scene::program::{self, Part, Test};

const PARTS: &[&[Part]] = &[
    events::PARTS,
    kill::PARTS,
    #[cfg(target_os = "linux")]
    lock_turns::PARTS,
    #[cfg(unix)]
    media::PARTS,
    #[cfg(unix)]
    pid_file::PARTS,
    #[cfg(unix)]
    process::PARTS,
    session_kill::PARTS,
    transaction_kill::PARTS,
    #[cfg(unix)]
    transfer::PARTS,
];

const TESTS: &[&[Test]] = &[
    events::TESTS,
    #[cfg(unix)]
    forks::TESTS,
    kill::TESTS,
    #[cfg(target_os = "linux")]
    lock_turns::TESTS,
    #[cfg(unix)]
    media::TESTS,
    #[cfg(unix)]
    pid_file::TESTS,
    #[cfg(unix)]
    process::TESTS,
    session_kill::TESTS,
    transaction_kill::TESTS,
    #[cfg(unix)]
    transfer::TESTS,
];

fn main() {
    match program::part() {
        Some(part) => program::play(&part, &PARTS.concat()),
        None => program::run(&TESTS.concat()),
    }
}
