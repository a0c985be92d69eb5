//! Lists a journal's followers in this process, which the close of the handle wakes.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use crate::oslock::{Waiter, Wakeup};

/// Holds the followers that the close of the handle must wake.
#[derive(Default)]
pub(crate) struct Followers(Mutex<Vec<Weak<Bell>>>);

impl Followers {
    pub fn add(&self, bell: &Arc<Bell>) {
        let mut all = lock(&self.0);
        all.retain(|other| other.strong_count() > 0);
        all.push(Arc::downgrade(bell));
    }

    pub fn wake(&self) {
        let all: Vec<_> = lock(&self.0).iter().filter_map(Weak::upgrade).collect();
        all.iter().for_each(|bell| bell.ring());
    }
}

pub(crate) type Wake = Box<dyn FnOnce() + Send>;

/// Wakes one follower: the thread that waits, or the callback of an event loop.
pub(crate) struct Bell {
    pub waiter: Waiter<()>,
    pub wake: Mutex<Option<Wake>>,
}

impl Bell {
    pub fn ring(&self) {
        self.waiter.tell(());
        // Called without the mutex: it may end in another call of the follower.
        let wake = lock(&self.wake).take();
        if let Some(wake) = wake {
            wake();
        }
    }
}

impl Wakeup for Bell {
    fn nudge(&self) {
        self.waiter.nudge();
    }
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
