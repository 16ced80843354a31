//! The values of a new row, in a form that both databases accept.

use crate::storable::storable;
use jiff::Timestamp;
use std::borrow::Cow;
use uuid::Uuid;

/// The values of a row, in the order of the columns of its table.
pub type Row<'a> = Vec<Value<'a>>;

/// A value that both databases can store.
#[derive(Debug, Clone, PartialEq)]
pub enum Value<'a> {
    /// Null, of any type.
    Null,
    /// A UUID of this store.
    Id(Uuid),
    /// A text without NUL.
    Text(Cow<'a, str>),
    /// An integer of any size.
    Number(i64),
    /// True or false, in SQLite 1 or 0.
    Boolean(bool),
    /// A JSON object as text.
    Json(String),
    /// A time in whole milliseconds.
    Time(Timestamp),
}

impl<'a> Value<'a> {
    /// Text without NUL.
    pub fn text(text: &'a str) -> Self {
        Self::Text(storable(text))
    }

    /// Text without NUL, or null.
    pub fn optional(text: Option<&'a str>) -> Self {
        text.map_or(Self::Null, Self::text)
    }
}
