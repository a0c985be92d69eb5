//! The queue of the events, and the sink that they go to.
//!
//! An event is made wherever it happens, often under a lock. There it is only queued:
//! the sink is the program's own code, which may wait for that very lock. A thread of
//! its own hands the events over, one after another, and ends when there are no more.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::time::{Duration, Instant};

use super::event::Event;
use super::words::EventKind;
use crate::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, wait_timeout};
use crate::sys::{self, PerProcess};

type Sink = Arc<dyn Fn(&Event) + Send + Sync>;

/// How many events wait for the sink at most. A sink that hangs must not take all
/// memory.
const MOST: usize = 1024;

/// The sink is the program's own code, in any language, unlike the jobs of the pool.
const STACK: usize = 8 << 20;

/// The sink. A forked child has its parent's, so it is no [`PerProcess`]. It is changed,
/// and cloned, only under the mutex of the deliveries.
static SINK: AtomicPtr<Sink> = AtomicPtr::new(ptr::null_mut());

/// A forked child delivers none of its parent's events: the parent does.
static DELIVERY: PerProcess<Delivery> = PerProcess::new();

#[derive(Default)]
struct Delivery {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Queued>,
    /// How many events the queue had no room for.
    dropped: u64,
    /// Whether a thread hands events over, or will soon.
    running: bool,
    /// The thread whose event the sink has just now.
    within: Option<std::thread::ThreadId>,
}

struct Queued {
    event: Event,
    #[cfg(feature = "tracing")]
    span: tracing::Span,
}

/// Reports all events of this process to `sink`, in place of an earlier sink. See the
/// module for where it runs. If it panics, the panic is caught, and the next event
/// comes as before.
///
/// Returns when an earlier sink is no longer running, unless that is the caller.
pub fn set_sink(sink: impl Fn(&Event) + Send + Sync + 'static) {
    let sink: Sink = Arc::new(sink);
    replace(Box::into_raw(Box::new(sink)));
}

/// Reports no more events. Returns when the sink is no longer running, unless that is
/// the caller.
pub fn remove_sink() {
    replace(ptr::null_mut());
}

fn replace(new: *mut Sink) {
    let delivery = DELIVERY.get(Delivery::default);
    let own = std::thread::current().id();
    let mut state = delivery.lock();
    let old = SINK.swap(new, Ordering::AcqRel);
    while state.within.is_some_and(|thread| thread != own) {
        state = delivery.wait(state);
    }
    drop(state);
    if !old.is_null() {
        // SAFETY: made by `Box::into_raw` in `set_sink`. No thread has it any more: it
        // is read only under the mutex.
        let old = unsafe { Box::from_raw(old) };
        // A sink's own drop must not hurt the caller.
        let _ = catch_unwind(AssertUnwindSafe(|| drop(old)));
    }
}

/// Waits until the sink has seen the events so far, at most for `limit`. Returns whether
/// it has. A program calls it before it ends. It must not hold what the sink waits for:
/// the sink runs in this call if the system gives no thread for it.
pub fn flush(limit: Duration) -> bool {
    let delivery = DELIVERY.get(Delivery::default);
    let until = Instant::now().checked_add(limit);
    let own = std::thread::current().id();
    let mut state = delivery.lock();
    while state.within != Some(own) {
        if !state.running {
            if state.queue.is_empty() {
                break;
            }
            // The system gave no thread for it, and this one holds nothing.
            state.running = true;
            drop(state);
            deliver();
            state = delivery.lock();
            continue;
        }
        let Some(until) = until else {
            state = delivery.wait(state);
            continue;
        };
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return false;
        }
        state = wait_timeout(&delivery.changed, &delivery.state, state, left).0;
    }
    true
}

/// Returns whether anything receives events. The places that make them ask this first.
#[inline]
pub(crate) fn is_listening() -> bool {
    #[cfg(feature = "tracing")]
    if super::traced::is_listening() {
        return true;
    }
    !SINK.load(Ordering::Relaxed).is_null()
}

/// Queues an event, if anything receives it. `fill` sets what its kind names.
#[inline]
pub(crate) fn emit(
    kind: EventKind,
    operation: &'static str,
    path: &Path,
    fill: impl FnOnce(&mut Event),
) {
    if is_listening() {
        let mut event = Event::new(kind, operation, path);
        fill(&mut event);
        queue(event);
    }
}

#[cold]
fn queue(event: Event) {
    let delivery = DELIVERY.get(Delivery::default);
    let mut state = delivery.lock();
    if state.queue.len() >= MOST {
        state.dropped += 1;
        return;
    }
    state.queue.push_back(Queued {
        event,
        #[cfg(feature = "tracing")]
        span: tracing::Span::current(),
    });
    if !std::mem::replace(&mut state.running, true) {
        drop(state);
        // This thread may hold locks, so it never runs the sink itself. If the system
        // gives no thread, the next event tries again.
        if sys::start_thread("untorn-events", STACK, deliver).is_err() {
            delivery.lock().running = false;
            delivery.changed.notify_all();
        }
    }
}

fn deliver() {
    let delivery = DELIVERY.get(Delivery::default);
    let mut state = delivery.lock();
    while let Some(queued) = state.next() {
        // SAFETY: the sink is freed only after it was replaced under this mutex.
        let sink = unsafe { SINK.load(Ordering::Acquire).as_ref() }.cloned();
        state.within = Some(std::thread::current().id());
        drop(state);
        #[cfg(feature = "tracing")]
        let _ = catch_unwind(AssertUnwindSafe(|| {
            super::traced::record(&queued.event, &queued.span)
        }));
        if let Some(sink) = sink {
            // Its clone is dropped here, too: the last owner may be this thread.
            let _ = catch_unwind(AssertUnwindSafe(|| sink(&queued.event)));
            let _ = catch_unwind(AssertUnwindSafe(|| drop(sink)));
        }
        state = delivery.lock();
        state.within = None;
        delivery.changed.notify_all();
    }
    state.running = false;
    drop(state);
    delivery.changed.notify_all();
}

impl Delivery {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        self.changed
            .wait(state)
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn next(&mut self) -> Option<Queued> {
        self.queue.pop_front().or_else(|| {
            let dropped = std::mem::take(&mut self.dropped);
            let mut event = Event::new(EventKind::Dropped, "events", Path::new(""));
            event.count = Some(dropped);
            (dropped > 0).then_some(Queued {
                event,
                #[cfg(feature = "tracing")]
                span: tracing::Span::none(),
            })
        })
    }
}
