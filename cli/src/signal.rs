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

/// Whether a terminal understands the escapes for colors and for places on the screen.
#[cfg(unix)]
pub fn understands_escapes<T>(_stream: &T) -> bool {
    true
}

#[cfg(windows)]
pub use windows::{prepare, restore, understands_escapes};

/// On Windows a thread of the system runs the handler. A broken pipe is an error of the
/// next write there, see `exit.rs`.
#[cfg(windows)]
mod windows {
    use std::os::windows::io::AsRawHandle;
    use std::sync::atomic::{AtomicBool, Ordering};

    use windows_sys::Win32::System::Console::{
        ENABLE_VIRTUAL_TERMINAL_PROCESSING, GetConsoleMode, SetConsoleCtrlHandler, SetConsoleMode,
    };
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

    /// Consoles before Windows 10 understand none, and later ones only if asked. A
    /// terminal that is no console of Windows (mintty) understands them.
    pub fn understands_escapes(stream: &impl AsRawHandle) -> bool {
        let console = stream.as_raw_handle();
        let mut mode = 0;
        // SAFETY: the handle is open as long as the stream, and the mode is written to.
        unsafe {
            GetConsoleMode(console, &raw mut mode) == 0
                || SetConsoleMode(console, mode | ENABLE_VIRTUAL_TERMINAL_PROCESSING) != 0
        }
    }
}
