//! A lock by itself: untorn's, and flock as a C program would call it.

use super::Worker;
use crate::clock::monotonic;
use anyhow::{Context, Result, bail};
use std::fs::{File, OpenOptions};
use std::os::fd::AsRawFd;
use std::time::Duration;
use untorn::{FileLock, LockGuard};

/// The subjects: how a lock is taken, and the guard that releases it when dropped.
pub trait Take {
    type Guard;
    /// `timed`: in the way of a call that has a deadline.
    fn take(&mut self, path: &str, timed: bool) -> Result<Self::Guard>;
}

/// untorn's `FileLock`.
#[derive(Default)]
pub struct Ours;

impl Take for Ours {
    type Guard = LockGuard;

    fn take(&mut self, path: &str, timed: bool) -> Result<LockGuard> {
        let timeout = timed.then_some(Duration::from_secs(60));
        Ok(FileLock::options().timeout(timeout).acquire(path)?)
    }
}

/// flock, blocking, on the same file, which stays open.
#[derive(Default)]
pub struct Raw(Option<(String, File)>);

pub struct RawGuard(i32);

impl Drop for RawGuard {
    fn drop(&mut self) {
        // SAFETY: the file is open for as long as its worker lives.
        unsafe { libc::flock(self.0, libc::LOCK_UN) };
    }
}

impl Take for Raw {
    type Guard = RawGuard;

    fn take(&mut self, path: &str, _timed: bool) -> Result<RawGuard> {
        if self.0.as_ref().is_none_or(|(open, _)| open != path) {
            let file = OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .open(format!("{path}.lock"))?;
            self.0 = Some((path.to_owned(), file));
        }
        let (_, file) = self.0.as_ref().context("the lock file is open")?;
        let descriptor = file.as_raw_fd();
        // SAFETY: the descriptor is open.
        if unsafe { libc::flock(descriptor, libc::LOCK_EX) } != 0 {
            return Err(std::io::Error::last_os_error().into());
        }
        Ok(RawGuard(descriptor))
    }
}

pub struct Lock<T: Take> {
    how: T,
    held: Option<T::Guard>,
}

impl<T: Take + Default> Default for Lock<T> {
    fn default() -> Self {
        Lock {
            how: T::default(),
            held: None,
        }
    }
}

impl<T: Take> Worker for Lock<T> {
    fn answer(&mut self, request: &[&str]) -> Result<f64> {
        match *request {
            // The time at which the lock was taken, or released.
            ["take", path, how] => {
                self.held = Some(self.how.take(path, how == "timed")?);
                Ok(monotonic() as f64)
            }
            ["release"] => {
                let held = self.held.take().context("no lock is held")?;
                let at = monotonic() as f64;
                drop(held);
                Ok(at)
            }
            ["contend", path, from, until, held] => {
                let (from, until) = (from.parse()?, until.parse()?);
                self.contend(path, from, until, held.parse()?)
            }
            // The processor time (ns) of a wait of so many seconds in vain.
            ["wait-in-vain", path, seconds] => {
                let before = processor_time()?;
                let options =
                    FileLock::options().timeout(Some(Duration::from_secs_f64(seconds.parse()?)));
                match options.acquire(path) {
                    Err(error) if error.kind() == untorn::ErrorKind::LockTimeout => {}
                    Err(error) => return Err(error.into()),
                    Ok(_) => bail!("the lock was free"),
                }
                Ok(processor_time()? - before)
            }
            _ => bail!("the lock worker can't do that"),
        }
    }
}

impl<T: Take> Lock<T> {
    /// Takes the lock, holds it for so many nanoseconds and releases it, again and
    /// again. Returns how often.
    fn contend(&mut self, path: &str, from: i64, until: i64, held: i64) -> Result<f64> {
        let mut count = 0u64;
        while monotonic() < from {
            std::thread::sleep(Duration::from_micros(50));
        }
        while monotonic() < until {
            let guard = self.how.take(path, false)?;
            if held > 0 {
                // Work on a file or a network, not on a processor.
                std::thread::sleep(Duration::from_nanos(held.unsigned_abs()));
            }
            drop(guard);
            count += 1;
        }
        Ok(count as f64)
    }
}

/// User and system time of all threads of this process so far, in nanoseconds.
fn processor_time() -> Result<f64> {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `time` is a valid timespec.
    let status = unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut time) };
    anyhow::ensure!(status == 0, "no clock of the processor time");
    Ok(time.tv_sec as f64 * 1e9 + time.tv_nsec as f64)
}
