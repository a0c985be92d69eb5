//! The loss of a lease, and who learns of it.

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use untorn::{CancelToken, engine};

type Callback = Box<dyn FnOnce() + Send>;

/// The callbacks for the loss of a lease. Each is called once.
#[derive(Default)]
pub(crate) struct Lost {
    pub token: CancelToken,
    callbacks: Mutex<Vec<Callback>>,
}

impl Lost {
    pub fn callbacks(&self) -> MutexGuard<'_, Vec<Callback>> {
        self.callbacks
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub fn report(&self, name: &Path) {
        self.token.cancel();
        engine::lease_lost(name);
        let callbacks = std::mem::take(&mut *self.callbacks());
        for callback in callbacks {
            callback();
        }
    }
}
