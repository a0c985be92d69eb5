//! Detects that this process is a copy of one that used the library, made
//! without the handlers of `pthread_atfork`: by `_Fork`, or by the system call.
//!
//! A page that the system empties in a copy shows it (`MADV_WIPEONFORK`, Linux
//! 4.14). A check of the pid would be a system call each time.

pub(in crate::sys) use page::is_copy;
pub(super) use page::{begin, end, watch};

#[cfg(any(target_os = "linux", target_os = "android"))]
mod page {
    use std::ptr;
    use std::sync::atomic::{AtomicPtr, AtomicU8, Ordering};

    /// The page, once one was made.
    static PAGE: AtomicPtr<AtomicU8> = AtomicPtr::new(ptr::null_mut());

    /// The value that the system leaves in a copy.
    const COPY: u8 = 0;
    const OURS: u8 = 1;
    /// A thread is changing the state.
    const CHANGING: u8 = 2;
    const LENGTH: usize = 4096;

    #[inline]
    fn page() -> Option<&'static AtomicU8> {
        // SAFETY: null, or a page that is never unmapped.
        unsafe { PAGE.load(Ordering::Acquire).as_ref() }
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
            let page = page.cast::<AtomicU8>();
            (*page).store(OURS, Ordering::Relaxed);
            PAGE.store(page, Ordering::Release);
        }
    }

    #[inline]
    pub fn is_copy() -> bool {
        page().is_some_and(|page| page.load(Ordering::Acquire) != OURS)
    }

    /// Returns whether the caller must make a process of its own of this copy.
    /// All other callers return when that is done.
    pub fn begin() -> bool {
        let Some(page) = page() else { return true };
        loop {
            let begun = page.compare_exchange(COPY, CHANGING, Ordering::AcqRel, Ordering::Acquire);
            match begun {
                Ok(_) => return true,
                Err(OURS) => return false,
                Err(_) => std::hint::spin_loop(),
            }
        }
    }

    pub fn end() {
        if let Some(page) = page() {
            page.store(OURS, Ordering::Release);
        }
    }
}

/// Without such a page, the handlers report all forks but these.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
mod page {
    pub fn watch() {}

    #[inline]
    pub fn is_copy() -> bool {
        false
    }

    pub fn begin() -> bool {
        true
    }

    pub fn end() {}
}
