//! Times as people write them in filters.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// Parses `text` as RFC 3339, as a date (midnight UTC), or as a duration before now (`7d`, `12h`).
///
/// # Errors
///
/// A sentence that names the formats.
pub fn time(text: &str) -> Result<Timestamp, String> {
    time_at(text, Timestamp::now())
}

fn time_at(text: &str, now: Timestamp) -> Result<Timestamp, String> {
    let time = match text.parse() {
        Ok(time) => time,
        Err(_) => without_zone(text, now)?,
    };
    if is_storable(time) { Ok(time) } else { Err("write a time from the year 0 on".to_owned()) }
}

/// Whether every database can compare with `time`. PostgreSQL has no years as early as those of [`Timestamp`].
pub fn is_storable(time: Timestamp) -> bool {
    time.to_zoned(TimeZone::UTC).year() >= 0
}

fn without_zone(text: &str, now: Timestamp) -> Result<Timestamp, String> {
    let date = text.parse::<Date>().ok().filter(|date| date.to_string() == text);
    if let Some(midnight) = date.and_then(|date| date.to_zoned(TimeZone::UTC).ok()) {
        return Ok(midnight.timestamp());
    }
    if let Ok(time) = text.parse::<DateTime>() {
        return Err(format!(
            "it has no time zone: write {time}Z for UTC, or {time}+02:00 for two hours ahead of it"
        ));
    }
    let ago = humantime::parse_duration(text).ok().and_then(|ago| SignedDuration::try_from(ago).ok());
    ago.and_then(|ago| now.checked_sub(ago).ok()).ok_or_else(|| {
        "write a time (2026-01-31T12:00:00Z), a date (2026-01-31) or a duration before now (7d, 12h)"
            .to_owned()
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
            ("2026-01-31T12:00:00", None),
            ("2026-01-31 12:00", None),
            ("2026-01-31T00", None),
            ("20260131T120000", None),
            ("0000-01-01", Some("0000-01-01T00:00:00Z")),
            ("-000001-12-31", None),
            ("-004713-01-01T00:00:00Z", None),
            ("5000y", None),
        ];
        for (text, expected) in table {
            let time = time_at(text, now).ok().map(|time| time.to_string());
            assert_eq!(time.as_deref(), expected, "{text:?}");
        }
    }

    #[test]
    fn a_time_without_a_zone_is_refused_with_what_to_write() {
        for text in ["2026-01-31T12:00:00", "2026-01-31 12:00"] {
            let problem = time(text).expect_err(text);
            assert!(problem.contains("no time zone: write 2026-01-31T12:00:00Z for UTC"), "{problem}");
        }
    }
}
