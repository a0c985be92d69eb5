//! The time of day, as people and records read it.

use std::fmt::Write as _;
use std::time::{Duration, SystemTime};

/// Returns the time now, in UTC: `2026-11-21T04:00:30.123Z`.
pub(crate) fn now() -> String {
    rfc3339(SystemTime::now())
}

/// A year that RFC 3339 can't write is a broken clock, not an error here: the text is empty.
fn rfc3339(time: SystemTime) -> String {
    let mut text = String::new();
    // The crate panics for a time before 1970, and `to_string` where formatting fails.
    if time >= SystemTime::UNIX_EPOCH
        && write!(text, "{}", humantime::format_rfc3339_millis(time)).is_err()
    {
        text.clear();
    }
    text
}

/// Returns the microseconds since 1970; 0 if the clock is before that.
pub(crate) fn microseconds() -> u64 {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| u64::try_from(since.as_micros()).unwrap_or(0))
}

/// Returns how long ago a time is, in nanoseconds since 1970. A time to come is now.
pub(crate) fn age(nanoseconds: u64) -> Duration {
    let then = SystemTime::UNIX_EPOCH + Duration::from_nanos(nanoseconds);
    SystemTime::now().duration_since(then).unwrap_or_default()
}

/// Returns the time this long ago, written like [`now`], for comparison.
pub(crate) fn before_now(span: Duration) -> String {
    let then = SystemTime::now().checked_sub(span);
    rfc3339(then.unwrap_or(SystemTime::UNIX_EPOCH))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_rfc_3339_to_the_millisecond() {
        let time = SystemTime::UNIX_EPOCH + Duration::new(1_709_210_096, 70_999_999);
        assert_eq!(rfc3339(time), "2024-02-29T12:34:56.070Z");
        assert_eq!(rfc3339(SystemTime::UNIX_EPOCH), "1970-01-01T00:00:00.000Z");
    }

    #[test]
    fn a_broken_clock_has_an_empty_time() {
        let second = Duration::from_secs(1);
        let year_10_000 = SystemTime::UNIX_EPOCH + Duration::from_secs(253_402_300_800);
        assert_eq!(rfc3339(year_10_000 - second), "9999-12-31T23:59:59.000Z");
        assert_eq!(rfc3339(year_10_000), "");
        assert_eq!(rfc3339(SystemTime::UNIX_EPOCH - second), "");
    }
}
