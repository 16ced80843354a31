//! Settings that are numbers of bytes.

use crate::scalar::{self, FromScalar, Scalar, ScalarError};
use bytesize::ByteSize;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// A number of bytes in the settings file, e.g. `"64MiB"` or `67108864`.
#[derive(Clone, Copy)]
pub struct RawSize(u64);

impl RawSize {
    /// A size in mebibytes.
    pub const fn from_mib(mib: u64) -> Self {
        Self(mib * bytesize::MIB)
    }

    /// Returns a size that must not be zero.
    ///
    /// # Errors
    ///
    /// A message if the size is zero, or exceeds the address space.
    pub fn positive(self) -> Result<usize, String> {
        match usize::try_from(self.0) {
            Ok(0) => Err("is zero; write a larger size, e.g. \"64MiB\"".into()),
            Ok(bytes) => Ok(bytes),
            Err(_) => Err("exceeds the address space of this machine; write e.g. \"64MiB\"".into()),
        }
    }

    /// Returns a size of at least `minimum` bytes.
    ///
    /// # Errors
    ///
    /// A message if the size is smaller, or exceeds the address space.
    pub fn at_least(self, minimum: usize) -> Result<usize, String> {
        match self.positive() {
            Ok(bytes) if bytes < minimum => {
                Err(format!("is too small; write at least \"{}\"", Self::from(minimum)))
            }
            other => other,
        }
    }
}

impl From<usize> for RawSize {
    fn from(bytes: usize) -> Self {
        Self(u64::try_from(bytes).unwrap_or(u64::MAX))
    }
}

impl FromScalar for RawSize {
    const EXPECTED: &'static str = "a size, e.g. \"64MiB\", or a number of bytes";

    fn from_scalar(scalar: Scalar<'_>) -> Result<Self, ScalarError> {
        let invalid = |value: &dyn fmt::Display| {
            format!("{value} is not a size; write e.g. \"64MiB\", or a number of bytes")
        };
        match scalar {
            Scalar::Text(text) => {
                let size: ByteSize = text.parse().map_err(|_| invalid(&format_args!("{text:?}")))?;
                // The parser returns the largest number for every size that does not fit into 64 bits.
                match size.as_u64() {
                    u64::MAX => Err(format!("{text:?} is too large; write e.g. \"64MiB\"").into()),
                    bytes => Ok(Self(bytes)),
                }
            }
            Scalar::Integer(bytes) => Ok(u64::try_from(bytes).map(Self).map_err(|_| invalid(&bytes))?),
            Scalar::Float(_) => Err(ScalarError::WrongType),
        }
    }
}

impl<'de> Deserialize<'de> for RawSize {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        scalar::deserialize(deserializer)
    }
}

/// Writes the exact size in the largest possible binary unit.
impl fmt::Display for RawSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = [("GiB", bytesize::GIB), ("MiB", bytesize::MIB), ("KiB", bytesize::KIB)];
        let fits = |(_, unit): &&(&str, u64)| self.0 > 0 && self.0.is_multiple_of(*unit);
        let (name, unit) = units.iter().find(fits).unwrap_or(&("B", 1));
        write!(f, "{}{name}", self.0 / unit)
    }
}

impl Serialize for RawSize {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use figment::value::Value;

    fn read(value: impl Into<Value>) -> Result<usize, String> {
        let size: RawSize =
            value.into().deserialize().map_err(|error: figment::Error| error.kind.to_string())?;
        size.positive()
    }

    #[test]
    fn sizes_are_text_or_numbers() {
        let table: Vec<(Value, Result<usize, &str>)> = vec![
            ("64MiB".into(), Ok(64 << 20)),
            ("64 MiB".into(), Ok(64 << 20)),
            ("1GiB".into(), Ok(1 << 30)),
            ("1.5KiB".into(), Ok(1536)),
            ("10kB".into(), Ok(10_000)),
            ("1000".into(), Ok(1000)),
            (1000_i64.into(), Ok(1000)),
            (1000_u64.into(), Ok(1000)),
            (0_i64.into(), Err("is zero; write a larger size, e.g. \"64MiB\"")),
            ("0B".into(), Err("is zero; write a larger size, e.g. \"64MiB\"")),
            ((-1_i64).into(), Err("-1 is not a size; write e.g. \"64MiB\", or a number of bytes")),
            ("-1".into(), Err("\"-1\" is not a size; write e.g. \"64MiB\", or a number of bytes")),
            ("".into(), Err("\"\" is not a size; write e.g. \"64MiB\", or a number of bytes")),
            ("99999999999999TiB".into(), Err("\"99999999999999TiB\" is too large; write e.g. \"64MiB\"")),
            ("much".into(), Err("\"much\" is not a size; write e.g. \"64MiB\", or a number of bytes")),
        ];
        for (value, expected) in table {
            assert_eq!(read(value.clone()), expected.map_err(str::to_owned), "{value:?}");
        }
    }

    #[test]
    fn a_written_size_reads_the_same() {
        for (bytes, expected) in
            [(64 << 20, "64MiB"), (3 << 30, "3GiB"), (1536, "1536B"), (2048, "2KiB"), (1000, "1000B")]
        {
            let value = Value::serialize(RawSize::from(bytes)).expect("a value");
            assert_eq!(value.as_str(), Some(expected));
            assert_eq!(read(value), Ok(bytes));
        }
    }
}
