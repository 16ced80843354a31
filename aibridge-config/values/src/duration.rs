//! Settings that are durations.

use crate::scalar::{self, FromScalar, Scalar, ScalarError};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::time::Duration;

/// The maximum duration, one year. It cannot overflow a clock.
const MAX: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// A duration in the settings file, e.g. `"10s"`.
#[derive(Clone, Copy)]
pub struct RawDuration(Duration);

impl RawDuration {
    /// A duration of whole seconds.
    pub const fn from_secs(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }

    /// Returns a duration that may be zero.
    pub fn get(self) -> Duration {
        self.0
    }

    /// Returns a duration that must not be zero, e.g. a timeout.
    ///
    /// # Errors
    ///
    /// A message if the duration is zero.
    pub fn positive(self) -> Result<Duration, String> {
        if self.0.is_zero() {
            return Err("is zero; write a longer duration, e.g. \"10s\"".into());
        }
        Ok(self.0)
    }
}

impl From<Duration> for RawDuration {
    fn from(duration: Duration) -> Self {
        Self(duration)
    }
}

fn parse(text: &str) -> Result<RawDuration, String> {
    if text.trim().parse::<f64>().is_ok() {
        return Err(unitless(text.trim()));
    }
    let duration = humantime::parse_duration(text).map_err(|_| {
        format!("{text:?} is not a duration; write numbers with units, e.g. \"10s\", \"500ms\" or \"1m 30s\"")
    })?;
    if duration > MAX {
        return Err(format!("{text:?} is more than a year; write a shorter duration, e.g. \"10s\""));
    }
    Ok(RawDuration(duration))
}

fn unitless(number: impl fmt::Display) -> String {
    format!("{number} has no unit; for seconds, write \"{number}s\", e.g. \"10s\"")
}

impl FromScalar for RawDuration {
    const EXPECTED: &'static str = "a duration, e.g. \"10s\"";

    fn from_scalar(scalar: Scalar<'_>) -> Result<Self, ScalarError> {
        let number = match scalar {
            Scalar::Text(text) => return Ok(parse(text)?),
            Scalar::Integer(number) => number.to_string(),
            Scalar::Float(number) => number.to_string(),
        };
        Err(unitless(number).into())
    }
}

impl<'de> Deserialize<'de> for RawDuration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        scalar::deserialize(deserializer)
    }
}

/// Writes seconds if possible, as the documentation does, so that two timeouts are easy to compare.
impl Serialize for RawDuration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.subsec_nanos() == 0 {
            serializer.collect_str(&format_args!("{}s", self.0.as_secs()))
        } else {
            serializer.collect_str(&humantime::format_duration(self.0))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use figment::value::Value;

    fn read(value: impl Into<Value>) -> Result<Duration, String> {
        value.into().deserialize().map(RawDuration::get).map_err(|error| error.kind.to_string())
    }

    #[test]
    fn durations_need_a_unit() {
        let table = [
            ("10s", Ok(10_000)),
            ("500ms", Ok(500)),
            ("1m 30s", Ok(90_000)),
            ("2h", Ok(7_200_000)),
            ("365days", Ok(31_536_000_000)),
            ("0s", Ok(0)),
            ("10", Err("10 has no unit; for seconds, write \"10s\"")),
            ("0", Err("0 has no unit; for seconds, write \"0s\"")),
            ("0.5", Err("0.5 has no unit")),
            ("", Err("\"\" is not a duration; write numbers with units, e.g. \"10s\"")),
            ("soon", Err("\"soon\" is not a duration")),
            ("10 parsecs", Err("\"10 parsecs\" is not a duration")),
            ("-1s", Err("\"-1s\" is not a duration")),
            ("366days", Err("\"366days\" is more than a year")),
            ("99999999999999999999y", Err("is not a duration")),
        ];
        for (text, expected) in table {
            match (read(text), expected) {
                (Ok(actual), Ok(expected)) => assert_eq!(actual.as_millis(), expected, "{text:?}"),
                (Err(actual), Err(expected)) => assert!(actual.contains(expected), "{text:?}: {actual}"),
                (actual, _) => panic!("{text:?}: {actual:?}"),
            }
        }
    }

    #[test]
    fn a_number_without_a_unit_is_refused_with_advice() {
        assert!(read(10_i64).is_err_and(|message| message.contains("write \"10s\"")));
        assert!(read(7_u64).is_err_and(|message| message.contains("write \"7s\"")));
        assert!(read(1.5).is_err_and(|message| message.contains("write \"1.5s\"")));
        assert!(read(true).is_err_and(|message| message.contains("a duration, e.g. \"10s\"")));
    }

    #[test]
    fn a_written_duration_reads_the_same() {
        for (millis, expected) in [(0, "0s"), (600_000, "600s"), (500, "500ms"), (1_250, "1s 250ms")] {
            let value = Value::serialize(RawDuration(Duration::from_millis(millis))).expect("a value");
            assert_eq!(value.as_str(), Some(expected));
            assert_eq!(read(value).map(|duration| duration.as_millis()), Ok(millis.into()));
        }
    }
}
