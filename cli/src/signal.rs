//! Signals: Ctrl-C, and the end of the program that reads our output.

/// Ctrl-C ends the command at once with status 130. A broken pipe ends it
/// silently. No cleanup is needed: the kernel releases our locks, and the next
/// process that takes a lock settles a change that was cut off.
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

/// For a program that replaces this process: a handler can't be passed on, and
/// Node.js closes its standard streams when it executes a program.
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
