//! The time of day, as people and records read it.

use std::time::SystemTime;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Returns the time now, in UTC: `2026-11-21T04:00:30.123Z`.
pub(crate) fn now() -> String {
    let now = OffsetDateTime::from(SystemTime::now());
    let millisecond = now.millisecond();
    let now = now.replace_millisecond(millisecond).unwrap_or(now);
    // A year that RFC 3339 can't write is a broken clock, not an error here.
    now.format(&Rfc3339).unwrap_or_default()
}

/// Returns the microseconds since 1970; 0 if the clock is before that.
pub(crate) fn microseconds() -> u64 {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| u64::try_from(since.as_micros()).unwrap_or(0))
}
