//! Conversion of SQLite values to ids, times and JSON.

use crate::query::RowReader;
use crate::sqlite::time::from_text;
use jiff::Timestamp;
use rusqlite::Row;
use rusqlite::types::Type;
use serde_json::value::RawValue;
use std::error::Error;
use uuid::Uuid;

impl RowReader for Row<'_> {
    type Error = rusqlite::Error;

    fn id(&self, column: &str) -> rusqlite::Result<Uuid> {
        let index = self.as_ref().column_index(column)?;
        self.get::<_, String>(index)?.parse().map_err(|error: uuid::Error| invalid(index, error))
    }

    fn time(&self, column: &str) -> rusqlite::Result<Timestamp> {
        let index = self.as_ref().column_index(column)?;
        from_text(&self.get::<_, String>(index)?, index)
    }

    fn optional_time(&self, column: &str) -> rusqlite::Result<Option<Timestamp>> {
        let index = self.as_ref().column_index(column)?;
        self.get::<_, Option<String>>(index)?.map(|text| from_text(&text, index)).transpose()
    }

    fn json(&self, column: &str) -> rusqlite::Result<Box<RawValue>> {
        let index = self.as_ref().column_index(column)?;
        RawValue::from_string(self.get(index)?).map_err(|error| invalid(index, error))
    }

    fn optional_text(&self, column: &str) -> rusqlite::Result<Option<String>> {
        self.get(column)
    }

    fn text(&self, column: &str) -> rusqlite::Result<String> {
        self.get(column)
    }

    fn boolean(&self, column: &str) -> rusqlite::Result<bool> {
        self.get(column)
    }

    fn optional_integer(&self, column: &str) -> rusqlite::Result<Option<i32>> {
        self.get(column)
    }

    fn count(&self, column: &str) -> rusqlite::Result<i64> {
        self.get(column)
    }

    fn sum(&self, column: &str) -> rusqlite::Result<f64> {
        self.get(column)
    }
}

fn invalid(index: usize, error: impl Error + Send + Sync + 'static) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(index, Type::Text, error.into())
}
