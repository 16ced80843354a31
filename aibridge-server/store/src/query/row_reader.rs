//! A row of either database, from which the rows of queries are read.

use jiff::Timestamp;
use serde_json::value::RawValue;
use uuid::Uuid;

/// A row of a database, whose columns are read by name.
pub(crate) trait RowReader {
    type Error;

    fn id(&self, column: &str) -> Result<Uuid, Self::Error>;
    fn optional_text(&self, column: &str) -> Result<Option<String>, Self::Error>;
    fn text(&self, column: &str) -> Result<String, Self::Error>;
    fn boolean(&self, column: &str) -> Result<bool, Self::Error>;
    /// A small number.
    fn optional_integer(&self, column: &str) -> Result<Option<i32>, Self::Error>;
    fn count(&self, column: &str) -> Result<i64, Self::Error>;
    /// A sum of counts, which is a floating point number, because integer sums may overflow.
    fn sum(&self, column: &str) -> Result<f64, Self::Error>;
    fn json(&self, column: &str) -> Result<Box<RawValue>, Self::Error>;
    fn optional_time(&self, column: &str) -> Result<Option<Timestamp>, Self::Error>;
    fn time(&self, column: &str) -> Result<Timestamp, Self::Error>;
}
