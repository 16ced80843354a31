//! Reads text. SQLite does not check that a text is UTF-8, and other programs may have written one that is not. Such a text
//! must not make the other records unreadable.

use rusqlite::Row;
use rusqlite::types::{FromSql, FromSqlResult, ValueRef};

/// A text in which U+FFFD replaces what is not UTF-8.
struct LossyText(String);

impl FromSql for LossyText {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        match value {
            ValueRef::Text(bytes) => Ok(Self(String::from_utf8_lossy(bytes).into_owned())),
            other => String::column_result(other).map(Self),
        }
    }
}

/// The text in a column. What is not UTF-8 is replaced by U+FFFD.
pub(super) fn text(row: &Row<'_>, column: usize) -> rusqlite::Result<String> {
    row.get::<_, LossyText>(column).map(|LossyText(text)| text)
}

/// Like [`text`], for a column that may be null.
pub(super) fn optional_text(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<String>> {
    Ok(row.get::<_, Option<LossyText>>(column)?.map(|LossyText(text)| text))
}
