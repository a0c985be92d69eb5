//! Spans of time and points in time, as people write them.

use std::time::{Duration, SystemTime};

/// `90`, `90s`, `10m`, `2h`, `1d`, `1w`.
pub fn span(text: &str) -> Result<Duration, String> {
    let (number, unit) = match text
        .char_indices()
        .find(|(_, c)| !c.is_ascii_digit() && *c != '.')
    {
        Some((at, _)) => text.split_at(at),
        None => (text, "s"),
    };
    let seconds = match unit {
        "ms" => 0.001,
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        "d" => 86_400.0,
        "w" => 604_800.0,
        _ => {
            return Err(format!(
                "{unit:?} is not a unit of time: use ms, s, m, h, d, w"
            ));
        }
    };
    let number: f64 = number
        .parse()
        .map_err(|_| format!("{text:?} is not a span of time such as 90s or 10m"))?;
    Duration::try_from_secs_f64(number * seconds).map_err(|error| error.to_string())
}

/// A span between two looks. Shorter ones would only keep a processor busy.
pub fn period(text: &str) -> Result<Duration, String> {
    span(text).map(|span| span.max(Duration::from_millis(20)))
}

/// Returns the time that a JSON text means, in seconds since 1970: RFC 3339, or a number
/// of seconds, milliseconds, microseconds or nanoseconds, by its size.
pub fn moment(text: &str) -> Option<f64> {
    let inner = text
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'));
    if let Some(seconds) = inner.and_then(rfc_3339) {
        return Some(seconds);
    }
    let number: f64 = inner.unwrap_or(text).parse().ok()?;
    match number {
        0.0..1e11 => Some(number),
        1e11..1e14 => Some(number / 1e3),
        1e14..1e17 => Some(number / 1e6),
        1e17..1e20 => Some(number / 1e9),
        _ => None,
    }
}

/// `2026-11-27T00:45:37.5Z`, or with an offset. Without either it is UTC.
fn rfc_3339(text: &str) -> Option<f64> {
    let number = |from: usize, to: usize| -> Option<i64> {
        let digits = text.get(from..to)?;
        let all = digits.bytes().all(|byte| byte.is_ascii_digit());
        all.then(|| digits.parse().ok()).flatten()
    };
    let is = |at: usize, among: &str| text.get(at..=at).is_some_and(|one| among.contains(one));
    let shape = is(4, "-") && is(7, "-") && is(10, "Tt ") && is(13, ":") && is(16, ":");
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    if !shape || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let rest = &text[19..];
    let digits = rest.strip_prefix(['.', ',']).unwrap_or("");
    let length = digits.bytes().take_while(u8::is_ascii_digit).count();
    let part = match length {
        0 => 0.0,
        n => format!("0.{}", &digits[..n]).parse().ok()?,
    };
    let zone = if length > 0 { &digits[length..] } else { rest };
    let offset = match zone.as_bytes() {
        [] | [b'Z' | b'z'] => 0,
        [sign @ (b'+' | b'-'), ..] => {
            let start = text.len() - zone.len();
            let minutes = start + zone.find(':').map_or(3, |at| at + 1);
            let east = number(start + 1, start + 3)? * 60 + number(minutes, minutes + 2)?;
            if *sign == b'+' { east } else { -east }
        }
        _ => return None,
    };
    // Days since 1970 of the Gregorian calendar. The year begins with March here.
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let leap_days = year / 4 - year / 100 + year / 400;
    let days = year * 365 + leap_days + (month * 153 + 2) / 5 + day - 1 - 719_468;
    let seconds = days * 86_400 + hour * 3600 + minute * 60 + second - offset * 60;
    Some(seconds as f64 + part)
}

/// How long ago, in one word.
pub fn ago(then: SystemTime) -> String {
    match SystemTime::now().duration_since(then) {
        Ok(past) => format!("{} ago", short(past)),
        Err(_) => "just now".to_owned(),
    }
}

pub fn short(span: Duration) -> String {
    let seconds = span.as_secs();
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        7200..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::{moment, span};
    use std::time::Duration;

    #[test]
    fn moments() {
        for text in [
            "\"2024-02-29T12:34:56Z\"",
            "\"2024-02-29T12:34:56\"",
            "\"2024-02-29 14:04:56+01:30\"",
            "\"2024-02-29t11:34:56-0100\"",
            "1709210096",
            "1709210096000",
            "1709210096000000",
            "\"1709210096000000000\"",
        ] {
            assert_eq!(moment(text), Some(1_709_210_096.0), "{text}");
        }
        assert_eq!(
            moment("\"2024-02-29T12:34:56.25Z\""),
            Some(1_709_210_096.25)
        );
        assert_eq!(moment("\"1970-01-01T00:00:00Z\""), Some(0.0));
        assert_eq!(moment("\"2000-03-01T00:00:00Z\""), Some(951_868_800.0));
        for text in [
            "\"2024-02-29\"",
            "\"2024-13-29T12:34:56Z\"",
            "\"soon\"",
            "true",
            "{}",
            "-1",
            "\"\"",
            "\"2024-02-29T12:34:56 o'clock\"",
            "\"2024-02-29T12:34:56+1\"",
            "\"ä024-02-29T12:34:56Z\"",
        ] {
            assert_eq!(moment(text), None, "{text}");
        }
    }

    #[test]
    fn spans() {
        assert_eq!(span("90"), Ok(Duration::from_secs(90)));
        assert_eq!(span("1.5h"), Ok(Duration::from_secs(5400)));
        assert_eq!(span("250ms"), Ok(Duration::from_millis(250)));
        assert!(span("10y").is_err());
        assert!(span("").is_err());
        assert!(span("-1s").is_err());
    }
}
