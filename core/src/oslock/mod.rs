//! The lock of one path as the system gives it, and its queue in this process.
//!
//! ```text
//! path_lock/     the lock of one path, in whatever scheme: how it is opened,
//!                taken, refused and held
//! scheme/        which file carries the lock: sidecar.rs, in_place.rs, pid_file/
//! at_hand.rs     a lock that one handle takes again and again
//! gate.rs        one lock file in this process: the queue, the kernel's lock
//! turn.rs        whose turn it is in this process
//! waiter.rs      one call that waits; cancel.rs
//! watching.rs    waiting for a file or a process; backoff.rs: for anything
//! note.rs        the line that a holder leaves
//! unsupported.rs where the system can't lock
//! ```

mod at_hand;
mod backoff;
mod cancel;
mod gate;
mod home;
pub(crate) mod note;
mod path_lock;
pub(crate) mod scheme;
mod turn;
mod unsupported;
mod waiter;
mod watching;

pub use cancel::CancelToken;
pub use scheme::{OnUnsupported, Scheme};

pub(crate) use at_hand::{AtHand, LockFile, LockedData};
pub(crate) use backoff::Backoff;
pub(crate) use home::Home;
pub(crate) use path_lock::{Held, PathLock, held_in};
pub(crate) use scheme::Choice;
pub(crate) use turn::{Refused, ThreadKey};
pub(crate) use waiter::{GaveUp, INTERRUPT_EVERY, Nudge, Waiter};
pub(crate) use watching::Watching;
