//! The public lock: [`FileLock`] for everybody, and how one call waits.
//!
//! ```text
//! file_lock.rs   FileLock, LockOptions, LockGuard
//! call.rs        how one call waits
//! transfer.rs    a lock that moves to another process
//! find_holder.rs who holds a lock
//! ```

mod call;
mod file_lock;
pub(crate) mod find_holder;
pub(crate) mod transfer;

pub use call::{Call, Caller};
pub use file_lock::{FileLock, LockGuard, LockOptions};
pub use find_holder::holder;

pub(crate) use call::Patience;
pub(crate) use file_lock::{Kept, lost as lost_lock};
