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
    use super::span;
    use std::time::Duration;

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
