//! Settings that are whole numbers.

use crate::scalar::{self, FromScalar, Scalar, ScalarError};
use serde::{Deserialize, Deserializer, Serialize};
use std::num::NonZeroU32;

/// A whole number in the settings file.
#[derive(Clone, Copy, Serialize)]
#[serde(transparent)]
pub struct RawInteger(u32);

impl RawInteger {
    /// The integer of a default.
    pub const fn new(number: u32) -> Self {
        Self(number)
    }

    /// Returns a number that may be zero.
    pub fn get(self) -> u32 {
        self.0
    }

    /// Returns a limit. Zero means unlimited.
    pub fn limit(self) -> Option<NonZeroU32> {
        NonZeroU32::new(self.0)
    }

    /// Returns a number that must not be zero.
    ///
    /// # Errors
    ///
    /// A message if the number is zero.
    pub fn positive(self) -> Result<u32, String> {
        if self.0 == 0 { Err("is zero; write at least 1".into()) } else { Ok(self.0) }
    }
}

impl From<Option<NonZeroU32>> for RawInteger {
    fn from(limit: Option<NonZeroU32>) -> Self {
        Self(limit.map_or(0, NonZeroU32::get))
    }
}

impl FromScalar for RawInteger {
    const EXPECTED: &'static str = "a whole number without quotes, e.g. 5";

    fn from_scalar(scalar: Scalar<'_>) -> Result<Self, ScalarError> {
        let Scalar::Integer(number) = scalar else { return Err(ScalarError::WrongType) };
        if number < 0 {
            return Err(format!("{number} is negative; write a whole number, e.g. 5").into());
        }
        let too_large = |_| format!("{number} is too large; write at most {}", u32::MAX);
        Ok(u32::try_from(number).map(Self).map_err(too_large)?)
    }
}

impl<'de> Deserialize<'de> for RawInteger {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        scalar::deserialize(deserializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use figment::value::Value;

    #[test]
    fn integers_are_whole_and_not_negative() {
        let table: Vec<(Value, Result<u32, &str>)> = vec![
            (0_i64.into(), Ok(0)),
            (5_i64.into(), Ok(5)),
            (5_u64.into(), Ok(5)),
            (4_294_967_295_i64.into(), Ok(u32::MAX)),
            (4_294_967_296_i64.into(), Err("4294967296 is too large; write at most 4294967295")),
            ((-1_i64).into(), Err("-1 is negative; write a whole number")),
            (1.5.into(), Err("a whole number without quotes, e.g. 5")),
            ("5".into(), Err("a whole number without quotes, e.g. 5")),
        ];
        for (value, expected) in table {
            let actual: figment::Result<RawInteger> = value.deserialize();
            match (actual.map(RawInteger::get).map_err(|error| error.kind.to_string()), expected) {
                (Ok(actual), Ok(expected)) => assert_eq!(actual, expected, "{value:?}"),
                (Err(actual), Err(expected)) => assert!(actual.contains(expected), "{value:?}: {actual}"),
                (actual, _) => panic!("{value:?}: {actual:?}"),
            }
        }
    }
}
