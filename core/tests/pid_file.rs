//! The scheme `pid-file`: `unix/pid_file.rs`.

#[cfg(unix)]
mod scene;
#[cfg(unix)]
#[path = "unix/pid_file.rs"]
mod unix;

#[cfg(unix)]
fn main() {
    unix::main();
}

/// Its other processes, signals and namespaces are those of Unix.
#[cfg(not(unix))]
fn main() {}
