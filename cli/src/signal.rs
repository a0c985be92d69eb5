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

/// Whether terminals understand the escapes for colors and for places on the screen.
#[cfg(unix)]
pub fn understands_escapes() -> bool {
    true
}

#[cfg(windows)]
pub use windows::{prepare, restore, understands_escapes};

/// On Windows a thread of the system runs the handler. A broken pipe is an error of the
/// next write there, see `exit.rs`.
#[cfg(windows)]
mod windows {
    use std::sync::atomic::{AtomicBool, Ordering};

    use windows_sys::Win32::System::Console::SetConsoleCtrlHandler;
    use windows_sys::Win32::System::Threading::ExitProcess;

    /// Whether Ctrl-C is for a command that this process waits for.
    static COMMAND_RUNS: AtomicBool = AtomicBool::new(false);

    unsafe extern "system" fn interrupted(_: u32) -> i32 {
        if !COMMAND_RUNS.load(Ordering::Relaxed) {
            // SAFETY: it takes only a number.
            unsafe { ExitProcess(130) }
        }
        1
    }

    pub fn prepare() {
        // SAFETY: the handler is a function of this program.
        unsafe { SetConsoleCtrlHandler(Some(interrupted), 1) };
    }

    /// The console sends Ctrl-C to the command, too. It decides whether it ends, and the
    /// lock is held until then.
    pub fn restore() {
        COMMAND_RUNS.store(true, Ordering::Relaxed);
    }

    /// Consoles before Windows 10 understand none, and later ones only if asked.
    pub fn understands_escapes() -> bool {
        anstyle_query::windows::enable_ansi_colors().unwrap_or(true)
    }
}
