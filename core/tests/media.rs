//! Media on which not everything goes: `unix/media.rs`.

#[cfg(unix)]
mod scene;
#[cfg(unix)]
#[path = "unix/media.rs"]
mod unix;

#[cfg(unix)]
fn main() {
    unix::main();
}

/// Its other processes, signals and namespaces are those of Unix.
#[cfg(not(unix))]
fn main() {}
