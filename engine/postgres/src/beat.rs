//! Renews the leases of a store, on one thread.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use untorn::{ErrorKind, Holder};

use crate::driver::{Param, millis};
use crate::kept::Kept;
use crate::link::Ask;
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
    ttl: Duration,
    next: Instant,
}

impl Beat {
    pub fn of(lease: &Arc<Inner>, ttl: Duration) -> Beat {
        Beat {
            lease: Arc::downgrade(lease),
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

    pub fn remove(&self, lease: &Arc<Inner>) {
        // Not by the token: leases of two sessions can have the same one.
        let is_it = |beat: &Beat| beat.lease.as_ptr() == Arc::as_ptr(lease);
        self.state().beats.retain(|beat| !is_it(beat));
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
    let ask = Ask {
        operation: "renew",
        name: &kept.name,
        wait: None,
        changes: false,
    };
    // The next beat is another try.
    if let Err(error) = kept.link.once(&ask, &sql, &params)
        && error.kind() == ErrorKind::LeaseLost
    {
        kept.lose(lease.token);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::driver::{Driver, Failure, Row};
    use crate::link::Link;
    use crate::options::StoreOptions;

    struct NoDriver;

    impl Driver for NoDriver {
        fn query(&self, _: &str, _: &[Param<'_>]) -> Result<Vec<Row>, Failure> {
            Err(Failure::NoConnection("none in this test".into()))
        }
    }

    fn lease(key: &str, token: i64) -> Arc<Inner> {
        let link = Arc::new(Link::new(Arc::new(NoDriver), "untorn", Duration::ZERO));
        Arc::new(Inner {
            kept: Arc::new(Kept::new(&link, &Arc::new(StoreOptions::default()), key)),
            own: Holder::from(untorn::Process::current()),
            previous: None,
            token,
            lost: Arc::default(),
            held: Mutex::new(true),
            connection: Mutex::new(None),
        })
    }

    #[test]
    fn a_lease_that_ends_leaves_another_with_its_token() {
        let beats = Beats::new();
        let (ended, other) = (lease("a", 7), lease("b", 7));
        let hour = Duration::from_secs(3600);
        beats.add(Beat::of(&ended, hour));
        beats.add(Beat::of(&other, hour));
        beats.remove(&ended);
        let left: Vec<_> = beats
            .state()
            .beats
            .iter()
            .map(|beat| beat.lease.as_ptr())
            .collect();
        assert_eq!(left, [Arc::as_ptr(&other)]);
    }
}
