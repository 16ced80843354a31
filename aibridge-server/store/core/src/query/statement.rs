//! A read-only statement that both databases run: its SQL, its values, and the types of its columns. Rows come back as
//! [`Cells`], so that a query is written once.

use crate::StoreError;
use jiff::Timestamp;
use serde_json::value::RawValue;
use std::vec::IntoIter;
use uuid::Uuid;

/// The SQL dialect of a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// The SQL of SQLite.
    Sqlite,
    /// The SQL of PostgreSQL.
    Postgres,
}

/// A value that a statement binds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A UUID of this store.
    Id(Uuid),
    /// A text of any length.
    Text(String),
    /// A time in whole milliseconds.
    Time(Timestamp),
    /// A 64-bit integer.
    Count(i64),
}

/// The type of a selected column. Every type may be null.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CellKind {
    /// A UUID of this store.
    Id,
    /// A text of any length.
    Text,
    /// A time in whole milliseconds.
    Time,
    /// A 32-bit integer.
    Integer,
    /// A 64-bit integer.
    Count,
    /// A floating point number, such as a sum that may not overflow.
    Float,
    /// True or false, in SQLite 1 or 0.
    Boolean,
}

/// A value of a row.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// Null, of any type.
    Null,
    /// A UUID of this store.
    Id(Uuid),
    /// A text of any length.
    Text(String),
    /// A time in whole milliseconds.
    Time(Timestamp),
    /// A 32-bit or 64-bit integer.
    Count(i64),
    /// A floating point number.
    Float(f64),
    /// True or false, in SQLite 1 or 0.
    Boolean(bool),
}

/// The values of one row, which are taken from left to right. A value of another type is a [`StoreError::Database`].
#[derive(Debug)]
pub struct Cells(IntoIter<Cell>);

/// A statement with the values of its parameters.
#[derive(Debug, Clone)]
pub struct Statement {
    /// The SQL, with placeholders for values.
    pub sql: String,
    /// The values of `$1`, `$2` and so on.
    pub values: Vec<Value>,
    /// The types of the selected columns.
    pub kinds: Vec<CellKind>,
}

/// Collects the values of a statement while its SQL is written.
#[derive(Debug, Default)]
pub struct Values(Vec<Value>);

impl Values {
    /// Adds a value, and returns its placeholder.
    pub fn bind(&mut self, value: Value) -> String {
        self.0.push(value);
        format!("${}", self.0.len())
    }

    /// Adds texts, and returns their placeholders with commas.
    pub fn bind_all(&mut self, values: impl IntoIterator<Item = Value>) -> String {
        values.into_iter().map(|value| self.bind(value)).collect::<Vec<_>>().join(", ")
    }

    /// A statement with these values.
    pub fn statement(self, sql: String, kinds: impl Into<Vec<CellKind>>) -> Statement {
        Statement { sql, values: self.0, kinds: kinds.into() }
    }
}

impl Dialect {
    /// Seconds since 1970 of a time column, rounded down.
    pub fn epoch(self, column: &str) -> String {
        match self {
            Self::Sqlite => format!("unixepoch({column})"),
            Self::Postgres => format!("floor(extract(epoch from {column}))::bigint"),
        }
    }

    /// The sum of a duration in whole milliseconds between two time columns, as a floating point number.
    pub fn sum_millis(self, from: &str, to: &str) -> String {
        match self {
            Self::Sqlite => {
                format!("total(round(1000.0 * (unixepoch({to}, 'subsec') - unixepoch({from}, 'subsec'))))")
            }
            Self::Postgres => {
                format!("coalesce(sum(round(1000 * extract(epoch from {to} - {from}))), 0)::float8")
            }
        }
    }

    /// A sum as a floating point number, because a sum of integers may overflow.
    pub fn total(self, expression: &str) -> String {
        match self {
            Self::Sqlite => format!("total({expression})"),
            Self::Postgres => format!("coalesce(sum({expression}), 0)::float8"),
        }
    }

    /// The exact sum of the costs of the usages `u`; null if none has a cost. A single cost counts as at most a million
    /// dollars, so that the sum does not overflow. PostgreSQL's `least` ignores nulls, so it does not fit.
    pub fn cost_sum(self) -> &'static str {
        match self {
            Self::Sqlite => "sum(min(u.cost_nano_usd, 1000000000000000))",
            Self::Postgres => {
                "sum(CASE WHEN u.cost_nano_usd > 1000000000000000 THEN 1000000000000000 ELSE u.cost_nano_usd END)::bigint"
            }
        }
    }

    /// The number of the usages `u` without a cost.
    pub fn unpriced_count(self) -> String {
        format!("{} - {}", self.count("*"), self.count("u.cost_nano_usd"))
    }

    /// A JSON column as text.
    pub fn json_as_text(self) -> fn(&str) -> String {
        match self {
            Self::Sqlite => |column| column.to_owned(),
            Self::Postgres => |column| format!("{column}::text"),
        }
    }

    /// A sum of integers as an integer, for sums that cannot overflow.
    pub fn sum(self, expression: &str) -> String {
        match self {
            Self::Sqlite => format!("sum({expression})"),
            Self::Postgres => format!("sum({expression})::bigint"),
        }
    }

    /// A 64-bit count of rows.
    pub fn count(self, expression: &str) -> String {
        match self {
            Self::Sqlite => format!("count({expression})"),
            Self::Postgres => format!("count({expression})::bigint"),
        }
    }
}

impl Cells {
    /// The values of a row, from left to right.
    pub fn new(cells: Vec<Cell>) -> Self {
        Self(cells.into_iter())
    }

    /// Takes an id.
    pub fn id(&mut self) -> Result<Uuid, StoreError> {
        match self.0.next() {
            Some(Cell::Id(id)) => Ok(id),
            other => Err(unexpected("an id", &other)),
        }
    }

    /// Takes a text.
    pub fn text(&mut self) -> Result<String, StoreError> {
        self.optional_text()?.ok_or_else(|| unexpected("a text", &Some(Cell::Null)))
    }

    /// Takes a text, or null.
    pub fn optional_text(&mut self) -> Result<Option<String>, StoreError> {
        match self.0.next() {
            Some(Cell::Text(text)) => Ok(Some(text)),
            Some(Cell::Null) => Ok(None),
            other => Err(unexpected("a text", &other)),
        }
    }

    /// Takes a JSON document; an empty object for null.
    pub fn json(&mut self) -> Result<Box<RawValue>, StoreError> {
        let text = self.optional_text()?.unwrap_or_else(|| "{}".to_owned());
        RawValue::from_string(text).map_err(|error| StoreError::Database(error.to_string()))
    }

    /// Takes a time.
    pub fn time(&mut self) -> Result<Timestamp, StoreError> {
        self.optional_time()?.ok_or_else(|| unexpected("a time", &Some(Cell::Null)))
    }

    /// Takes a time, or null.
    pub fn optional_time(&mut self) -> Result<Option<Timestamp>, StoreError> {
        match self.0.next() {
            Some(Cell::Time(time)) => Ok(Some(time)),
            Some(Cell::Null) => Ok(None),
            other => Err(unexpected("a time", &other)),
        }
    }

    /// Takes an integer.
    pub fn count(&mut self) -> Result<i64, StoreError> {
        self.optional_count()?.ok_or_else(|| unexpected("a count", &Some(Cell::Null)))
    }

    /// Takes an integer, or null.
    pub fn optional_count(&mut self) -> Result<Option<i64>, StoreError> {
        match self.0.next() {
            Some(Cell::Count(count)) => Ok(Some(count)),
            Some(Cell::Null) => Ok(None),
            other => Err(unexpected("a count", &other)),
        }
    }

    /// A floating point number, as the nearest integer. Casts saturate.
    pub fn rounded(&mut self) -> Result<i64, StoreError> {
        match self.0.next() {
            Some(Cell::Float(number)) => Ok(number.round() as i64),
            other => Err(unexpected("a number", &other)),
        }
    }

    /// Takes a boolean.
    pub fn is_true(&mut self) -> Result<bool, StoreError> {
        match self.0.next() {
            Some(Cell::Boolean(value)) => Ok(value),
            other => Err(unexpected("a boolean", &other)),
        }
    }
}

fn unexpected(kind: &str, cell: &Option<Cell>) -> StoreError {
    StoreError::Database(format!("the database returned {cell:?} instead of {kind}"))
}
