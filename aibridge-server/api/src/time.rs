//! Times as people write them.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// The time that `text` means: RFC 3339, a date (its midnight, UTC), or how long ago.
///
/// # Errors
///
/// What to write instead.
pub fn time(text: &str) -> Result<Timestamp, String> {
    time_at(text, Timestamp::now())
}

fn time_at(text: &str, now: Timestamp) -> Result<Timestamp, String> {
    if let Ok(time) = text.parse() {
        return Ok(time);
    }
    let midnight = |date: Date| date.to_zoned(TimeZone::UTC).map(|zoned| zoned.timestamp());
    if let Some(time) = text.parse().ok().and_then(|date| midnight(date).ok()) {
        return Ok(time);
    }
    let ago = humantime::parse_duration(text).ok().and_then(|ago| SignedDuration::try_from(ago).ok());
    ago.and_then(|ago| now.checked_sub(ago).ok()).ok_or_else(|| {
        "write a time (2026-01-31T12:00:00Z), a date (2026-01-31) or how long ago (7d, 12h)".to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_absolute_or_ago() {
        let now = "2026-03-10T12:00:00Z".parse().expect("a timestamp");
        let table = [
            ("2026-01-31T12:00:00Z", Some("2026-01-31T12:00:00Z")),
            ("2026-01-31T12:00:00.5+02:00", Some("2026-01-31T10:00:00.5Z")),
            ("2026-01-31", Some("2026-01-31T00:00:00Z")),
            ("7d", Some("2026-03-03T12:00:00Z")),
            ("1h 30m", Some("2026-03-10T10:30:00Z")),
            ("0s", Some("2026-03-10T12:00:00Z")),
            ("2026-02-30", None),
            ("yesterday", None),
            ("7", None),
            ("", None),
            ("99999y", None),
        ];
        for (text, expected) in table {
            let time = time_at(text, now).ok().map(|time| time.to_string());
            assert_eq!(time.as_deref(), expected, "{text:?}");
        }
    }
}
