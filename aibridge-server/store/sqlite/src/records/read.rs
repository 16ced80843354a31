//! Conversion of SQLite values to ids, times and JSON.

use super::text::{optional_text, text};
use crate::time::from_text;
use aibridge_store_core::query::RowReader;
use jiff::Timestamp;
use rusqlite::Row;
use rusqlite::types::Type;
use serde_json::value::RawValue;
use std::error::Error;
use uuid::Uuid;

/// A row whose columns are read by name.
pub(super) struct Reader<'a>(pub(super) &'a Row<'a>);

impl RowReader for Reader<'_> {
    type Error = rusqlite::Error;

    fn id(&self, column: &str) -> rusqlite::Result<Uuid> {
        let index = self.0.as_ref().column_index(column)?;
        self.0.get::<_, String>(index)?.parse().map_err(|error: uuid::Error| invalid(index, error))
    }

    fn time(&self, column: &str) -> rusqlite::Result<Timestamp> {
        let index = self.0.as_ref().column_index(column)?;
        from_text(&self.0.get::<_, String>(index)?, index)
    }

    fn optional_time(&self, column: &str) -> rusqlite::Result<Option<Timestamp>> {
        let index = self.0.as_ref().column_index(column)?;
        self.0.get::<_, Option<String>>(index)?.map(|text| from_text(&text, index)).transpose()
    }

    fn json(&self, column: &str) -> rusqlite::Result<Box<RawValue>> {
        let index = self.0.as_ref().column_index(column)?;
        RawValue::from_string(text(self.0, index)?).map_err(|error| invalid(index, error))
    }

    fn optional_text(&self, column: &str) -> rusqlite::Result<Option<String>> {
        optional_text(self.0, self.0.as_ref().column_index(column)?)
    }

    fn text(&self, column: &str) -> rusqlite::Result<String> {
        text(self.0, self.0.as_ref().column_index(column)?)
    }

    fn boolean(&self, column: &str) -> rusqlite::Result<bool> {
        self.0.get(column)
    }

    fn optional_integer(&self, column: &str) -> rusqlite::Result<Option<i32>> {
        self.0.get(column)
    }

    fn optional_count(&self, column: &str) -> rusqlite::Result<Option<i64>> {
        self.0.get(column)
    }

    fn count(&self, column: &str) -> rusqlite::Result<i64> {
        self.0.get(column)
    }

    fn sum(&self, column: &str) -> rusqlite::Result<f64> {
        self.0.get(column)
    }
}

fn invalid(index: usize, error: impl Error + Send + Sync + 'static) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(index, Type::Text, error.into())
}
