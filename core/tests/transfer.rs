//! A lock that moves to another process: `unix/transfer.rs`.

#[cfg(unix)]
mod scene;
#[cfg(unix)]
#[path = "unix/transfer.rs"]
mod unix;

#[cfg(unix)]
fn main() {
    unix::main();
}

/// Its other processes, signals and namespaces are those of Unix.
#[cfg(not(unix))]
fn main() {}
