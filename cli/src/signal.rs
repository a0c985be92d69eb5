//! Ctrl-C and a reader of our output that has gone.

/// Ctrl-C ends the command at once with status 130, and a broken pipe ends it
/// without a word. Nothing has to be tidied up: the kernel frees our locks, and
/// a change that is cut off is settled by whoever takes the lock next.
#[cfg(unix)]
pub fn prepare() {
    extern "C" fn interrupted(_: libc::c_int) {
        // SAFETY: _exit may be called in a signal handler.
        unsafe { libc::_exit(130) }
    }
    let handler = interrupted as extern "C" fn(libc::c_int) as libc::sighandler_t;
    // SAFETY: the handler calls only what a signal handler may call.
    unsafe {
        libc::signal(libc::SIGINT, handler);
        libc::signal(libc::SIGPIPE, libc::SIG_DFL);
    }
}

/// For a program that takes our place: a handler can't be passed on, and Node.js
/// has its standard streams closed when a program is executed.
#[cfg(unix)]
pub fn restore() {
    // SAFETY: sets a default, and a flag of descriptors that are open or not.
    unsafe {
        libc::signal(libc::SIGINT, libc::SIG_DFL);
        for stream in 0..3 {
            libc::fcntl(stream, libc::F_SETFD, 0);
        }
    }
}

#[cfg(not(unix))]
pub fn prepare() {}
