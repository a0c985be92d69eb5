//! Whether this process is a copy of one that used the library, made without the
//! handlers of `pthread_atfork`: by `_Fork`, or by the system call.
//!
//! A page that the system empties in a copy tells it (`MADV_WIPEONFORK`, Linux
//! 4.14). To ask for the pid each time would be a system call each time.

pub(super) use page::{begin, end, is_copy, watch};

#[cfg(any(target_os = "linux", target_os = "android"))]
mod page {
    use std::ptr;
    use std::sync::atomic::{AtomicPtr, AtomicU8, Ordering};

    /// What the page says, once one was made.
    static PAGE: AtomicPtr<AtomicU8> = AtomicPtr::new(ptr::null_mut());

    /// As the system leaves it in a copy.
    const COPY: u8 = 0;
    const OURS: u8 = 1;
    /// A thread is at it.
    const CHANGING: u8 = 2;
    const LENGTH: usize = 4096;

    #[inline]
    fn page() -> Option<&'static AtomicU8> {
        // SAFETY: null, or a page that is never unmapped.
        unsafe { PAGE.load(Ordering::Acquire).as_ref() }
    }

    /// Begins to watch. Where the system can't, nothing is ever a copy.
    pub fn watch() {
        // SAFETY: a new mapping, that nobody else knows of until it is stored.
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

    /// Whether the caller is the one who makes a process of its own of this; all
    /// others return when it has.
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

/// Without such a page: the handlers tell of all forks but these.
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
