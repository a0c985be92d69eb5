//! Makes the mark by which a copy of a process that used the library is recognized. It
//! serves copies that were made without the handlers of `pthread_atfork`: by `_Fork`,
//! or by the system call.
//!
//! The mark is in a page that the system empties in a copy (`MADV_WIPEONFORK`, Linux
//! 4.14). A check of the pid would be a system call each time.

pub(super) use page::{begin, end, watch};

#[cfg(any(target_os = "linux", target_os = "android"))]
mod page {
    use std::ptr;
    use std::sync::atomic::{AtomicU8, Ordering};

    use crate::sys::fork::{MARK, NOTICED};

    /// The value that the system leaves in a copy.
    const COPY: u8 = 0;
    /// A thread is changing the state.
    const CHANGING: u8 = 2;
    const LENGTH: usize = 4096;

    fn mark() -> Option<&'static AtomicU8> {
        // SAFETY: null, or a byte of a page that is never unmapped.
        unsafe { MARK.load(Ordering::Acquire).as_ref() }
    }

    /// Begins to watch. If the system can't, nothing is ever a copy.
    pub fn watch() {
        // SAFETY: a new mapping, unknown to other threads until it is stored.
        unsafe {
            let page = libc::mmap(
                ptr::null_mut(),
                LENGTH,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
                -1,
                0,
            );
            if page == libc::MAP_FAILED {
                return;
            }
            if libc::madvise(page, LENGTH, libc::MADV_WIPEONFORK) != 0 {
                libc::munmap(page, LENGTH);
                return;
            }
            let mark = page.cast::<AtomicU8>();
            (*mark).store(NOTICED, Ordering::Relaxed);
            MARK.store(mark, Ordering::Release);
        }
    }

    /// Returns whether the caller must make a process of its own of this copy.
    /// All other callers return when that is done.
    pub fn begin() -> bool {
        let Some(mark) = mark() else { return true };
        loop {
            let begun = mark.compare_exchange(COPY, CHANGING, Ordering::AcqRel, Ordering::Acquire);
            match begun {
                Ok(_) => return true,
                Err(NOTICED) => return false,
                Err(_) => std::hint::spin_loop(),
            }
        }
    }

    pub fn end() {
        if let Some(mark) = mark() {
            mark.store(NOTICED, Ordering::Release);
        }
    }
}

/// Without such a page, the handlers report all forks but these.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
mod page {
    pub fn watch() {}

    pub fn begin() -> bool {
        true
    }

    pub fn end() {}
}
