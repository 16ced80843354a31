//! Runs the statements that both databases share.

use super::SqliteRecords;
use super::text::text;
use crate::time::{from_text, to_text};
use aibridge_store_core::StoreError;
use aibridge_store_core::query::{Cell, CellKind, Cells, Statement, Value};
use rusqlite::Row;
use rusqlite::types::{ToSql, Type, ValueRef};

impl SqliteRecords {
    /// The rows of a statement, in a transaction of its own.
    pub fn select(&self, statement: &Statement) -> Result<Vec<Cells>, StoreError> {
        self.transaction(|transaction| {
            let mut prepared = transaction.prepare_cached(&statement.sql)?;
            for (number, value) in (1..).zip(&statement.values) {
                if let Some(index) = prepared.parameter_index(&format!("${number}"))? {
                    prepared.raw_bind_parameter(index, bound(value))?;
                }
            }
            let mut found = prepared.raw_query();
            let mut rows = Vec::new();
            while let Some(row) = found.next()? {
                let cells = statement.kinds.iter().enumerate().map(|(column, kind)| cell(row, column, *kind));
                rows.push(Cells::new(cells.collect::<rusqlite::Result<_>>()?));
            }
            Ok(rows)
        })
    }
}

fn bound(value: &Value) -> Box<dyn ToSql> {
    match value {
        Value::Id(id) => Box::new(id.to_string()),
        Value::Text(text) => Box::new(text.clone()),
        Value::Time(time) => Box::new(to_text(*time)),
        Value::Count(count) => Box::new(*count),
    }
}

fn cell(row: &Row<'_>, column: usize, kind: CellKind) -> rusqlite::Result<Cell> {
    if row.get_ref(column)? == ValueRef::Null {
        return Ok(Cell::Null);
    }
    Ok(match kind {
        CellKind::Id => Cell::Id(row.get::<_, String>(column)?.parse().map_err(|error: uuid::Error| {
            rusqlite::Error::FromSqlConversionFailure(column, Type::Text, error.into())
        })?),
        CellKind::Text => Cell::Text(text(row, column)?),
        CellKind::Time => Cell::Time(from_text(&row.get::<_, String>(column)?, column)?),
        CellKind::Integer | CellKind::Count => Cell::Count(row.get(column)?),
        CellKind::Float => Cell::Float(row.get(column)?),
        CellKind::Boolean => Cell::Boolean(row.get(column)?),
    })
}
