//! Appends that leave a callback instead of a thread that waits.

use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use super::commit::{acquire_to_lead, commit_with, pass_on, step_down};
use super::queue::{Callback, Done, Request, take_out, take_overdue};
use crate::error::{Error, Result};
use crate::journal::append::batch::Batch;
use crate::journal::shared::Shared;
use crate::lock::Call;
use crate::oslock::{Caller, Patience};
use crate::oslock::{CancelToken, Nudge};
use crate::position::Position;

/// Appends on a thread of the library's own; `done` is called there.
pub(crate) fn append_queued(
    shared: &Arc<Shared>,
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
    let mark = Arc::new(());
    let watch = cancel.as_ref().map(|token| {
        let watch = Arc::new(Watch {
            shared: Arc::downgrade(shared),
            mark: Arc::clone(&mark),
        });
        token.watch(Arc::downgrade(&watch) as Weak<dyn Nudge>);
        watch
    });
    let request = Request {
        batch,
        at,
        done: Done::Callback(Box::new(Callback {
            mark,
            caller: Caller::current(),
            limit,
            deadline: limit.and_then(|limit| Instant::now().checked_add(limit)),
            cancel,
            call: done,
            _watch: watch,
        })),
    };
    let queue = &shared.local().queue;
    let mut waiting = queue.queue();
    if request.done.tries_once()
        && let Some(held_up) = shared.held_up()
    {
        drop(waiting);
        return request.done.tell(Err(held_up));
    }
    let leads = !queue.follow(&waiting);
    if leads {
        // There is no thread here to lead with, so the request waits like any
        // other, for the one that `pass_on` starts.
        queue.follow(&waiting);
    }
    waiting.push_back(request);
    if leads {
        pass_on(shared, waiting);
    }
}

/// The lead of a request that has no thread: as patient as that request is.
pub(crate) fn lead_for_callbacks(shared: &Arc<Shared>) {
    let queue = &shared.local().queue;
    let (limit, deadline, cancel, caller, mark) = {
        let waiting = queue.queue();
        match waiting.front().map(|request| &request.done) {
            Some(Done::Callback(head)) => (
                head.limit,
                head.deadline,
                head.cancel.clone(),
                head.caller,
                Arc::clone(&head.mark),
            ),
            // It was cancelled meanwhile.
            _ => return pass_on(shared, waiting),
        }
    };
    // Those behind it have no thread that would keep their time.
    let keep_time = || {
        tell_overdue(shared);
        false
    };
    let mut call = Call::new().caller(caller).interrupt(&keep_time);
    if let Some(token) = &cancel {
        call = call.cancel(token);
    }
    let patience = Patience {
        timeout: limit,
        deadline,
        ..call.begin(None)
    };
    match acquire_to_lead(shared, &patience) {
        // The group, the head of the queue among it, is told one by one.
        Ok(held) => drop(commit_with(shared, held, None)),
        Err(error) => {
            if let Some(head) = take_out(queue, |done| is_marked(done, &mark)) {
                head.done.tell(Err(error));
            }
            step_down(shared);
        }
    }
}

fn tell_overdue(shared: &Shared) {
    while let Some(request) = take_overdue(&shared.local().queue) {
        if let Done::Callback(callback) = &request.done {
            let limit = callback.limit.unwrap_or_default();
            let error = Error::lock_timeout("append", &shared.path, limit, shared.holder());
            request.done.tell(Err(error));
        }
    }
}

fn is_marked(done: &Done, mark: &Arc<()>) -> bool {
    matches!(done, Done::Callback(callback) if Arc::ptr_eq(&callback.mark, mark))
}

/// Takes a cancelled request out of the queue.
pub(crate) struct Watch {
    shared: Weak<Shared>,
    mark: Arc<()>,
}

impl Nudge for Watch {
    fn nudge(&self) {
        let Some(shared) = self.shared.upgrade() else {
            return;
        };
        let found = take_out(&shared.local().queue, |done| is_marked(done, &self.mark));
        if let Some(request) = found {
            request
                .done
                .tell(Err(Error::cancelled("append", &shared.path)));
        }
    }
}
