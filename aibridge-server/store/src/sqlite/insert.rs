use super::write_error::WriteError;
use rusqlite::{Connection, ToSql};

/// How rows are put into one table.
pub(super) struct Insert {
    table: &'static str,
    insert: String,
    find: String,
}

impl Insert {
    pub(super) fn into(table: &'static str, columns: &[&str]) -> Self {
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

    /// Puts a row with these values, in the order of the columns, into the table.
    ///
    /// A row that is there already, exactly as it is, counts as stored: then an earlier try of the same call
    /// succeeded, but its caller had stopped waiting. Another row with the same id is a contradiction.
    pub(super) fn run(&self, connection: &Connection, row: &[&dyn ToSql]) -> Result<(), WriteError> {
        let is_new = connection.prepare_cached(&self.insert)?.execute(row)? == 1;
        if is_new || connection.prepare_cached(&self.find)?.exists(row)? {
            return Ok(());
        }
        Err(WriteError::Conflict(format!("{} has another row with this id", self.table)))
    }
}
