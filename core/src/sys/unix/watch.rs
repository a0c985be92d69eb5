//! Uses inotify for files, a pidfd for the process, and an eventfd for wakers.
//! Elsewhere nothing yet.

#[cfg(target_os = "linux")]
pub(in crate::sys) use linux::{Waker, Watch};
#[cfg(not(target_os = "linux"))]
pub(in crate::sys) use nowhere::{Waker, Watch};

#[cfg(target_os = "linux")]
mod linux {
    use std::io;
    use std::mem::MaybeUninit;
    use std::os::fd::OwnedFd;
    use std::path::Path;
    use std::sync::Arc;
    use std::time::Duration;

    use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd, poll};
    use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
    use rustix::io::Errno;
    use rustix::process::{Pid, PidfdFlags, pidfd_open};

    pub(in crate::sys) struct Watch {
        files: OwnedFd,
        file: Option<i32>,
        process: Option<OwnedFd>,
        word: Arc<OwnedFd>,
    }

    pub(in crate::sys) struct Waker(Arc<OwnedFd>);

    impl Watch {
        pub fn new(file: &Path, process: Option<u32>) -> io::Result<Option<Watch>> {
            let files = match inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK) {
                // A user has 128 of them (man 7 inotify); or none exist.
                Err(Errno::MFILE | Errno::NFILE | Errno::NOMEM | Errno::NOSYS) => return Ok(None),
                result => result?,
            };
            let mut watch = Watch {
                files,
                file: None,
                process: None,
                word: Arc::new(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?),
            };
            let full = [Errno::NOSPC, Errno::NOMEM, Errno::ACCESS];
            match watch.renew(file, process) {
                Err(error)
                    if full
                        .map(io::Error::from)
                        .iter()
                        .any(|e| e.raw_os_error() == error.raw_os_error()) =>
                {
                    Ok(None)
                }
                result => result.map(|()| Some(watch)),
            }
        }

        pub fn renew(&mut self, file: &Path, process: Option<u32>) -> io::Result<()> {
            if let Some(before) = self.file.take() {
                // It is gone already if its file is.
                let _ = inotify::remove_watch(&self.files, before);
            }
            self.drain();
            let pid = process
                .and_then(|pid| i32::try_from(pid).ok())
                .and_then(Pid::from_raw);
            // Before Linux 5.3 there is none; then polling finds its end.
            self.process = pid.and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok());
            // A file that loses its last name while it is open shows it as a
            // change of attributes.
            let flags = WatchFlags::MODIFY
                | WatchFlags::ATTRIB
                | WatchFlags::MOVE_SELF
                | WatchFlags::DELETE_SELF
                | WatchFlags::DONT_FOLLOW;
            self.file = Some(inotify::add_watch(&self.files, file, flags)?);
            Ok(())
        }

        pub fn wait(&self, timeout: Option<Duration>) -> io::Result<()> {
            let timeout = timeout.and_then(|timeout| timeout.try_into().ok());
            let mut fds = vec![
                PollFd::new(&self.files, PollFlags::IN),
                PollFd::new(&*self.word, PollFlags::IN),
            ];
            fds.extend(
                self.process
                    .as_ref()
                    .map(|fd| PollFd::new(fd, PollFlags::IN)),
            );
            match poll(&mut fds, timeout.as_ref()) {
                Err(Errno::INTR) => {}
                result => drop(result?),
            }
            self.drain();
            Ok(())
        }

        /// Discards the events so far, which are known now.
        fn drain(&self) {
            let mut events = [MaybeUninit::uninit(); 1024];
            let mut reader = inotify::Reader::new(&self.files, &mut events);
            while reader.next().is_ok() {}
            let _ = rustix::io::read(&*self.word, &mut [0; 8]);
        }

        pub fn waker(&self) -> Waker {
            Waker(Arc::clone(&self.word))
        }
    }

    impl Waker {
        pub fn wake(&self) {
            // It fails only if as many wakes wait to be read.
            let _ = rustix::io::write(&*self.0, &1_u64.to_ne_bytes());
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod nowhere {
    use std::convert::Infallible;
    use std::io;
    use std::path::Path;
    use std::time::Duration;

    pub(in crate::sys) struct Watch(Infallible);
    pub(in crate::sys) struct Waker(Infallible);

    impl Watch {
        pub fn new(_: &Path, _: Option<u32>) -> io::Result<Option<Watch>> {
            Ok(None)
        }

        pub fn renew(&mut self, _: &Path, _: Option<u32>) -> io::Result<()> {
            match self.0 {}
        }

        pub fn wait(&self, _: Option<Duration>) -> io::Result<()> {
            match self.0 {}
        }

        pub fn waker(&self) -> Waker {
            match self.0 {}
        }
    }

    impl Waker {
        pub fn wake(&self) {
            match self.0 {}
        }
    }
}
