//! The SQLite file of a gateway, read by a test while the gateway writes it.

use crate::journal::block_for_position;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags, params_from_iter};
use serde_json::{Map, Value};
use std::path::{Path, PathBuf};

/// Column names and values of a row. Text is a JSON string, also if it holds JSON.
pub type Row = Map<String, Value>;

/// The SQLite file of a gateway, opened read-only for each query.
#[derive(Debug, Clone)]
pub struct Store {
    path: PathBuf,
}

impl Store {
    /// A store at `path`. The file need not exist yet.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// The path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Runs the query `sql` with text for its `?` parameters, and returns its rows. First waits a bounded time until
    /// the gateway has stored what it has acknowledged.
    ///
    /// # Panics
    ///
    /// If the file cannot be opened or the query is invalid.
    pub fn query(&self, sql: &str, parameters: &[&str]) -> Vec<Row> {
        self.wait_for_journal();
        self.query_now(sql, parameters)
    }

    /// Like [`Self::query`], without a wait: the gateway may not have stored yet what it has acknowledged.
    ///
    /// # Panics
    ///
    /// As [`Self::query`].
    pub fn query_now(&self, sql: &str, parameters: &[&str]) -> Vec<Row> {
        self.try_query(sql, parameters)
            .unwrap_or_else(|error| panic!("{error} in {sql:?} on {}", self.path.display()))
    }

    /// All rows of `table`, oldest first: ids are UUIDv7.
    ///
    /// # Panics
    ///
    /// If the table does not exist.
    pub fn rows(&self, table: &str) -> Vec<Row> {
        self.query(&format!("SELECT * FROM {table} ORDER BY id"), &[])
    }

    /// The rows of `table` that belong to an interception, oldest first.
    ///
    /// # Panics
    ///
    /// If the table does not exist.
    pub fn rows_of(&self, table: &str, interception: &str) -> Vec<Row> {
        self.query(&format!("SELECT * FROM {table} WHERE interception_id = ? ORDER BY id"), &[interception])
    }

    /// The row of the interception `id`, if it is recorded.
    pub fn interception(&self, id: &str) -> Option<Row> {
        self.query("SELECT * FROM aibridge_interceptions WHERE id = ?", &[id]).pop()
    }

    fn wait_for_journal(&self) {
        let mut directory = self.path.clone().into_os_string();
        directory.push(".journal");
        block_for_position(&[directory.into()], |journal| {
            let position = "SELECT position FROM aibridge_journal_positions WHERE journal_id = ?";
            let rows = self.try_query(position, &[journal]).ok()?;
            Some(rows.first().map_or(0, |row| row["position"].as_u64().unwrap_or_default()))
        });
    }

    fn try_query(&self, sql: &str, parameters: &[&str]) -> rusqlite::Result<Vec<Row>> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.path, flags)?;
        connection.busy_timeout(crate::MAX_WAIT)?;
        let mut statement = connection.prepare(sql)?;
        let columns: Vec<String> = statement.column_names().map(str::to_owned).collect();
        let rows = statement.query_map(params_from_iter(parameters), |row| {
            let cell = |(index, name): (usize, &String)| Ok((name.clone(), json(row.get_ref(index)?)));
            columns.iter().enumerate().map(cell).collect()
        })?;
        rows.collect()
    }
}

fn json(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(integer) => integer.into(),
        ValueRef::Real(real) => real.into(),
        ValueRef::Text(text) => String::from_utf8_lossy(text).into(),
        ValueRef::Blob(blob) => blob.to_vec().into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_read_during_a_write_transaction() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join("a.db");
        let writer = Connection::open(&path).expect("a database");
        let create = "PRAGMA journal_mode = wal; CREATE TABLE t (id TEXT, n INTEGER, interception_id TEXT);";
        writer.execute_batch(create).expect("a table");
        writer
            .execute_batch("INSERT INTO t VALUES ('b', 2, 'x'), ('a', NULL, 'y'); BEGIN IMMEDIATE;")
            .expect("rows");

        let store = Store::new(&path);
        let rows = store.rows("t");
        assert_eq!((&rows[0]["id"], &rows[0]["n"]), (&Value::from("a"), &Value::Null));
        assert_eq!(rows[1]["n"], 2);
        assert_eq!(store.rows_of("t", "x").len(), 1);
    }
}
