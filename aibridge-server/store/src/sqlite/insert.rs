//! The insert statement of a table, with the check whether an existing row is equal.

use super::write_error::WriteError;
use crate::tables::Table;
use rusqlite::{Connection, ToSql};

/// The statements that insert a row into one table.
pub(super) struct Insert {
    table: &'static str,
    insert: String,
    find: String,
}

impl Insert {
    /// The statements for new rows of `table`. Values are bound in the order of [`Table::inserted`].
    pub(super) fn into(table: &'static Table) -> Self {
        let columns: Vec<&str> = table.inserted().map(|column| column.name).collect();
        let table = table.name;
        let numbered = |separator, one: fn(&str, usize) -> String| {
            columns
                .iter()
                .zip(1..)
                .map(|(name, number)| one(name, number))
                .collect::<Vec<_>>()
                .join(separator)
        };
        let names = columns.join(", ");
        let values = numbered(", ", |_, number| format!("?{number}"));
        let equal = numbered(" AND ", |name, number| format!("{name} IS ?{number}"));
        Self {
            table,
            insert: format!("INSERT INTO {table} ({names}) VALUES ({values}) ON CONFLICT DO NOTHING"),
            find: format!("SELECT 1 FROM {table} WHERE {equal}"),
        }
    }

    /// Inserts a row. `row` holds the values in the order of the columns.
    ///
    /// A row that is already there with equal values counts as stored: an earlier attempt of the same call succeeded
    /// after its caller stopped waiting. A different row with the same key is a conflict.
    pub(super) fn run(&self, connection: &Connection, row: &[&dyn ToSql]) -> Result<(), WriteError> {
        let is_new = connection.prepare_cached(&self.insert)?.execute(row)? == 1;
        if is_new || connection.prepare_cached(&self.find)?.exists(row)? {
            return Ok(());
        }
        Err(WriteError::Conflict(format!("{} has another row with this id", self.table)))
    }
}
