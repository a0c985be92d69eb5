//! The tests of the core that can share a process: one program, so that the library is
//! linked once.
//!
//! None of them starts a process. Between its fork and its exec a child has a copy of
//! every descriptor. So it would keep the locks of a process whose death another test
//! plays. Those that do are in `../system`. Tests whose other processes are the test
//! program are in `../processes`, the model of the guarantees is in `../model`, and
//! `../memory.rs` counts every allocation.

#[cfg(target_os = "linux")]
mod batches;
// macOS has no list of the open files, and opens a file for more than one.
#[cfg(any(target_os = "linux", windows))]
mod close;
#[cfg(unix)]
mod conformance;
mod crash;
mod document;
mod elsewhere;
mod ended;
mod fault;
mod fold;
mod follow;
mod follow_chain;
mod header;
// The other programs in it lock as Unix does; for Windows see `windows.rs`.
#[cfg(unix)]
mod in_place;
mod lock;
mod mistakes;
// Symbolic links, and a working directory that is removed.
#[cfg(unix)]
mod places;
// The inode number says which file a name means, as in a model of a Unix file system.
#[cfg(unix)]
mod power;
mod progress;
mod properties;
mod prune;
mod reading;
// The coarse clock is asked on Linux only.
#[cfg(target_os = "linux")]
mod recent_names;
mod rewrite;
#[cfg(unix)]
mod rights;
mod rooms;
mod rotation;
mod salvage;
#[path = "../scene/mod.rs"]
mod scene;
mod seal;
mod session;
mod session_reconcile;
mod session_search;
mod session_waits;
mod slow_syncs;
#[cfg(unix)]
mod special_files;
mod strange_files;
mod tasks;
mod threads;
mod torn;
mod transaction;
#[cfg(unix)]
mod transaction_crash;
#[cfg(unix)]
mod transaction_settle;
#[cfg(unix)]
mod trust;
mod undecided;
