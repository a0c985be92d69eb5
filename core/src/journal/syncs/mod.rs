//! Decides which sync makes what durable, and how many of them run at once.
//!
//! One sync serves many: the first caller syncs for all that have written by then, and
//! the others wait for it. Only header stamps sync under the lock.
//!
//! Counting syncs says what is durable. A write is covered by a sync that began after
//! it, and by no other. The offset that a sync has reached says nothing: a file can
//! shrink and grow again, or change in its middle.
//!
//! Where syncs are quick, one at a time is best: the next one serves more callers. On a
//! machine whose processors are all taken, each sync waits some milliseconds for its
//! turn. There several at once are up to 20 times faster (`cargo xtask bench -- --only
//! power`), since the file system joins them. So syncs run side by side while they are
//! slow, each through a descriptor of its own.
//!
//! ```text
//! epoch.rs      what a sync must cover, the wait for it, and its calls
//! state.rs      which sync may begin, and which is done
//! pace.rs       whether syncs are slow
//! unsynced.rs   why something may not be durable
//! ```

mod epoch;
mod pace;
mod state;
mod unsynced;

pub(crate) use epoch::{Epoch, sync_notes};
pub(crate) use state::Syncs;
