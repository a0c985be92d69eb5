//! untorn under tokio. A call that waits for a lock must not block a thread of the
//! runtime. It must end when its future is dropped: by a timeout, a `select!`, a client
//! that left.

use untorn::{CallOptions, CancelToken, Result};

/// Cancels the call when it is dropped.
struct EndsWithTheFuture(CancelToken);

impl Drop for EndsWithTheFuture {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

/// Runs a call where it may block. `work` passes the [`CallOptions`] on to each call it makes.
///
/// If the future is dropped while the call waits for a lock, the call ends: it has changed
/// nothing, and holds no lock. If it already has the lock, it finishes.
///
/// ```
/// use std::sync::Arc;
/// use untorn::Journal;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let dir = tempfile::tempdir()?;
/// let journal = Arc::new(Journal::open(dir.path().join("session.jsonl"))?);
/// let own = Arc::clone(&journal);
/// let end = untorn_tokio_example::run(move |call| own.append_with(b"{\"n\":1}", call)).await?;
/// assert_eq!(end.offset, 8);
/// # Ok(())
/// # }
/// ```
///
/// # Panics
/// If `work` panics, or the runtime shuts down.
pub async fn run<T: Send + 'static>(
    work: impl FnOnce(&CallOptions<'_>) -> Result<T> + Send + 'static,
) -> Result<T> {
    let token = CancelToken::new();
    let ends = EndsWithTheFuture(token.clone());
    let work = tokio::task::spawn_blocking(move || work(&CallOptions::new().cancel(&token)));
    let result = work.await;
    drop(ends);
    match result {
        Ok(result) => result,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(error) => panic!("the runtime shuts down: {error}"),
        },
    }
}
