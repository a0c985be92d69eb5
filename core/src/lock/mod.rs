//! The public lock, [`FileLock`], and how one call waits.
//!
//! ```text
//! file_lock.rs   FileLock, LockOptions; guard.rs: the lock while it is kept
//! call.rs        how one call waits, and under which lock it works
//! settled.rs     the lock of a path, and what its last holder left settled
//! handover.rs    a lock that moves to another process
//! find_holder.rs who holds a lock; find_waiters.rs: who waits, and all held ones
//! ```

mod call;
mod file_lock;
mod find_holder;
mod find_waiters;
mod guard;
mod handover;
mod settled;

pub use call::CallOptions;
pub use file_lock::{FileLock, LockOptions};
pub use find_holder::holder;
pub use find_waiters::{Held, held_below, waiters};
pub use guard::LockGuard;

pub(crate) use guard::{GuardState, lost as lost_lock};
pub(crate) use handover::{reserve_for, take_back};
