//! Splits a range of times where the clocks of a time zone change, so that a database can group by hours and days with a
//! constant offset.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// The length of the groups in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interval {
    /// One hour of the local clock.
    Hour,
    /// One day of the local calendar.
    Day,
}

/// A range of times in which the clocks of a zone do not change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Segment {
    /// Inclusive; `None` for the beginning of time.
    pub(crate) since: Option<Timestamp>,
    /// Exclusive; `None` for the end of time.
    pub(crate) until: Option<Timestamp>,
    /// The seconds to add to UTC.
    pub(crate) offset: i64,
}

/// Maximum number of segments. Further changes of the clocks are ignored: a zone has two a year.
const MAX_SEGMENTS: usize = 512;

impl Interval {
    /// The length in seconds of the local clock.
    pub(crate) const fn seconds(self) -> i64 {
        match self {
            Self::Hour => 3600,
            Self::Day => 86_400,
        }
    }

    /// The start of the group with this number, which counts from 1970 on the local clock.
    pub(crate) fn start(self, number: i64, zone: &TimeZone) -> Timestamp {
        let local = number.saturating_mul(self.seconds());
        let civil = DateTime::default(); // 0000-01-01, only a fallback
        let epoch = jiff::civil::date(1970, 1, 1).at(0, 0, 0, 0);
        let civil = epoch.checked_add(SignedDuration::from_secs(local)).unwrap_or(civil);
        zone.to_ambiguous_timestamp(civil).compatible().unwrap_or(Timestamp::MIN)
    }
}

/// The segments of `zone` between `since` and `until`. Without `since`, they start at `first`, the earliest stored time.
pub(crate) fn segments(
    zone: &TimeZone,
    (since, until): (Option<Timestamp>, Option<Timestamp>),
    first: Timestamp,
) -> Vec<Segment> {
    let start = since.unwrap_or(first);
    let offset = |at: Timestamp| i64::from(zone.to_offset(at).seconds());
    let mut all = vec![Segment { since, until, offset: offset(start) }];
    let end = until.unwrap_or(Timestamp::MAX);
    let changes = zone.following(start).map(|change| change.timestamp());
    let now = Timestamp::now();
    for change in changes.take_while(|at| *at < end && *at < now).take(MAX_SEGMENTS) {
        if let Some(last) = all.last_mut() {
            last.until = Some(change);
        }
        all.push(Segment { since: Some(change), until, offset: offset(change) });
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a timestamp")
    }

    #[test]
    fn a_range_is_split_where_clocks_change() {
        let zone = TimeZone::get("Europe/Berlin").expect("a zone");
        let range = (Some(at("2025-03-01T00:00:00Z")), Some(at("2025-11-01T00:00:00Z")));
        let found = segments(&zone, range, Timestamp::UNIX_EPOCH);
        let spring = Some(at("2025-03-30T01:00:00Z"));
        let autumn = Some(at("2025-10-26T01:00:00Z"));
        let expected = [(range.0, spring, 3600), (spring, autumn, 7200), (autumn, range.1, 3600)];
        let expected = expected.map(|(since, until, offset)| Segment { since, until, offset });
        assert_eq!(found, expected);
        assert_eq!(segments(&TimeZone::UTC, (None, None), Timestamp::UNIX_EPOCH).len(), 1);
    }

    #[test]
    fn a_day_starts_at_local_midnight() {
        let zone = TimeZone::get("Asia/Kathmandu").expect("a zone");
        let number = (at("2025-06-01T20:00:00Z").as_second() + 20_700) / 86_400;
        assert_eq!(Interval::Day.start(number, &zone), at("2025-06-01T18:15:00Z"));
        assert_eq!(Interval::Hour.start(0, &TimeZone::UTC), Timestamp::UNIX_EPOCH);
    }
}
