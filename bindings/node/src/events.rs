//! The calls of JavaScript about the library's events. `news.rs` brings the events to a loop.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use napi_derive::napi;
use untorn::tasks::Order;

use crate::port::Port;

/// Sets after how many milliseconds a wait for a lock is reported.
#[napi(catch_unwind)]
#[cfg_attr(test, allow(dead_code, reason = "only JavaScript calls it"))]
pub fn set_wait_threshold(milliseconds: f64) {
    let threshold = Duration::try_from_secs_f64(milliseconds / 1e3);
    untorn::events::set_wait_threshold(threshold.unwrap_or(Duration::MAX));
}

#[napi]
impl Port {
    /// Waits until the loops have the events so far. The port passes them on before it
    /// settles this call.
    #[napi(catch_unwind)]
    pub fn flush_events(&self, timeout: f64) -> u32 {
        let limit = Duration::try_from_secs_f64(timeout / 1e3).unwrap_or(Duration::MAX);
        let nowhere: Arc<Path> = Path::new("").into();
        self.inner().run(
            Order::Unordered,
            ("flush events", &nowhere),
            false,
            move |_| Ok(untorn::events::flush(limit)),
            |_, all| all,
        )
    }
}
