//! A wait that takes long, and is reported.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::delivery::{emit, is_listening};
use super::words::EventKind;
use crate::holder::Holder;

/// After how many milliseconds a wait is reported.
static THRESHOLD: AtomicU64 = AtomicU64::new(2000);

/// How many times longer a wait takes until it is reported again.
const AGAIN: u32 = 4;

/// Sets after how long a wait for a lock is reported, for the whole process. The default
/// is 2 seconds. Waits that have begun keep the threshold that they began with.
pub fn set_wait_threshold(threshold: Duration) {
    let millis = u64::try_from(threshold.as_millis()).unwrap_or(u64::MAX);
    THRESHOLD.store(millis.max(1), Ordering::Relaxed);
}

/// The clock of one wait. When it is dropped, the wait is over.
pub(crate) struct LongWait<'a> {
    operation: &'static str,
    path: &'a Path,
    since: Instant,
    /// When it is reported next, and how long after that again.
    next: Option<(Instant, Duration)>,
    reported: bool,
}

impl<'a> LongWait<'a> {
    /// Begins a wait of this operation for the lock of `path`.
    pub fn begin(operation: &'static str, path: &'a Path) -> LongWait<'a> {
        let since = Instant::now();
        let threshold = Duration::from_millis(THRESHOLD.load(Ordering::Relaxed));
        let first = since.checked_add(threshold);
        LongWait {
            operation,
            path,
            since,
            next: first
                .filter(|_| is_listening())
                .map(|first| (first, threshold)),
            reported: false,
        }
    }

    /// Returns when [`LongWait::look`] has something to report.
    pub fn next(&self) -> Option<Instant> {
        self.next.map(|(at, _)| at)
    }

    /// Reports the wait if it is time to. Returns whether it was. `is_limited` says whether
    /// the call has a timeout.
    pub fn look(&mut self, is_limited: bool, holder: impl FnOnce() -> Option<Holder>) -> bool {
        let Some((at, passed)) = self.next else {
            return false;
        };
        if Instant::now() < at {
            return false;
        }
        let total = passed.saturating_mul(AGAIN);
        self.next = self.since.checked_add(total).map(|at| (at, total));
        self.reported = true;
        emit(EventKind::Waiting, self.operation, self.path, |event| {
            event.waited = Some(self.since.elapsed());
            event.holder = holder();
            event.is_limited = is_limited;
        });
        true
    }
}

impl Drop for LongWait<'_> {
    fn drop(&mut self) {
        if self.reported {
            emit(EventKind::Waited, self.operation, self.path, |event| {
                event.waited = Some(self.since.elapsed());
            });
        }
    }
}
