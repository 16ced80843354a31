//! Conversion of PostgreSQL rows to the row types of queries.

use aibridge_store_core::query::RowReader;
use jiff::Timestamp;
use serde_json::value::RawValue;
use std::error::Error as StdError;
use tokio_postgres::types::{FromSql, Type};
use tokio_postgres::{Error, Row};
use uuid::Uuid;

/// A JSON document, selected as text so that its numbers keep their spelling.
struct Json(Box<RawValue>);

impl<'a> FromSql<'a> for Json {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn StdError + Sync + Send>> {
        Ok(Self(RawValue::from_string(std::str::from_utf8(raw)?.to_owned())?))
    }

    fn accepts(kind: &Type) -> bool {
        *kind == Type::TEXT
    }
}

/// A row whose columns are read by name.
pub(super) struct Reader<'a>(pub(super) &'a Row);

impl RowReader for Reader<'_> {
    type Error = Error;

    fn id(&self, column: &str) -> Result<Uuid, Error> {
        self.0.try_get(column)
    }

    fn optional_text(&self, column: &str) -> Result<Option<String>, Error> {
        self.0.try_get(column)
    }

    fn text(&self, column: &str) -> Result<String, Error> {
        self.0.try_get(column)
    }

    fn boolean(&self, column: &str) -> Result<bool, Error> {
        self.0.try_get(column)
    }

    fn optional_integer(&self, column: &str) -> Result<Option<i32>, Error> {
        self.0.try_get(column)
    }

    fn optional_count(&self, column: &str) -> Result<Option<i64>, Error> {
        self.0.try_get(column)
    }

    fn count(&self, column: &str) -> Result<i64, Error> {
        self.0.try_get(column)
    }

    fn sum(&self, column: &str) -> Result<f64, Error> {
        self.0.try_get(column)
    }

    fn json(&self, column: &str) -> Result<Box<RawValue>, Error> {
        Ok(self.0.try_get::<_, Json>(column)?.0)
    }

    fn optional_time(&self, column: &str) -> Result<Option<Timestamp>, Error> {
        self.0.try_get(column)
    }

    fn time(&self, column: &str) -> Result<Timestamp, Error> {
        self.0.try_get(column)
    }
}
