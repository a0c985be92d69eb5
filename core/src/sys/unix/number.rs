//! Whether a descriptor's number still belongs to its opener.
//!
//! A program can close a library's file, and the number goes to the next file
//! that is opened. If the library opens the same file once more, only this
//! count distinguishes the two.

use std::os::fd::AsRawFd;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use super::Handle;

const CHUNK: usize = 1024;
const CHUNKS: usize = 1024;

type Chunk = Box<[AtomicU32; CHUNK]>;

/// How often the library received each number. (Higher numbers are not
/// counted.)
static GIVEN: [OnceLock<Chunk>; CHUNKS] = [const { OnceLock::new() }; CHUNKS];

fn given(file: &Handle) -> Option<&'static AtomicU32> {
    let number = usize::try_from(file.as_raw_fd()).ok()?;
    let chunk = GIVEN.get(number / CHUNK)?;
    let chunk = chunk.get_or_init(|| Box::new([const { AtomicU32::new(0) }; CHUNK]));
    chunk.get(number % CHUNK)
}

/// Counts a file that was just opened.
#[inline]
pub(in crate::sys) fn take(file: &Handle) -> u32 {
    given(file).map_or(0, |given| {
        given.fetch_add(1, Ordering::Relaxed).wrapping_add(1)
    })
}

/// Returns whether the library has not received the number again since that
/// count.
#[inline]
pub(in crate::sys) fn is_last(file: &Handle, count: u32) -> bool {
    given(file).is_none_or(|given| given.load(Ordering::Relaxed) == count)
}
