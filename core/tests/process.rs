//! Which process it is, and whether it lives: `unix/process.rs`.

#[cfg(unix)]
mod scene;
#[cfg(unix)]
#[path = "unix/process.rs"]
mod unix;

#[cfg(unix)]
fn main() {
    unix::main();
}

/// Its other processes, signals and namespaces are those of Unix.
#[cfg(not(unix))]
fn main() {}
