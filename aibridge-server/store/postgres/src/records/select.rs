//! Runs the statements that both databases share.

use super::PostgresRecords;
use aibridge_store_core::StoreError;
use aibridge_store_core::query::{Cell, CellKind, Cells, Statement, Value};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Error, Row};

impl PostgresRecords {
    /// The rows of a statement, in a transaction of its own.
    pub fn select(&self, statement: &Statement) -> Result<Vec<Cells>, StoreError> {
        let values: Vec<Box<dyn ToSql + Sync>> = statement.values.iter().map(bound).collect();
        let values: Vec<&(dyn ToSql + Sync)> = values.iter().map(|value| &**value).collect();
        self.transaction(async {
            let rows = self.client.query(&statement.sql, &values).await?;
            let cells = |row: &Row| {
                let cells = statement.kinds.iter().enumerate().map(|(column, kind)| cell(row, column, *kind));
                Ok(Cells::new(cells.collect::<Result<_, Error>>()?))
            };
            rows.iter().map(cells).collect()
        })
    }
}

fn bound(value: &Value) -> Box<dyn ToSql + Sync> {
    match value {
        Value::Id(id) => Box::new(*id),
        Value::Text(text) => Box::new(text.clone()),
        Value::Time(time) => Box::new(*time),
        Value::Count(count) => Box::new(*count),
    }
}

fn cell(row: &Row, column: usize, kind: CellKind) -> Result<Cell, Error> {
    let cell = match kind {
        CellKind::Id => row.try_get::<_, Option<_>>(column)?.map(Cell::Id),
        CellKind::Text => row.try_get::<_, Option<_>>(column)?.map(Cell::Text),
        CellKind::Time => row.try_get::<_, Option<_>>(column)?.map(Cell::Time),
        CellKind::Integer => row.try_get::<_, Option<i32>>(column)?.map(|number| Cell::Count(number.into())),
        CellKind::Count => row.try_get::<_, Option<_>>(column)?.map(Cell::Count),
        CellKind::Float => row.try_get::<_, Option<_>>(column)?.map(Cell::Float),
        CellKind::Boolean => row.try_get::<_, Option<_>>(column)?.map(Cell::Boolean),
    };
    Ok(cell.unwrap_or(Cell::Null))
}
