//! The tests of the core that can share a process: one program, so that the
//! library is linked once.
//!
//! Tests with processes, namespaces or limits of their own are in
//! `../processes`, the model of the guarantees in `../model`, and what counts
//! every allocation in `../memory.rs`.

#[cfg(target_os = "linux")]
mod close;
#[cfg(unix)]
mod conformance;
mod crash;
#[cfg(target_os = "linux")]
mod descriptors;
// Mounts a file system, as only Unix does.
#[cfg(unix)]
mod disk_full;
mod document;
mod ended;
mod fault;
mod fold;
mod follow;
mod follow_chain;
#[cfg(unix)]
mod follow_waking;
// Windows has no fork.
#[cfg(unix)]
mod fork;
mod fuzz_corpus;
mod header;
// The other programs in it lock as Unix does; for Windows see `windows.rs`.
#[cfg(unix)]
mod in_place;
mod lock;
#[cfg(target_os = "linux")]
mod lock_file;
// Windows has neither these mounts nor a use for links of open files.
#[cfg(unix)]
mod names;
#[cfg(target_os = "linux")]
mod no_statx;
#[cfg(target_os = "linux")]
mod overlay;
// Symbolic links, and a working directory that is removed.
#[cfg(unix)]
mod places;
// Which file a name means is told by inode number, as a model of a Unix file system.
#[cfg(unix)]
mod power;
mod properties;
// Mounts a file system that counts a quota.
#[cfg(target_os = "linux")]
mod quota;
mod reading;
mod remount;
mod rewrite;
#[cfg(unix)]
mod rights;
mod rotation;
#[path = "../scene/mod.rs"]
mod scene;
mod seal;
mod selftest;
mod session;
mod session_reconcile;
mod session_search;
mod session_waits;
#[cfg(unix)]
mod special_files;
mod strange_files;
mod threads;
mod transaction;
#[cfg(unix)]
mod transaction_crash;
#[cfg(unix)]
mod transaction_settle;
// What a program of Unix does with descriptors, signals and `flock`.
#[cfg(unix)]
mod traps;
#[cfg(unix)]
mod trust;
mod undecided;
#[cfg(windows)]
mod windows;
