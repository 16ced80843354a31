//! The values of a new row, in the form that both databases are given.

use crate::storable::storable;
use jiff::Timestamp;
use std::borrow::Cow;
use uuid::Uuid;

/// The values of a row, in the order of the columns of its table.
pub(crate) type Row<'a> = Vec<Value<'a>>;

/// A value that both databases can store.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value<'a> {
    Null,
    Id(Uuid),
    Text(Cow<'a, str>),
    Number(i64),
    Boolean(bool),
    /// A JSON object as text.
    Json(String),
    Time(Timestamp),
}

impl<'a> Value<'a> {
    /// Text without NUL.
    pub(crate) fn text(text: &'a str) -> Self {
        Self::Text(storable(text))
    }

    /// Text without NUL, or null.
    pub(crate) fn optional(text: Option<&'a str>) -> Self {
        text.map_or(Self::Null, Self::text)
    }
}
