use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;
use std::num::NonZeroU32;

/// A whole number as it stands in the file.
#[derive(Clone, Copy, Serialize)]
#[serde(transparent)]
pub(crate) struct RawInteger(u32);

impl RawInteger {
    pub(crate) const fn new(number: u32) -> Self {
        Self(number)
    }

    /// For numbers that may be zero.
    pub(crate) fn get(self) -> u32 {
        self.0
    }

    /// For numbers that are a limit, and none if they are zero.
    pub(crate) fn limit(self) -> Option<NonZeroU32> {
        NonZeroU32::new(self.0)
    }

    /// For numbers of things without which nothing would happen.
    pub(crate) fn positive(self) -> Result<u32, String> {
        if self.0 == 0 { Err("is zero; write at least 1".into()) } else { Ok(self.0) }
    }
}

impl From<Option<NonZeroU32>> for RawInteger {
    fn from(limit: Option<NonZeroU32>) -> Self {
        Self(limit.map_or(0, NonZeroU32::get))
    }
}

impl<'de> Deserialize<'de> for RawInteger {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(IntegerVisitor)
    }
}

struct IntegerVisitor;

impl Visitor<'_> for IntegerVisitor {
    type Value = RawInteger;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number without quotes, e.g. 5")
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<RawInteger, E> {
        let too_large = |_| E::custom(format!("{number} is too large; write at most {}", u32::MAX));
        u32::try_from(number).map(RawInteger).map_err(too_large)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<RawInteger, E> {
        match u64::try_from(number) {
            Ok(number) => self.visit_u64(number),
            Err(_) => Err(E::custom(format!("{number} is negative; write a whole number, e.g. 5"))),
        }
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
