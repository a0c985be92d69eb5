//! A forked child that makes nothing but system calls. Threads of the program
//! may have held any mutex at the fork, even the allocator's.

use std::ffi::CString;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};

use crate::sys::child::{Answer, Order};

pub(in crate::sys) struct Child {
    /// `None`: it has ended.
    pid: Option<Pid>,
    orders: Option<OwnedFd>,
    answers: OwnedFd,
}

/// Makes a pipe with close-on-exec, also on macOS, which has no one call for
/// it.
fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    let (read, write) = io::pipe()?;
    Ok((read.into(), write.into()))
}

impl Child {
    pub fn start(file: &Path, other: &Path) -> io::Result<Child> {
        let file = CString::new(file.as_os_str().as_bytes())?;
        let other = CString::new(other.as_os_str().as_bytes())?;
        let (their_orders, orders) = pipe()?;
        let (answers, their_answers) = pipe()?;
        // No handler of the program runs in the child: signals stay blocked.
        let pid = super::process::without_signals(|| {
            // SAFETY: the child calls nothing but `obey`.
            match unsafe { libc::fork() } {
                0 => {
                    // Its own ends of the pipes are closed: it ends when the
                    // parent's are.
                    // SAFETY: descriptors and strings made above.
                    unsafe {
                        libc::close(orders.as_raw_fd());
                        libc::close(answers.as_raw_fd());
                        obey(
                            their_orders.as_raw_fd(),
                            their_answers.as_raw_fd(),
                            &file,
                            &other,
                        )
                    }
                }
                pid => pid,
            }
        });
        let Some(pid) = (pid > 0).then(|| Pid::from_raw(pid)).flatten() else {
            return Err(io::Error::last_os_error());
        };
        Ok(Child {
            pid: Some(pid),
            orders: Some(orders),
            answers,
        })
    }

    pub fn tell(&mut self, order: Order) -> io::Result<()> {
        let Some(orders) = &self.orders else {
            return Err(io::ErrorKind::BrokenPipe.into());
        };
        rustix::io::write(orders, &[order as u8])?;
        Ok(())
    }

    pub fn hear(&mut self, timeout: Duration) -> io::Result<Answer> {
        let timeout = timeout.try_into().map_err(io::Error::other)?;
        let mut fds = [PollFd::new(&self.answers, PollFlags::IN)];
        loop {
            match poll(&mut fds, Some(&timeout)) {
                Err(rustix::io::Errno::INTR) => {}
                Ok(0) => return Err(io::ErrorKind::TimedOut.into()),
                Ok(_) => break,
                Err(error) => return Err(error.into()),
            }
        }
        let mut errno = [0; 4];
        if rustix::io::read(&self.answers, &mut errno)? < errno.len() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let error = io::Error::from_raw_os_error(i32::from_ne_bytes(errno));
        Ok(match error.raw_os_error() {
            Some(0) => Answer::Done,
            // The errors of a busy lock, and of a failed exclusive creation.
            Some(libc::EWOULDBLOCK | libc::EACCES | libc::EEXIST) => Answer::Busy,
            _ => Answer::Failed(error),
        })
    }

    pub fn kill(mut self) -> io::Result<()> {
        self.end()
    }

    fn end(&mut self) -> io::Result<()> {
        drop(self.orders.take());
        let Some(pid) = self.pid.take() else {
            return Ok(());
        };
        kill_process(pid, Signal::KILL)?;
        loop {
            match waitpid(Some(pid), WaitOptions::empty()) {
                Err(rustix::io::Errno::INTR) => {}
                // The program ignores the end of its children.
                Err(rustix::io::Errno::CHILD) => return Ok(()),
                result => return result.map(drop).map_err(io::Error::from),
            }
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        let _ = self.end();
    }
}

/// Runs the child until its end.
///
/// # Safety
/// It must be called in a forked child. The descriptors are open.
unsafe fn obey(orders: RawFd, answers: RawFd, file: &CString, other: &CString) -> ! {
    // SAFETY: system calls only, on descriptors and strings of our own.
    unsafe {
        let flags = libc::O_RDWR | libc::O_CLOEXEC | libc::O_NOFOLLOW;
        let fd = libc::open(file.as_ptr(), flags);
        let opened = if fd < 0 { errno() } else { 0 };
        loop {
            let mut order = 0_u8;
            match libc::read(orders, (&raw mut order).cast(), 1) {
                1 => {}
                -1 if errno() == libc::EINTR => continue,
                _ => libc::_exit(0),
            }
            let flock = |how| libc::flock(fd, how);
            let done = match order {
                _ if opened != 0 => opened,
                0 => code(flock(libc::LOCK_EX | libc::LOCK_NB)),
                1 => code(flock(libc::LOCK_SH | libc::LOCK_NB)),
                2 => code(flock(libc::LOCK_EX)),
                3 => code(flock(libc::LOCK_UN)),
                4 => {
                    let new = libc::O_CREAT | libc::O_EXCL | libc::O_WRONLY | libc::O_CLOEXEC;
                    let made = libc::open(other.as_ptr(), new, 0o600);
                    let done = code(made);
                    if made >= 0 {
                        libc::close(made);
                    }
                    done
                }
                5 => code(libc::unlink(other.as_ptr())),
                _ => libc::ENOSYS,
            };
            if libc::write(answers, (&raw const done).cast(), 4) != 4 {
                libc::_exit(1);
            }
        }
    }
}

fn code(result: libc::c_int) -> i32 {
    if result < 0 { errno() } else { 0 }
}

/// std's reads a thread-local and nothing else.
fn errno() -> i32 {
    io::Error::last_os_error().raw_os_error().unwrap_or(0)
}
