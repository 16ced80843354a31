//! Times as SQLite text.

use jiff::Timestamp;
use rusqlite::types::Type;

/// The stored form of a time: RFC 3339 in UTC with exactly three fractional digits, so that text order is time order.
pub(super) fn to_text(time: Timestamp) -> String {
    format!("{time:.3}")
}

/// Parses a stored time. `column` is its index in the row, for the error.
pub(super) fn from_text(text: &str, column: usize) -> rusqlite::Result<Timestamp> {
    text.parse().map_err(|error: jiff::Error| {
        rusqlite::Error::FromSqlConversionFailure(column, Type::Text, error.into())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_three_digits_and_are_cut() {
        let table = [
            ("2026-01-02T03:04:05.678Z", "2026-01-02T03:04:05.678Z"),
            ("2026-01-02T03:04:05Z", "2026-01-02T03:04:05.000Z"),
            ("2026-01-02T03:04:05.6789999Z", "2026-01-02T03:04:05.678Z"),
            ("2026-12-31T23:59:59.999999999Z", "2026-12-31T23:59:59.999Z"),
            ("2026-01-02T03:04:05.6+02:00", "2026-01-02T01:04:05.600Z"),
        ];
        for (time, expected) in table {
            let text = to_text(time.parse().expect("a timestamp"));
            assert_eq!(text, expected);
            assert_eq!(to_text(from_text(&text, 0).expect("a timestamp")), expected);
        }
        assert!(from_text("yesterday", 0).is_err());
    }
}
