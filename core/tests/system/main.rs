//! The tests of the core that start other programs, mount file systems, or change
//! what belongs to a whole process. `../it` says why they have a program of their
//! own.

#[cfg(target_os = "linux")]
mod descriptors;
// Mounts a file system, as only Unix does.
#[cfg(unix)]
mod disk_full;
#[cfg(unix)]
mod follow_waking;
// Windows has no fork.
#[cfg(unix)]
mod fork;
mod fuzz_corpus;
// Windows does not report who holds a lock.
#[cfg(unix)]
mod held;
#[cfg(unix)]
mod holder;
#[cfg(target_os = "linux")]
mod lock_file;
// Windows has neither these mounts nor a use for links of open files.
#[cfg(unix)]
mod names;
#[cfg(target_os = "linux")]
mod no_statx;
#[cfg(target_os = "linux")]
mod overlay;
// Mounts a file system that counts a quota.
#[cfg(target_os = "linux")]
mod quota;
mod remount;
#[path = "../scene/mod.rs"]
mod scene;
mod selftest;
// What a program of Unix does with descriptors, signals and `flock`.
#[cfg(unix)]
mod traps;
#[cfg(windows)]
mod windows;
