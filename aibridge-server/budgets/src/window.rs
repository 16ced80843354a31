//! Calendar days, weeks and months in a time zone.

use crate::Period;
use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

/// A range of time in which a budget's amount may be spent once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// The first instant of the window.
    pub start: Timestamp,
    /// The first instant after the window.
    pub end: Timestamp,
}

/// The current window of each period. Windows only move forward, even when the clock is set back.
#[derive(Debug, Clone)]
pub struct Windows {
    time_zone: TimeZone,
    current: [Window; Period::ALL.len()],
}

impl Windows {
    /// The windows that contain `now`.
    pub fn new(time_zone: TimeZone, now: Timestamp) -> Self {
        let current = Period::ALL.map(|period| Window::containing(period, &time_zone, now));
        Self { time_zone, current }
    }

    /// The current window of a period.
    pub const fn get(&self, period: Period) -> Window {
        self.current[period as usize]
    }

    /// The start of the earliest current window.
    pub fn earliest_start(&self) -> Timestamp {
        self.current.iter().map(|window| window.start).min().unwrap_or(Timestamp::MIN)
    }

    /// Moves each window that has ended to the one that contains `now`.
    pub(crate) fn advance(&mut self, now: Timestamp) {
        for period in Period::ALL {
            if now >= self.current[period as usize].end {
                self.current[period as usize] = Window::containing(period, &self.time_zone, now);
            }
        }
    }

    pub(crate) const fn time_zone(&self) -> &TimeZone {
        &self.time_zone
    }
}

impl Window {
    /// The window of a period that contains `now`, by the calendar of `time_zone`.
    pub fn containing(period: Period, time_zone: &TimeZone, now: Timestamp) -> Self {
        let today = now.to_zoned(time_zone.clone()).date();
        let (first, next) = match period {
            Period::Day => (today, today.checked_add(1.day())),
            Period::Week => {
                let days = i64::from(today.weekday().since(Weekday::Monday));
                let monday = today.saturating_sub(days.days());
                (monday, monday.checked_add(1.week()))
            }
            Period::Month => (today.first_of_month(), today.first_of_month().checked_add(1.month())),
        };
        let start = first_instant(first, time_zone).unwrap_or(Timestamp::MIN);
        let end = next.ok().and_then(|next| first_instant(next, time_zone)).unwrap_or(Timestamp::MAX);
        Self { start, end }
    }
}

/// The first instant of a date, which daylight saving may put later than midnight.
fn first_instant(date: Date, time_zone: &TimeZone) -> Option<Timestamp> {
    Some(date.to_zoned(time_zone.clone()).ok()?.start_of_day().ok()?.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(period: Period, zone: &str, now: &str) -> (String, String) {
        let window = Window::containing(period, &TimeZone::get(zone).unwrap(), now.parse().unwrap());
        (window.start.to_string(), window.end.to_string())
    }

    #[test]
    fn follows_the_calendar_of_a_time_zone() {
        use Period::{Day, Month, Week};
        let table = [
            (Day, "UTC", "2026-11-27T00:00:00Z", "2026-11-27T00:00:00Z", "2026-11-28T00:00:00Z"),
            (Day, "UTC", "2026-11-26T23:59:59.999Z", "2026-11-26T00:00:00Z", "2026-11-27T00:00:00Z"),
            (Day, "Asia/Kolkata", "2026-11-27T20:00:00Z", "2026-11-27T18:30:00Z", "2026-11-28T18:30:00Z"),
            // Daylight saving: a day of 23 hours, one of 25, and one without a midnight.
            (Day, "Europe/Berlin", "2026-03-29T12:00:00Z", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"),
            (Day, "America/New_York", "2026-11-01T12:00:00Z", "2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z"),
            (Day, "America/Asuncion", "2023-10-01T12:00:00Z", "2023-10-01T04:00:00Z", "2023-10-02T03:00:00Z"),
            // A day that a time zone left out.
            (Day, "Pacific/Apia", "2011-12-30T09:00:00Z", "2011-12-29T10:00:00Z", "2011-12-30T10:00:00Z"),
            // Leap days.
            (Day, "UTC", "2028-02-29T12:00:00Z", "2028-02-29T00:00:00Z", "2028-03-01T00:00:00Z"),
            (Month, "UTC", "2028-02-10T12:00:00Z", "2028-02-01T00:00:00Z", "2028-03-01T00:00:00Z"),
            (Week, "UTC", "2028-03-01T12:00:00Z", "2028-02-28T00:00:00Z", "2028-03-06T00:00:00Z"),
            (Week, "UTC", "2026-11-29T23:59:59Z", "2026-11-23T00:00:00Z", "2026-11-30T00:00:00Z"),
            (Week, "UTC", "2026-11-30T00:00:00Z", "2026-11-30T00:00:00Z", "2026-12-07T00:00:00Z"),
            (Week, "Europe/Berlin", "2026-03-25T00:00:00Z", "2026-03-22T23:00:00Z", "2026-03-29T22:00:00Z"),
            (Month, "Europe/Berlin", "2026-03-31T22:30:00Z", "2026-03-31T22:00:00Z", "2026-04-30T22:00:00Z"),
            (
                Month,
                "America/Los_Angeles",
                "2026-12-31T12:00:00Z",
                "2026-12-01T08:00:00Z",
                "2027-01-01T08:00:00Z",
            ),
        ];
        for (period, zone, now, start, end) in table {
            assert_eq!(window(period, zone, now), (start.into(), end.into()), "{period:?} {zone} {now}");
        }
    }

    #[test]
    fn never_moves_back() {
        let mut windows = Windows::new(TimeZone::UTC, "2026-11-30T23:00:00Z".parse().unwrap());
        windows.advance("2026-12-01T00:00:00Z".parse().unwrap());
        let december = windows.get(Period::Month);
        windows.advance("2026-11-30T23:59:59Z".parse().unwrap());
        assert_eq!(windows.get(Period::Month), december);
        assert_eq!(december.start.to_string(), "2026-12-01T00:00:00Z");
    }
}
