//! The queues of locks and journals, under many interleavings of their threads.
//!
//! `shuttle` runs all threads of a test on one, and chooses at each mutex, condition
//! variable and atomic which one goes on. If all wait, the test fails, and prints
//! the schedule. Times are over at any moment. Locks of files are a model of flock
//! (`sys/interleaved.rs`); the files are real.
//!
//! ```text
//! RUSTFLAGS="--cfg untorn_interleaved" cargo test -p untorn --test interleaved
//! ```
#![cfg(untorn_interleaved)]

mod journal;
mod lock;
mod world;
