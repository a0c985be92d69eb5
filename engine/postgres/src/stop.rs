//! Ends a statement that was sent, once its call is cancelled.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use untorn::CancelToken;
use untorn::engine;

/// How long a statement may still take after its call was cancelled. Nearly all have
/// their answer by then, which is worth more than an interrupted statement.
const GRACE: Duration = Duration::from_millis(200);

type Stop = Box<dyn FnOnce() + Send>;

struct Turn {
    /// `None`: the statement has ended, or was stopped.
    stop: Mutex<Option<Stop>>,
    ended: Condvar,
    has_begun: AtomicBool,
}

/// Does `work`. If `token` is cancelled meanwhile, and the work goes on for a moment,
/// `stop` is called on a thread of its own. It is never called after this returns.
///
/// It is for drivers: `work` sends a statement, and `stop` asks the server to cancel it.
pub fn stoppable<T>(
    token: Option<&CancelToken>,
    stop: impl FnOnce() + Send + 'static,
    work: impl FnOnce() -> T,
) -> T {
    // A later statement of such a call says what became of the first.
    let Some(token) = token.filter(|token| !token.is_cancelled()) else {
        return work();
    };
    let turn = Arc::new(Turn {
        stop: Mutex::new(Some(Box::new(stop))),
        ended: Condvar::new(),
        has_begun: AtomicBool::new(false),
    });
    let told = Arc::clone(&turn);
    let _told = engine::on_cancel(token, move || Turn::begin(&told));
    if token.is_cancelled() {
        Turn::begin(&turn);
    }
    let _end = End(turn);
    work()
}

impl Turn {
    fn stop(&self) -> MutexGuard<'_, Option<Stop>> {
        self.stop.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(turn: &Arc<Turn>) {
        if turn.has_begun.swap(true, Ordering::Relaxed) {
            return;
        }
        let turn = Arc::clone(turn);
        let thread = thread::Builder::new().name("untorn-cancel".to_owned());
        // Without a thread the statement ends with its answer.
        let _ = thread.spawn(move || {
            let waited = turn
                .ended
                .wait_timeout_while(turn.stop(), GRACE, |stop| stop.is_some());
            let (mut stop, _) = waited.unwrap_or_else(PoisonError::into_inner);
            // Under the mutex: the end waits, so that the connection serves no other
            // statement meanwhile.
            if let Some(stop) = stop.take() {
                stop();
            }
        });
    }
}

struct End(Arc<Turn>);

impl Drop for End {
    fn drop(&mut self) {
        *self.0.stop() = None;
        self.0.ended.notify_all();
    }
}

/// The connection of a statement, as long as it may be stopped.
#[cfg(any(feature = "postgres", feature = "tokio-postgres"))]
pub(crate) struct Running<T>(Mutex<Option<T>>);

#[cfg(any(feature = "postgres", feature = "tokio-postgres"))]
impl<T> Running<T> {
    pub fn new() -> Arc<Running<T>> {
        Arc::new(Running(Mutex::new(None)))
    }

    fn of(&self) -> MutexGuard<'_, Option<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A statement begins.
    pub fn begin(&self, token: T) {
        *self.of() = Some(token);
    }

    /// It has ended. Waits for a `stop` that has begun.
    pub fn end(&self) {
        *self.of() = None;
    }

    /// Stops it, if it runs.
    pub fn stop(&self, stop: impl FnOnce(T)) {
        let mut running = self.of();
        if let Some(token) = running.take() {
            stop(token);
        }
    }
}
