//! What a binding supplies.

use crate::error::Error;

/// An event loop of another language, as the library's threads see it.
pub trait EventLoop: Send + Sync + Sized + 'static {
    /// Makes the result of a task, on the loop's own thread.
    type Value: Send + 'static;
    /// An error, as the loop's thread takes it.
    type Failure: Send + 'static;
    /// What the loop keeps of a task until it has ended: its promise or future.
    type Promise: Send + 'static;

    /// Wakes the loop, which must then call [`super::TaskQueue::take`]. `false`:
    /// the loop is closed. Called on any thread, with no mutex of the queue held.
    fn wake(&self) -> bool;

    /// Converts an error, on the thread where the task ended.
    fn failure(error: Error) -> Self::Failure;
}
