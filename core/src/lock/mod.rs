//! Locks: [`FileLock`] for everybody, and what journals and documents use of
//! it.
//!
//! ```text
//! file_lock.rs   FileLock, LockOptions, LockGuard: the public face
//! path_lock.rs   the lock of one path, in whatever scheme (path_lock/: how it
//!                is taken and held); scheme.rs
//! sidecar.rs     the lock of P is an flock on P.lock
//! in_place.rs    the lock of P is an flock on P; redo/ changes P in place
//! pid_file/      the lock of P is that P.lock is there
//! at_hand.rs     a lock that one handle takes again and again
//! gate.rs        one lock file in this process: the queue, the kernel's lock
//! turn.rs        whose turn it is in this process
//! waiter.rs      one call that waits; call.rs: how it waits; cancel.rs
//! watching.rs    waiting for a file or a process; backoff.rs: for anything
//! record.rs      what the lock file holds: the generation (record/pending.rs:
//!                and the recovery record); recovery/ settles it
//! transfer.rs    a lock that moves to another process
//! unsupported.rs where the system can't lock
//! holder.rs      who holds a lock; note.rs: the line that he leaves
//! ```

mod at_hand;
mod backoff;
mod call;
mod cancel;
mod file_lock;
mod gate;
mod holder;
mod home;
mod in_place;
mod note;
mod path_lock;
mod pid_file;
pub(crate) mod record;
pub(crate) mod recovery;
pub(crate) mod redo;
mod scheme;
mod sidecar;
pub(crate) mod transfer;
mod turn;
mod unsupported;
mod waiter;
mod watching;

pub use call::{Call, Caller};
pub use cancel::CancelToken;
pub use file_lock::{FileLock, LockGuard, LockOptions};
pub use holder::{Holder, holder};
pub use scheme::{OnUnsupported, Scheme};

pub(crate) use at_hand::{AtHand, LockFile, LockedData};
pub(crate) use call::Patience;
pub(crate) use file_lock::{Kept, lost as lost_lock};
pub(crate) use home::Home;
pub(crate) use path_lock::{Held, PathLock, held_in};
pub(crate) use scheme::Choice;
pub(crate) use waiter::{GaveUp, Nudge, Waiter};
