//! Renews the leases of a store, on one thread.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use untorn::{ErrorKind, Holder};

use crate::driver::{Param, millis};
use crate::error;
use crate::kept::Kept;
use crate::lost::Lost;
use crate::own_connection::OwnConnection;

/// A lease, for its owner and for the thread that renews it.
pub(crate) struct Inner {
    pub kept: Arc<Kept>,
    pub own: Holder,
    pub previous: Option<Holder>,
    pub token: i64,
    pub lost: Arc<Lost>,
    /// `false`: released, transferred or lost.
    pub held: Mutex<bool>,
    /// The connection whose end frees the session.
    pub connection: Mutex<Option<Arc<OwnConnection>>>,
}

/// A lease that is renewed.
pub(crate) struct Beat {
    lease: Weak<Inner>,
    token: i64,
    ttl: Duration,
    next: Instant,
}

impl Beat {
    pub fn of(lease: &Arc<Inner>, ttl: Duration) -> Beat {
        Beat {
            lease: Arc::downgrade(lease),
            token: lease.token,
            ttl,
            next: Instant::now() + ttl / 3,
        }
    }
}

#[derive(Default)]
pub(crate) struct Beats {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    beats: Vec<Beat>,
    runs: bool,
}

impl Beats {
    pub fn new() -> Arc<Beats> {
        Arc::default()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn add(self: &Arc<Self>, beat: Beat) {
        let mut state = self.state();
        state.beats.push(beat);
        if !std::mem::replace(&mut state.runs, true) {
            let beats = Arc::clone(self);
            let made = std::thread::Builder::new()
                .name("untorn-lease".to_owned())
                .spawn(move || beats.run());
            // Without a thread the lease ends by its time to live.
            state.runs = made.is_ok();
        }
        drop(state);
        self.changed.notify_one();
    }

    pub fn remove(&self, token: i64) {
        self.state().beats.retain(|beat| beat.token != token);
        self.changed.notify_one();
    }

    /// Renews what is due, until no lease is left.
    fn run(&self) {
        let mut state = self.state();
        loop {
            let now = Instant::now();
            let first = state
                .beats
                .iter()
                .enumerate()
                .min_by_key(|(_, beat)| beat.next);
            let Some((index, next)) = first.map(|(index, beat)| (index, beat.next)) else {
                state.runs = false;
                return;
            };
            if next > now {
                let waited = self.changed.wait_timeout(state, next - now);
                state = waited.unwrap_or_else(PoisonError::into_inner).0;
                continue;
            }
            let beat = state.beats.swap_remove(index);
            let Some(lease) = beat.lease.upgrade() else {
                continue;
            };
            // Marked before the statement is sent: a release meanwhile must not bring
            // the lease back into the list.
            let ttl = beat.ttl;
            state.beats.push(Beat {
                next: now + ttl / 3,
                ..beat
            });
            drop(state);
            renew(&lease, ttl);
            state = self.state();
        }
    }
}

fn renew(lease: &Inner, ttl: Duration) {
    let kept = &lease.kept;
    let sql = format!(
        "select {}.renew($1::text, $2::bigint, $3::bigint * interval '1 ms') is not null",
        kept.link.schema
    );
    let params = [
        Param::Text(Some(&kept.key)),
        Param::Int(Some(lease.token)),
        Param::Int(Some(millis(ttl))),
    ];
    // One try: the next beat is another one.
    if let Err(failure) = kept.link.driver.query(&sql, &params) {
        let error = error::of("renew", &kept.name, failure, false);
        if error.kind() == ErrorKind::LeaseLost {
            kept.lose(lease.token);
        }
    }
}
