//! `store.retention`: the maximum age of records.

use aibridge_values::scalar::{self, FromScalar, Scalar, ScalarError};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

/// The units in which a retention is written, the longest first.
const UNITS: [(&str, u64); 4] = [("d", 24 * 60 * 60), ("h", 60 * 60), ("m", 60), ("s", 1)];

/// The maximum retention, 100 years. It can be subtracted from any current time.
const MAX: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

const ADVICE: &str = "write e.g. \"60d\", or 0 to keep everything";

/// The maximum age of records, at least one second. Displays in the format of the settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention(Duration);

impl Retention {
    /// Returns the age as a duration.
    pub fn get(self) -> Duration {
        self.0
    }
}

/// Formats the retention in the longest unit that is exact.
impl fmt::Display for Retention {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        match UNITS.iter().find(|(_, unit)| seconds.is_multiple_of(*unit)) {
            Some((name, unit)) if self.0.subsec_nanos() == 0 => write!(f, "{}{name}", seconds / unit),
            _ => humantime::format_duration(self.0).fmt(f),
        }
    }
}

/// A retention in the settings file: `"60d"`, or 0 to keep all records.
#[derive(Clone, Copy, Default)]
pub(super) struct RawRetention(pub(super) Option<Retention>);

fn parse(text: &str) -> Result<RawRetention, String> {
    if let Ok(number) = text.trim().parse::<f64>() {
        return if number == 0.0 { Ok(RawRetention::default()) } else { Err(unitless(text.trim())) };
    }
    let age =
        humantime::parse_duration(text).map_err(|_| format!("{text:?} is not a length of time; {ADVICE}"))?;
    if !age.is_zero() && age < SECOND {
        return Err(format!("{text:?} is less than a second; {ADVICE}"));
    }
    if age > MAX {
        return Err(format!("{text:?} is more than a hundred years; {ADVICE}"));
    }
    Ok(RawRetention((!age.is_zero()).then_some(Retention(age))))
}

fn unitless(number: impl fmt::Display) -> String {
    format!("{number} has no unit; {ADVICE}")
}

impl FromScalar for RawRetention {
    const EXPECTED: &'static str = "a length of time, e.g. \"60d\", or 0 to keep everything";

    fn from_scalar(scalar: Scalar<'_>) -> Result<Self, ScalarError> {
        match scalar {
            Scalar::Text(text) => Ok(parse(text)?),
            Scalar::Integer(0) => Ok(Self::default()),
            Scalar::Integer(number) => Err(unitless(number).into()),
            Scalar::Float(_) => Err(ScalarError::WrongType),
        }
    }
}

impl<'de> Deserialize<'de> for RawRetention {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        scalar::deserialize(deserializer)
    }
}

impl Serialize for RawRetention {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Some(retention) => serializer.collect_str(&retention),
            None => serializer.serialize_u64(0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use figment::value::Value;

    fn read(value: impl Into<Value>) -> Result<RawRetention, String> {
        value.into().deserialize().map_err(|error: figment::Error| error.kind.to_string())
    }

    #[test]
    fn zero_keeps_all_records_and_other_values_need_a_unit() {
        let days = |days: u64| Some(Duration::from_secs(days * 24 * 60 * 60));
        let table: Vec<(Value, Result<Option<Duration>, &str>)> = vec![
            (0_i64.into(), Ok(None)),
            (0_u64.into(), Ok(None)),
            ("0".into(), Ok(None)),
            ("0s".into(), Ok(None)),
            ("0d".into(), Ok(None)),
            ("60d".into(), Ok(days(60))),
            (" 60 days ".into(), Ok(days(60))),
            ("36500d".into(), Ok(days(36_500))),
            ("1s".into(), Ok(Some(SECOND))),
            (
                "36501d".into(),
                Err("is more than a hundred years; write e.g. \"60d\", or 0 to keep everything"),
            ),
            ("999ms".into(), Err("is less than a second")),
            (60_i64.into(), Err("60 has no unit; write e.g. \"60d\", or 0 to keep everything")),
            ((-1_i64).into(), Err("-1 has no unit")),
            ("60".into(), Err("60 has no unit")),
            ("-60d".into(), Err("\"-60d\" is not a length of time")),
            ("".into(), Err("is not a length of time")),
            ("for ever".into(), Err("is not a length of time")),
            (true.into(), Err("a length of time, e.g. \"60d\"")),
        ];
        for (value, expected) in table {
            match (read(value.clone()).map(|raw| raw.0.map(Retention::get)), expected) {
                (Ok(actual), Ok(expected)) => assert_eq!(actual, expected, "{value:?}"),
                (Err(actual), Err(expected)) => assert!(actual.contains(expected), "{value:?}: {actual}"),
                (actual, _) => panic!("{value:?}: {actual:?}"),
            }
        }
    }

    #[test]
    fn a_written_retention_reads_the_same() {
        for (text, expected) in [
            ("60d", "60d"),
            ("48h", "2d"),
            ("36h", "36h"),
            ("90s", "90s"),
            ("2m", "2m"),
            ("1500ms", "1s 500ms"),
        ] {
            let retention = read(text).expect(text);
            let value = Value::serialize(retention).expect("a value");
            assert_eq!(value.as_str(), Some(expected));
            assert_eq!(read(value).expect("a time").0, retention.0);
        }
        let kept = Value::serialize(RawRetention::default()).expect("a value");
        assert_eq!(kept.to_u128(), Some(0));
    }
}
