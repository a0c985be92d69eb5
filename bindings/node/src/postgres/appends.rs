//! Appends of one journal. Those that queue up during a statement go into the next one
//! together, as with files: each is whole, and they keep the order of their calls.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use untorn::tasks::{Order, Outcome, Placement, Task, while_waiting};
use untorn::{Batch, CallOptions, ErrorKind, Position};
use untorn_postgres::Journal;

use crate::call::{locked, made};
use crate::values;
use crate::waker::Waker;

/// About how many bytes one statement takes of those that wait.
const MOST: usize = 4 << 20;

/// The appends of one handle that are not under way yet.
#[derive(Clone)]
pub struct Appends {
    journal: Arc<Journal>,
    /// Whether those that wait go together. A journal with `max_bytes` is looked at before
    /// each append.
    together: bool,
    queue: Arc<Mutex<VecDeque<Pending>>>,
}

/// The appends that go with the first one.
type Others = VecDeque<(Arc<Task<Waker>>, Batch)>;

struct Pending {
    task: Arc<Task<Waker>>,
    batch: Batch,
    /// It is made only under a condition, or in one try: by itself.
    alone: bool,
}

impl Appends {
    pub fn new(journal: &Arc<Journal>, together: bool) -> Appends {
        Appends {
            journal: Arc::clone(journal),
            together,
            queue: Arc::default(),
        }
    }

    /// Begins an append, after those that were begun before it.
    pub fn begin(
        &self,
        task: &Arc<Task<Waker>>,
        batch: Batch,
        at: Option<Position>,
        try_once: bool,
        order: Order,
    ) {
        let placement = Placement {
            try_once,
            keeps_lock: false,
            ..Placement::new(order)
        };
        let plain = !batch.is_empty() && !batch.has_header();
        let alone = !self.together || !plain || at.is_some() || try_once;
        locked(&self.queue).push_back(Pending {
            task: Arc::clone(task),
            batch,
            alone,
        });
        let (own, appends) = (task.id(), self.clone());
        let work =
            move |call: &CallOptions<'_>| while_waiting(|| appends.commit_from(own, at, call));
        task.run(placement, work, made(|_, end| values::Position::from(end)));
    }

    /// Appends the batch of the task `own`, and those that can go with it.
    fn commit_from(
        &self,
        own: u32,
        at: Option<Position>,
        call: &CallOptions<'_>,
    ) -> untorn::Result<Position> {
        let (batch, others) = self.take(own);
        self.commit(batch, others, at, call)
    }

    fn commit(
        &self,
        mut batch: Batch,
        mut others: Others,
        at: Option<Position>,
        call: &CallOptions<'_>,
    ) -> untorn::Result<Position> {
        let joined = others.iter().try_for_each(|(_, other)| batch.join(other));
        let done = joined.and_then(|()| self.journal.append_batch(&batch, at, call));
        if let Err(error) = &done
            && error.kind() == ErrorKind::Cancelled
            && let Some((next, own)) = others.pop_front()
        {
            // Nothing was sent, and only the first one's caller does not want it any more.
            let call = CallOptions::new().cancel(next.token());
            let ended = self.commit(own, others, None, &call);
            next.complete(ended.map(Outcome::Appended));
            return done;
        }
        let end = match done {
            Ok(end) => end,
            Err(error) => {
                for (task, _) in others {
                    task.complete(Err(error.clone()));
                }
                return Err(error);
            }
        };
        // Only the end of the last is known: something may have come before the first.
        let sizes = others.iter().map(|(_, other)| other.bytes().len() as u64);
        let own = end.offset - sizes.sum::<u64>();
        let mut offset = own;
        for (task, other) in others {
            offset += other.bytes().len() as u64;
            task.complete(Ok(Outcome::Appended(Position { offset, ..end })));
        }
        Ok(Position { offset: own, ..end })
    }

    /// Takes the batch of `own` out of the queue, and those after it that can go with it.
    fn take(&self, own: u32) -> (Batch, Others) {
        let mut queue = locked(&self.queue);
        // Those before it were cancelled before they began.
        while queue.front().is_some_and(|first| first.task.id() != own) {
            queue.pop_front();
        }
        let Some(first) = queue.pop_front() else {
            unreachable!("only the task itself takes its batch while it has not ended")
        };
        let mut bytes = first.batch.bytes().len();
        let mut others = VecDeque::new();
        while !first.alone && bytes < MOST {
            if queue.front().is_none_or(|next| next.alone) {
                break;
            }
            let Some(next) = queue.pop_front() else { break };
            bytes += next.batch.bytes().len();
            // Else it was cancelled.
            if next.task.start() {
                others.push_back((next.task, next.batch));
            }
        }
        (first.batch, others)
    }
}
