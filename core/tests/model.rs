//! A model test of the guarantees: `model/mod.rs`.

#[cfg(unix)]
#[path = "model/mod.rs"]
mod model;
#[cfg(unix)]
mod scene;

#[cfg(unix)]
fn main() {
    model::main();
}

/// Its processes are forks.
#[cfg(not(unix))]
fn main() {}
