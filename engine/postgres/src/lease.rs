//! The lease: a session has one live owner at a time, and an owner that was replaced can
//! change nothing any more.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use untorn::engine::{self, Waiting};
use untorn::{CallOptions, CancelToken, Error, ErrorKind, Holder, Process};

use crate::beat::{Beat, Beats, Inner};
use crate::driver::{Columns, Param, millis};
use crate::dropped::at_drop;
use crate::id;
use crate::kept::Under;
use crate::link::{Ask, Link, only};
use crate::own_connection::OwnConnection;
use crate::owner;
use crate::session::Session;
use crate::shared::until_free;

/// A longer label would not be readable for others.
const LONGEST_LABEL: usize = 64 << 10;

/// A session's lease. A thread of this library renews it. It ends with
/// [`Lease::release`] or a drop. If this process dies, stops or is cut off, it ends
/// after its time to live.
///
/// Then another process may claim the session. From that moment on this owner can change
/// nothing: its journals, documents and transactions fail with `LEASE_LOST`, whatever
/// its clock says. [`Lease::lost`] tells as soon as this process learns of it.
pub struct Lease {
    inner: Arc<Inner>,
    beats: Arc<Beats>,
}

impl Session {
    /// Makes this process the session's owner, with one try. Others see `label` with the
    /// owner. From here on this session's journals, documents and transactions write
    /// under the lease.
    ///
    /// # Errors
    /// `LOCKED` and the owner, if the session has one; those of the database.
    pub fn claim(&self, label: impl Into<String>) -> Result<Lease, Error> {
        self.claim_with(label, &CallOptions::new().timeout(Some(Duration::ZERO)))
    }

    /// Claims the session as [`Session::claim`] does, with a way to wait until the owner
    /// releases it or its time to live ends, or to cancel. The store's timeout holds
    /// unless the call sets another.
    ///
    /// # Errors
    /// The same, `LOCK_TIMEOUT` and `CANCELLED`.
    pub fn claim_with(
        &self,
        label: impl Into<String>,
        call: &CallOptions<'_>,
    ) -> Result<Lease, Error> {
        let kept = &self.kept;
        let options = &self.store.options;
        let label = label.into();
        if label.len() > LONGEST_LABEL {
            let why = format!(
                "a label of {} bytes: it may have {LONGEST_LABEL}",
                label.len()
            );
            return Err(Error::invalid_argument("claim", &kept.name, why));
        }
        let wait = Waiting::begin("claim", &kept.name, call, options.timeout)?;
        let own = engine::owner(&label);
        let text = owner::text(&own);
        let process = process_text(&own.process());
        let sql = format!(
            "select token, previous from {}.claim($1::text, $2::text, $3::bigint * interval '1 ms', \
             connected => $6::boolean, successor => $4::text, id => $5::text::uuid)",
            kept.link.schema
        );
        let mut own_connection = None;
        if options.connected {
            let Some(first) = kept.link.driver.own_connection() else {
                let why = "the store was opened with `connected`, and its driver has no connections of its own";
                return Err(Error::invalid_argument("claim", &kept.name, why));
            };
            own_connection = Some(Arc::new(OwnConnection {
                driver: Arc::clone(&kept.link.driver),
                open: Mutex::new(first.ok()),
            }));
        }
        // The claim's own connection takes the lock that marks it.
        let own_link = own_connection.clone().map(|driver| Link {
            driver,
            schema: kept.link.schema.clone(),
            patience: kept.link.patience,
            forks: kept.link.forks,
        });
        let link = own_link.as_ref().unwrap_or(&kept.link);
        let row = until_free("claim", &kept.name, &wait, || {
            // An id for each try: a retry of it gets the same lease.
            let id = id::new();
            let ask = Ask {
                operation: "claim",
                name: &kept.name,
                wait: Some(&wait),
                changes: true,
            };
            let params = [
                Param::Text(Some(&kept.key)),
                Param::Text(Some(&text)),
                Param::Int(Some(millis(options.ttl))),
                Param::Text(Some(&process)),
                Param::Text(Some(&id)),
                Param::Bool(options.connected),
            ];
            only("claim", &kept.name, link.call(&ask, &sql, &params)?)
        })?;
        let mut columns = Columns::of(row);
        let token = columns.int().unwrap_or(0);
        let previous = columns.text().map(|text| owner::of_text(&text));
        let inner = Arc::new(Inner {
            kept: Arc::clone(kept),
            own,
            previous,
            token,
            lost: Arc::default(),
            held: Mutex::new(true),
            connection: Mutex::new(own_connection),
        });
        kept.hold(token, &inner.lost);
        self.store.beats.add(Beat::of(&inner, options.ttl));
        Ok(Lease {
            inner,
            beats: Arc::clone(&self.store.beats),
        })
    }
}

impl Lease {
    /// Returns this process, as others see it.
    pub fn holder(&self) -> &Holder {
        &self.inner.own
    }

    /// Returns the owner before, if it ended without a release: this owner must look at
    /// what it left.
    pub fn previous(&self) -> Option<&Holder> {
        self.inner.previous.as_ref()
    }

    /// Returns the key of the session.
    pub fn key(&self) -> &str {
        &self.inner.kept.key
    }

    /// Returns the number that fences the owner's writes, for statements of your own
    /// (`token => …`).
    pub fn token(&self) -> i64 {
        self.inner.token
    }

    /// Returns whether this process still holds the lease, as far as it knows. Only a
    /// write, or the next renewal, finds out that it was lost.
    pub fn is_held(&self) -> bool {
        *lock(&self.inner.held) && !self.inner.lost.token.is_cancelled()
    }

    /// Returns a token that is cancelled once this process learns that the lease is
    /// lost. Given to a call, it ends that call's wait.
    pub fn lost(&self) -> &CancelToken {
        &self.inner.lost.token
    }

    /// Calls `callback` once this process learns that the lease is lost; at once if it
    /// knows. It runs on the thread that learns it, and must not wait for anything.
    pub fn on_lost(&self, callback: impl FnOnce() + Send + 'static) {
        let lost = &self.inner.lost;
        let mut callbacks = lost.callbacks();
        if !lost.token.is_cancelled() {
            callbacks.push(Box::new(callback));
            return;
        }
        drop(callbacks);
        callback();
    }

    /// Releases the session. A second call does nothing.
    ///
    /// # Errors
    /// `LEASE_LOST`: another process has claimed the session meanwhile. Those of the
    /// database: the lease ends by its time to live.
    pub fn release(&self) -> Result<(), Error> {
        release(&self.inner, &self.beats)
    }

    /// Transfers the session to another process, which takes it with
    /// [`Session::claim`]. Until it has, for a minute, no other process can. From here
    /// on this lease holds nothing. That process may run on another host: it sends its
    /// [`Process::current`].
    ///
    /// # Errors
    /// `INVALID_ARGUMENT`: the lease is not held (any more). `LEASE_LOST`. Those of the
    /// database: it may be transferred or not, see [`Session::holder`].
    pub fn transfer(&self, to: &Process) -> Result<(), Error> {
        let inner = &self.inner;
        let kept = &inner.kept;
        if !*lock(&inner.held) {
            return Err(Error::invalid_argument(
                "transfer",
                &kept.name,
                "the lease is not held by this process",
            ));
        }
        let mut successor = Holder::from(to.clone());
        successor.label.clone_from(&inner.own.label);
        let sql = format!(
            "select {}.transfer($1::text, $2::bigint, $3::text, $4::text)",
            kept.link.schema
        );
        let (name, text) = (process_text(to), owner::text(&successor));
        let params = [
            Param::Text(Some(&kept.key)),
            Param::Int(Some(inner.token)),
            Param::Text(Some(&name)),
            Param::Text(Some(&text)),
        ];
        let ask = Ask {
            operation: "transfer",
            name: &kept.name,
            wait: None,
            changes: true,
        };
        // A second try would find the token of the first.
        if let Err(error) = kept.link.once(&ask, &sql, &params) {
            if error.kind() == ErrorKind::LeaseLost {
                kept.lose(inner.token);
            }
            return Err(error);
        }
        *lock(&inner.held) = false;
        *lock(&inner.connection) = None;
        self.beats.remove(inner);
        kept.let_go(inner.token);
        Ok(())
    }
}

fn release(inner: &Arc<Inner>, beats: &Beats) -> Result<(), Error> {
    if !std::mem::replace(&mut *lock(&inner.held), false) {
        return Ok(());
    }
    beats.remove(inner);
    let kept = &inner.kept;
    let released = kept.under("release", &kept.name).and_then(|under| {
        let under = Under {
            release: true,
            ..under
        };
        kept.commit("release", &kept.name, &[], under, None)
    });
    // Its end frees the session even if the release did not come through.
    *lock(&inner.connection) = None;
    released?;
    kept.let_go(inner.token);
    Ok(())
}

/// Returns the name of a successor: no other process has this text.
fn process_text(process: &Process) -> String {
    serde_json::to_string(process).unwrap_or_else(|_| process.pid.to_string())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for Lease {
    fn drop(&mut self) {
        if !*lock(&self.inner.held) {
            return;
        }
        let (inner, beats) = (Arc::clone(&self.inner), Arc::clone(&self.beats));
        at_drop(&self.inner.kept.link, move || drop(release(&inner, &beats)));
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease")
            .field("session", &self.inner.kept.name)
            .field("holder", &self.inner.own)
            .finish_non_exhaustive()
    }
}
