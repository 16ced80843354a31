//! Splits sums into statements that end soon.
//!
//! SQLite sorts the rows of a statement with groups in one step, during which its thread cannot be asked to make way for
//! the threads that record; and a long transaction would keep its log from being reset. So a statement reads about a
//! thousand rows there. PostgreSQL reads in processes of its own, and each statement costs a round trip.

use crate::records::Records;
use crate::rolled::RolledPart;
use aibridge_store_core::StoreError;
use aibridge_store_core::query::{CellKind, Dialect, Filter, Value, Values, first_id, next};
use jiff::SignedDuration;
use uuid::Uuid;

/// Number of rows that one statement sums up.
const SQLITE_ROWS: i64 = 2000;
const POSTGRES_ROWS: i64 = 500_000;

/// Maximum time by which the timestamp in an id may follow `started_at`. It is later when the clock is set back.
const CLOCK_SLACK: SignedDuration = SignedDuration::from_hours(1);

impl Records {
    fn chunk_rows(&self) -> i64 {
        match self.dialect() {
            Dialect::Sqlite => SQLITE_ROWS,
            Dialect::Postgres => POSTGRES_ROWS,
        }
    }

    /// Calls `each` with consecutive ranges of ids, from the oldest interception that may match `filter` on.
    pub(crate) fn id_chunks<E: From<StoreError>>(
        &self,
        filter: &Filter,
        mut each: impl FnMut((Uuid, Uuid)) -> Result<(), E>,
    ) -> Result<(), E> {
        let (mut low, mut high) = filter.ids();
        if let Some(end) = filter.until.and_then(|until| until.checked_add(CLOCK_SLACK).ok()) {
            high = high.min(first_id(end));
        }
        loop {
            let end = self.id_at_offset((low, high), self.chunk_rows() - 1)?;
            each((low, end.unwrap_or(high)))?;
            match end {
                Some(end) => low = next(end),
                None => return Ok(()),
            }
        }
    }

    /// Calls `each` with consecutive parts of `part`. The rows of one period in `table` are never separated.
    pub(crate) fn period_chunks<E: From<StoreError>>(
        &self,
        table: &str,
        part: &RolledPart,
        mut each: impl FnMut(&RolledPart) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut first = part.first;
        while first < part.end {
            let mut values = Values::default();
            let sql = format!(
                "SELECT period FROM {table} WHERE period >= {} AND period < {} ORDER BY period LIMIT 1 OFFSET {}",
                values.bind(Value::Count(first)),
                values.bind(Value::Count(part.end)),
                values.bind(Value::Count(self.chunk_rows())),
            );
            let found = self.select(&values.statement(sql, [CellKind::Count]))?.into_iter().next();
            let end = found.map(|mut cells| cells.count()).transpose()?;
            let end = end.map_or(part.end, |end| end.max(first + 1));
            each(&part.within(first, end))?;
            first = end;
        }
        Ok(())
    }
}
