//! The last statement of a handle that is dropped.

use std::thread;

use untorn::engine;

use crate::link::Link;

/// Does `work`, which sends a statement. It is done on another thread if the driver can't
/// wait on this one, as on that of an event loop.
///
/// In a forked child it does nothing: handle and connections are the parent's.
pub(crate) fn at_drop(link: &Link, work: impl FnOnce() + Send + 'static) {
    if link.forks != engine::forks() {
        return;
    }
    if link.driver.may_wait_here() {
        work();
        return;
    }
    // Without a thread the time to live ends what was held.
    let _ = thread::Builder::new()
        .name("untorn-release".to_owned())
        .spawn(work);
}
