//! Checks that locks lock.

use std::io;
use std::time::{Duration, Instant};

use super::stage::{LONG, Other, Stage, heard};
use super::{Found, failed, passed, skipped};
use crate::error::{ErrorKind, Result};
use crate::lock::FileLock;
use crate::oslock::Scheme;
use crate::sys::Order;

pub(super) fn exclusion(stage: &Stage) -> io::Result<Found> {
    let ours = stage.file("exclusion")?;
    let mut other = stage.other("exclusion")?;
    if !ours.try_lock(false)? {
        return failed("a lock that no process has was refused");
    }
    for (order, what) in [
        (Order::TryExclusive, "exclusively"),
        (Order::TryShared, "shared"),
    ] {
        if other.does(order)? {
            return failed(format!(
                "{}: both have the lock of one file at once, the second one {what}: locks do \
                 nothing here",
                other.name()
            ));
        }
    }
    ours.unlock()?;
    if !other.does(Order::TryExclusive)? {
        return failed("a lock that was released is refused");
    }
    if ours.try_lock(false)? {
        return failed(format!(
            "{}: both have the lock of one file at once: locks do nothing here",
            other.name()
        ));
    }
    other.does(Order::Unlock)?;
    if !ours.try_lock(false)? {
        return failed("a lock that the other released is refused");
    }
    passed(format!("{} exclude each other", other.name()))
}

pub(super) fn exclusion_threads(stage: &Stage) -> Result<Found> {
    let path = stage.path("threads");
    let once = FileLock::options().timeout(Some(Duration::ZERO));
    let _guard = once.acquire(&path)?;
    let second = std::thread::scope(|threads| {
        let second = threads.spawn(|| once.acquire(&path).map(drop));
        second.join()
    });
    Ok(match second {
        Ok(Err(error)) if error.kind() == ErrorKind::Locked => (
            super::Outcome::Passed,
            "two threads exclude each other".to_owned(),
        ),
        other => (
            super::Outcome::Failed,
            format!("a second thread was not refused: {other:?}"),
        ),
    })
}

pub(super) fn sharing(stage: &Stage) -> io::Result<Found> {
    let ours = stage.file("sharing")?;
    let mut other = stage.other("sharing")?;
    if !ours.try_lock(true)? || !other.does(Order::TryShared)? {
        return failed("a shared lock is not shared");
    }
    ours.unlock()?;
    if ours.try_lock(false)? {
        return failed("an exclusive lock was granted next to a shared one");
    }
    passed(format!("{} share a lock", other.name()))
}

pub(super) fn waiting(stage: &Stage) -> io::Result<Found> {
    let ours = stage.file("waiting")?;
    let Other::Process(mut child) = stage.other("waiting")? else {
        return skipped("it takes a second process");
    };
    if !ours.try_lock(false)? {
        return failed("a lock that no process has was refused");
    }
    child.tell(Order::AwaitExclusive)?;
    // Long enough for the wait in the kernel to begin. If it has not begun, the
    // check passes as well.
    if child.hear(Duration::from_millis(50)).is_ok() {
        return failed("the other process did not wait for the lock");
    }
    ours.unlock()?;
    let begun = Instant::now();
    if !heard(&mut child)? {
        return failed("the process that waited for the lock was refused");
    }
    passed(format!("woken after {:?}", begun.elapsed()))
}

pub(super) fn release_on_death(stage: &Stage) -> io::Result<Found> {
    let ours = stage.file("death")?;
    let Other::Process(mut child) = stage.other("death")? else {
        return skipped("it takes a second process");
    };
    child.tell(Order::TryExclusive)?;
    if !heard(&mut child)? || ours.try_lock(false)? {
        return failed("the other process did not get the lock");
    }
    child.kill()?;
    let begun = Instant::now();
    // A server may take its time to notice the death.
    while !ours.try_lock(false)? {
        if begun.elapsed() > LONG {
            return failed(format!(
                "a killed process still has its lock after {LONG:?}"
            ));
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    passed("a killed process has no lock any more")
}

/// Checks the lock of a file in this scheme against a second process. The second
/// process does as a program with that scheme does.
pub(super) fn scheme(stage: &Stage, scheme: Scheme) -> Result<Found> {
    let path = stage.path("scheme");
    let options = FileLock::options()
        .scheme(scheme)
        .timeout(Some(Duration::ZERO));
    let guard = options.acquire(&path)?;
    let os_error = |error| crate::error::Error::os("selftest", &path, error);
    let file = guard.lock_path().to_owned();
    let (take, give) = match scheme {
        Scheme::Sidecar | Scheme::InPlace => (Order::TryExclusive, Order::Unlock),
        Scheme::PidFile => (Order::Create, Order::Remove),
    };
    let child = crate::sys::Child::start(&file, &file);
    let mut other = match child {
        Ok(child) => Other::Process(child),
        Err(error) if error.kind() == io::ErrorKind::Unsupported => {
            let again = options.acquire(&path);
            return Ok(match again {
                Err(error) if error.kind() == ErrorKind::Deadlock => {
                    skip("it takes a second process")
                }
                Err(error) if error.kind() == ErrorKind::Locked => (
                    super::Outcome::Passed,
                    format!("{scheme}: two handles of one process exclude each other"),
                ),
                other => (super::Outcome::Failed, format!("not refused: {other:?}")),
            });
        }
        Err(error) => return Err(os_error(error)),
    };
    if other.does(take).map_err(os_error)? {
        let detail = format!("{scheme}: another process got the lock that we have");
        return Ok((super::Outcome::Failed, detail));
    }
    drop(guard);
    if !other.does(take).map_err(os_error)? {
        let detail = format!("{scheme}: the lock that was released is refused to another process");
        return Ok((super::Outcome::Failed, detail));
    }
    let refused = options.acquire(&path).map(drop);
    if !matches!(&refused, Err(error) if error.kind() == ErrorKind::Locked) {
        let detail = format!("{scheme}: we got the lock that another process has: {refused:?}");
        return Ok((super::Outcome::Failed, detail));
    }
    other.does(give).map_err(os_error)?;
    drop(options.acquire(&path)?);
    let detail = format!("{scheme}: {} exclude each other", other.name());
    Ok((super::Outcome::Passed, detail))
}

fn skip(why: &str) -> Found {
    (super::Outcome::Skipped, why.to_owned())
}
