//! An amount of money in billionths of a US dollar.

use crate::decimal::{DecimalError, parse_scaled};
use std::fmt;

/// Billionths of a dollar in a dollar.
const NANO: i64 = 1_000_000_000;

/// An amount of money in billionths of a US dollar. [`Display`](fmt::Display) prints dollars with as many decimals as
/// the amount needs, at least two: `$0.0052`, `$12.00`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NanoUsd(i64);

impl NanoUsd {
    /// The amount zero, in dollars `$0.00`.
    pub const ZERO: Self = Self(0);
    /// The largest amount, about 9.2 billion dollars.
    pub const MAX: Self = Self(i64::MAX);

    /// Creates an amount from billionths of a dollar.
    pub const fn new(nano: i64) -> Self {
        Self(nano)
    }

    /// Creates an amount from whole dollars, at most [`NanoUsd::MAX`].
    pub const fn dollars(dollars: i64) -> Self {
        Self(dollars.saturating_mul(NANO))
    }

    /// The billionths of a dollar.
    pub const fn get(self) -> i64 {
        self.0
    }

    /// The sum of two amounts, within the range of the type.
    #[must_use]
    pub const fn saturating_add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// The difference of two amounts, within the range of the type.
    #[must_use]
    pub const fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// Parses non-negative dollars as decimal text, such as `12.5`, and rounds them half up.
    ///
    /// # Errors
    ///
    /// [`DecimalError`] if the text is no non-negative decimal number, or exceeds [`NanoUsd::MAX`].
    pub fn parse_dollars(text: &str) -> Result<Self, DecimalError> {
        let nano = parse_scaled(text, 9)?;
        i64::try_from(nano).map(Self).map_err(|_| DecimalError::TooLarge(text.to_owned()))
    }

    /// The amount in decimal dollars without a currency symbol, such as `0.0052`; at least two decimals.
    pub fn to_decimal(self) -> String {
        let nano = self.0.unsigned_abs();
        let (dollars, rest) = (nano / NANO.unsigned_abs(), nano % NANO.unsigned_abs());
        let decimals = format!("{rest:09}");
        let shown = decimals.trim_end_matches('0').len().max(2);
        let sign = if self.0 < 0 { "-" } else { "" };
        format!("{sign}{dollars}.{}", &decimals[..shown])
    }

    /// The amount in short form, for people: whole cents from one dollar on, three significant digits below it, rounded half
    /// up, e.g. `$12.35` and `$0.00521`.
    pub fn to_short(self) -> String {
        let nano = self.0.unsigned_abs();
        let mut unit = NANO.unsigned_abs() / 100;
        while nano < 100 * unit && unit > 1 {
            unit /= 10;
        }
        let rounded = nano.saturating_add(unit / 2) / unit * unit;
        let rounded = Self(i64::try_from(rounded).unwrap_or(i64::MAX)).to_decimal();
        format!("{}${rounded}", if self.0 < 0 { "-" } else { "" })
    }
}

impl fmt::Display for NanoUsd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decimal = self.to_decimal();
        match decimal.strip_prefix('-') {
            Some(decimal) => write!(f, "-${decimal}"),
            None => write!(f, "${decimal}"),
        }
    }
}

impl std::iter::Sum for NanoUsd {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Self::saturating_add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_dollars() {
        let table = [
            (0, "$0.00", "$0.00"),
            (1, "$0.000000001", "$0.000000001"),
            (5_200_000, "$0.0052", "$0.0052"),
            (5_213_999, "$0.005213999", "$0.00521"),
            (999_999_999, "$0.999999999", "$1.00"),
            (12_345_678_901, "$12.345678901", "$12.35"),
            (200_000_000_000, "$200.00", "$200.00"),
            (-1_500_000_000, "-$1.50", "-$1.50"),
            (i64::MAX, "$9223372036.854775807", "$9223372036.85"),
        ];
        for (nano, exact, short) in table {
            assert_eq!(NanoUsd::new(nano).to_string(), exact);
            assert_eq!(NanoUsd::new(nano).to_short(), short);
        }
    }

    #[test]
    fn parses_dollars() {
        assert_eq!(NanoUsd::parse_dollars("200"), Ok(NanoUsd::dollars(200)));
        assert_eq!(NanoUsd::parse_dollars("0.000000001"), Ok(NanoUsd::new(1)));
        assert!(NanoUsd::parse_dollars("-1").is_err());
        assert!(NanoUsd::parse_dollars("10000000000").is_err());
    }
}
