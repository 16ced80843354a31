//! The trait by which the rows of queries are read from either database.

use jiff::Timestamp;
use serde_json::value::RawValue;
use uuid::Uuid;

/// A row of a database, whose columns are read by name.
pub trait RowReader {
    /// The error for a column that is missing or has another type.
    type Error;

    /// The id in a column.
    fn id(&self, column: &str) -> Result<Uuid, Self::Error>;
    /// A text, or null.
    fn optional_text(&self, column: &str) -> Result<Option<String>, Self::Error>;
    /// The text in a column.
    fn text(&self, column: &str) -> Result<String, Self::Error>;
    /// True or false, in SQLite 1 or 0.
    fn boolean(&self, column: &str) -> Result<bool, Self::Error>;
    /// A small number.
    fn optional_integer(&self, column: &str) -> Result<Option<i32>, Self::Error>;
    /// A count, or a sum of costs.
    fn optional_count(&self, column: &str) -> Result<Option<i64>, Self::Error>;
    /// A 64-bit count.
    fn count(&self, column: &str) -> Result<i64, Self::Error>;
    /// A sum of counts, which is a floating point number, because integer sums may overflow.
    fn sum(&self, column: &str) -> Result<f64, Self::Error>;
    /// A JSON document in its own spelling.
    fn json(&self, column: &str) -> Result<Box<RawValue>, Self::Error>;
    /// A time, or null.
    fn optional_time(&self, column: &str) -> Result<Option<Timestamp>, Self::Error>;
    /// The time in a column.
    fn time(&self, column: &str) -> Result<Timestamp, Self::Error>;
}
