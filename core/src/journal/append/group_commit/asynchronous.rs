//! Appends with a callback, so that no thread of the caller waits.

use std::sync::{Arc, Weak};
use std::time::Duration;
use std::time::Instant;

use super::append_state::Handle;
use super::lead::pass_on;
use super::queue::take_out;
use super::request::{Callback, Done, Request, is_watched_by};
use crate::error::{Error, Result};
use crate::journal::append::batch::Batch;
use crate::oslock::{CancelToken, Wakeup};
use crate::position::Position;

/// Appends on a thread of the library, which also calls `done`.
pub(crate) fn append_queued(
    shared: &Arc<Handle>,
    batch: Batch,
    at: Option<Position>,
    timeout: Option<Option<Duration>>,
    cancel: Option<CancelToken>,
    done: Box<dyn FnOnce(Result<Position>) + Send>,
) {
    if let Err(error) = shared.usable("append") {
        return done(Err(error));
    }
    if cancel.as_ref().is_some_and(CancelToken::is_cancelled) {
        return done(Err(Error::cancelled("append", &shared.path)));
    }
    let limit = timeout.unwrap_or(shared.options.timeout);
    let watch: Arc<dyn Wakeup> = Arc::new(Watch {
        shared: Arc::downgrade(shared),
    });
    if let Some(token) = &cancel {
        token.watch(Arc::downgrade(&watch));
    }
    let request = Request {
        batch,
        at,
        done: Done::Callback(Box::new(Callback {
            watch,
            limit,
            deadline: limit.and_then(|limit| Instant::now().checked_add(limit)),
            cancel,
            call: done,
        })),
    };
    let queue = &shared.local().queue;
    let mut waiting = queue.queue();
    if request.done.tries_once() && shared.is_held_up() {
        drop(waiting);
        return request.done.tell(Err(shared.lock.is_busy("append")));
    }
    let leads = !queue.follow(&waiting);
    if leads {
        // This thread must not lead. So the request waits like any other, for the
        // leader that `pass_on` starts.
        queue.follow(&waiting);
    }
    waiting.push_back(request);
    if leads {
        pass_on(shared, waiting);
    }
}

/// Takes a cancelled request out of the queue.
pub(crate) struct Watch {
    shared: Weak<Handle>,
}

impl Wakeup for Watch {
    fn nudge(&self) {
        let Some(shared) = self.shared.upgrade() else {
            return;
        };
        let found = take_out(&shared.local().queue, |done| is_watched_by(done, self));
        if let Some(request) = found {
            request
                .done
                .tell(Err(Error::cancelled("append", &shared.path)));
        }
    }
}
