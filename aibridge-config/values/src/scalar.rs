//! Deserialisation of settings that are written as a number or as text with a unit.

use serde::Deserializer;
use serde::de::{Error, Unexpected, Visitor};
use std::fmt;
use std::marker::PhantomData;

/// A value of the settings file.
pub enum Scalar<'a> {
    /// A string in quotes.
    Text(&'a str),
    /// An integer of any size.
    Integer(i128),
    /// A number with a fraction or an exponent.
    Float(f64),
}

/// The reason why a value cannot be used.
pub enum ScalarError {
    /// The setting does not accept values of this type.
    WrongType,
    /// The message for a value of the right type.
    Invalid(String),
}

impl From<String> for ScalarError {
    fn from(message: String) -> Self {
        Self::Invalid(message)
    }
}

/// A setting that is written as a number or as text.
pub trait FromScalar: Sized {
    /// A description of the accepted values, for messages.
    const EXPECTED: &'static str;

    /// Reads the setting from `scalar`.
    fn from_scalar(scalar: Scalar<'_>) -> Result<Self, ScalarError>;
}

/// Deserialises a setting from any type of value.
pub fn deserialize<'de, T: FromScalar, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    deserializer.deserialize_any(ScalarVisitor(PhantomData))
}

struct ScalarVisitor<T>(PhantomData<T>);

impl<T: FromScalar> ScalarVisitor<T> {
    fn visit<E: Error>(&self, scalar: Scalar<'_>, unexpected: Unexpected<'_>) -> Result<T, E> {
        T::from_scalar(scalar).map_err(|error| match error {
            ScalarError::WrongType => E::invalid_type(unexpected, self),
            ScalarError::Invalid(message) => E::custom(message),
        })
    }
}

impl<T: FromScalar> Visitor<'_> for ScalarVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::EXPECTED)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        self.visit(Scalar::Text(text), Unexpected::Str(text))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<T, E> {
        self.visit(Scalar::Integer(number.into()), Unexpected::Signed(number))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<T, E> {
        self.visit(Scalar::Integer(number.into()), Unexpected::Unsigned(number))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<T, E> {
        self.visit(Scalar::Float(number), Unexpected::Float(number))
    }
}
