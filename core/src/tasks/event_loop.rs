//! Defines the part that a binding supplies.

use crate::error::Error;

/// Is an event loop of another language, as the library's threads see it.
pub trait EventLoop: Send + Sync + Sized + 'static {
    /// Makes the result of a task, on the loop's own thread.
    type Value: Send + 'static;
    /// An error in the form that the loop's thread takes.
    type Failure: Send + 'static;
    /// The task's promise or future, which the loop keeps until the task has ended.
    type Promise: Send + 'static;

    /// Wakes the loop, which must then call [`super::TaskQueue::take`]. Returns `false`
    /// if the loop is closed. Called on any thread, with no mutex of the queue held.
    fn wake(&self) -> bool;

    /// Converts an error, on the thread where the task ended.
    fn failure(error: Error) -> Self::Failure;
}
