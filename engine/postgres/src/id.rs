//! Ids of commits.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// Returns an id that no other commit has: time, process and count in 122 bits, mixed
/// with the random state of std's hash maps.
pub(crate) fn new() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let time = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    // Each state has keys of its own, the first of a thread from the system.
    let random = RandomState::new().hash_one((count, std::process::id(), time));
    // In the order of time, so that the index of ids grows at its end.
    let millis = time.as_millis() as u64 & 0xffff_ffff_ffff;
    let more = RandomState::new().hash_one((random, count));
    format!(
        "{:08x}-{:04x}-7{:03x}-{:04x}-{:012x}",
        millis >> 16,
        millis & 0xffff,
        more & 0xfff,
        0x8000 | (more >> 12) & 0x3fff,
        random & 0xffff_ffff_ffff
    )
}
