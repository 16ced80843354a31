//! Conversion of SQLite values to ids, times and JSON.

use crate::sqlite::time::from_text;
use jiff::Timestamp;
use rusqlite::Row;
use rusqlite::types::Type;
use serde_json::value::RawValue;
use std::error::Error;
use uuid::Uuid;

/// A row, with accessors for values that SQLite stores as text.
pub(super) struct Columns<'a>(pub(super) &'a Row<'a>);

impl Columns<'_> {
    pub(super) fn id(&self, column: &str) -> rusqlite::Result<Uuid> {
        let index = self.0.as_ref().column_index(column)?;
        self.0.get::<_, String>(index)?.parse().map_err(|error: uuid::Error| invalid(index, error))
    }

    pub(super) fn time(&self, column: &str) -> rusqlite::Result<Timestamp> {
        let index = self.0.as_ref().column_index(column)?;
        from_text(&self.0.get::<_, String>(index)?, index)
    }

    pub(super) fn optional_time(&self, column: &str) -> rusqlite::Result<Option<Timestamp>> {
        let index = self.0.as_ref().column_index(column)?;
        self.0.get::<_, Option<String>>(index)?.map(|text| from_text(&text, index)).transpose()
    }

    pub(super) fn json(&self, column: &str) -> rusqlite::Result<Box<RawValue>> {
        let index = self.0.as_ref().column_index(column)?;
        RawValue::from_string(self.0.get(index)?).map_err(|error| invalid(index, error))
    }
}

fn invalid(index: usize, error: impl Error + Send + Sync + 'static) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(index, Type::Text, error.into())
}
