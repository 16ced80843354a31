//! Conversion of SQLite values to ids, times and JSON.

use crate::sqlite::time::from_text;
use jiff::Timestamp;
use rusqlite::Row;
use rusqlite::types::Type;
use serde_json::value::RawValue;
use uuid::Uuid;

/// A row, with accessors for values that SQLite stores as text.
pub(super) struct Columns<'a>(pub(super) &'a Row<'a>);

impl Columns<'_> {
    pub(super) fn id(&self, column: usize) -> rusqlite::Result<Uuid> {
        id(&self.0.get::<_, String>(column)?, column)
    }

    pub(super) fn time(&self, column: usize) -> rusqlite::Result<Timestamp> {
        from_text(&self.0.get::<_, String>(column)?, column)
    }

    pub(super) fn optional_time(&self, column: usize) -> rusqlite::Result<Option<Timestamp>> {
        self.0.get::<_, Option<String>>(column)?.map(|text| from_text(&text, column)).transpose()
    }

    pub(super) fn json(&self, column: usize) -> rusqlite::Result<Box<RawValue>> {
        RawValue::from_string(self.0.get(column)?)
            .map_err(|error| rusqlite::Error::FromSqlConversionFailure(column, Type::Text, error.into()))
    }
}

pub(super) fn id(text: &str, column: usize) -> rusqlite::Result<Uuid> {
    text.parse().map_err(|error: uuid::Error| {
        rusqlite::Error::FromSqlConversionFailure(column, Type::Text, error.into())
    })
}
