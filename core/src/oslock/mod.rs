//! The lock of one path as the system gives it, and its queue in this process.
//!
//! ```text
//! path_lock.rs   the lock of one path, in whatever scheme
//! scheme/        which file carries the lock: sidecar.rs, in_place.rs, pid_file/
//! opening.rs     that file, opened once in this process; home.rs: its directory
//! attempt.rs     one attempt to take the lock; refusal.rs: why it was not taken
//! held.rs        while it is held
//! process_lock.rs  one lock file in this process; content.rs: the file itself
//! uncontended.rs   takes a lock that is free, and keeps it at hand for an append
//! queue.rs       the calls that wait for it here; kernel_wait.rs: one waits in
//!                the kernel for all
//! caller.rs      who asks; wait_policy.rs: for how long; cancel.rs: until when
//! waiter.rs      one call that waits; watching.rs: for a file or a process;
//!                backoff.rs: for anything
//! note.rs        the line that a holder leaves; find_holder.rs: who holds it
//! ```

mod attempt;
mod backoff;
mod caller;
mod cancel;
mod content;
pub(crate) mod find_holder;
mod held;
mod home;
mod kernel_wait;
pub(crate) mod note;
mod opening;
mod path_lock;
mod process_lock;
mod queue;
mod refusal;
pub(crate) mod scheme;
mod uncontended;
mod wait_policy;
mod waiter;
mod watching;

pub use caller::Caller;
pub use cancel::CancelToken;
pub use scheme::{OnUnsupported, Scheme};

pub(crate) use attempt::Stale;
pub(crate) use backoff::Backoff;
pub(crate) use caller::{ThreadKey, Within};
pub(crate) use cancel::Wakeup;
pub(crate) use held::{LockFile, LockedData, RawGuard};
pub(crate) use home::Home;
pub(crate) use opening::held_in;
pub(crate) use path_lock::PathLock;
pub(crate) use process_lock::ProcessLock;
pub(crate) use scheme::Choice;
pub(crate) use uncontended::CachedLock;
pub use wait_policy::Progress;
pub(crate) use wait_policy::{Asking, WaitPolicy};
pub(crate) use waiter::{AcquireError, WaitError, Waiter};
pub(crate) use watching::Watching;
