//! Queries over the records in a SQLite file.

mod children;
mod read;
mod select;
mod text;
mod wal_file;

use crate::error::{open_error, refused};
use crate::open_files::OpenFiles;
use crate::sink::{self, SqliteSink};
use crate::time::to_text;
use crate::{connection, schema};
use aibridge_projector::catch_up;
use aibridge_store_core::query::{
    BLOCK_BYTES, Block, Cursor, Filter, FullInterception, IdRange, InterceptionRow, RowReader, Summary,
    TokenSums, full_columns, list_columns,
};
use aibridge_store_core::{Options, StoreError};
use read::Reader;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, named_params};
use std::path::absolute;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use wal_file::WalFile;

/// Time for which a read waits while a gateway creates the file.
const BUSY: Duration = Duration::from_secs(10);

/// Number of interceptions that one transaction reads, so that it ends within some milliseconds.
const SUMMARIES: u32 = 1000;
const FULL: u32 = 64;

/// The SQL that returns a JSON column as text: SQLite stores JSON as text.
fn json_as_text(column: &str) -> String {
    column.to_owned()
}

/// The conditions of a filter, within a range of ids.
const MATCHES_FILTER: &str = "i.id >= :low AND i.id <= :high \
    AND (:user IS NULL OR i.initiator_id = :user) \
    AND (:model IS NULL OR i.model = :model) \
    AND (:provider IS NULL OR i.provider_name = :provider) \
    AND (:client IS NULL OR i.client = :client) \
    AND (:session IS NULL OR i.client_session_id = :session) \
    AND (:outcome IS NULL OR coalesce(i.outcome, 'open') = :outcome) \
    AND (:since IS NULL OR i.started_at >= :since) \
    AND (:until IS NULL OR i.started_at < :until)";

/// Reading access to the records in one file, on a read-only connection.
pub struct SqliteRecords {
    connection: Connection,
    wal: WalFile,
    /// Whether the file was opened as immutable, because no process had it open and SQLite may not create its files.
    is_immutable: bool,
    cancelled: CancellationToken,
}

impl SqliteRecords {
    /// Opens an existing file. When `cancelled` is cancelled, a running query ends at once.
    pub fn open(options: &Options, cancelled: CancellationToken) -> Result<Self, StoreError> {
        let path = absolute(&options.path).unwrap_or_else(|_| options.path.clone());
        let missing = |problem: &str| StoreError::Open {
            store: path.display().to_string(),
            problem: problem.to_owned(),
            advice: "name the file of a gateway that has run",
        };
        if !path.exists() {
            return Err(missing("the file does not exist"));
        }
        let wal = WalFile::of(&path);
        let mut connection = connection::open_reader(&path, BUSY)?;
        let is_immutable = wal.is_empty() && !connection::can_use_wal(&connection);
        if is_immutable {
            connection = connection::open_immutable(&path)?;
        }
        if schema::check(&mut connection, &path)? == 0 {
            return Err(missing("it is empty"));
        }
        let failed = |error| open_error(&path, error);
        connection.pragma_update(None, "query_only", true).map_err(failed)?;
        let token = cancelled.clone();
        connection::yield_often(&mut connection, move || token.is_cancelled()).map_err(failed)?;
        Ok(Self { connection, wal, is_immutable, cancelled })
    }

    /// Brings the file up to date with its journals, see [`catch_up`].
    pub fn catch_up(&self, options: &Options) -> Vec<String> {
        let position = |journal| {
            let position = sink::position(&self.connection, journal);
            // A file of an earlier version has no positions, and no journal.
            let position =
                position.or_else(|error| if has_positions(&self.connection)? { Err(error) } else { Ok(0) });
            position.map_err(refused)
        };
        catch_up(&options.journal, position, || {
            let (path, connection) = connection::open_writer(options, BUSY)?;
            Ok(SqliteSink::new(connection, &path, Arc::new(OpenFiles::of(&path)), None))
        })
    }

    /// Number of records that the database refused for their content.
    pub fn rejected(&self) -> Result<u64, StoreError> {
        self.transaction(|transaction| {
            if !has_positions(transaction)? {
                return Ok(0);
            }
            let count = "SELECT count(*) FROM aibridge_rejected_records";
            transaction.query_row(count, [], |row| row.get::<_, i64>(0)).map(i64::unsigned_abs)
        })
    }

    /// One interception with all rows that belong to it; `None` if the id is unknown.
    pub fn find(&self, id: Uuid) -> Result<Option<FullInterception>, StoreError> {
        self.transaction(|transaction| {
            let sql = format!(
                "SELECT {} FROM aibridge_interceptions i WHERE i.id = ?1",
                full_columns(json_as_text)
            );
            let found = transaction
                .query_row(&sql, [id.to_string()], |row| InterceptionRow::read(&Reader(row)))
                .optional()?;
            found.map(|row| children::complete(transaction, row)).transpose()
        })
    }

    /// The matches among the next `blocks` times 1000 interceptions from `cursor` on, with their token totals.
    pub fn summaries(
        &self,
        filter: &Filter,
        cursor: Cursor,
        blocks: u32,
    ) -> Result<Block<Summary>, StoreError> {
        let sql = |order| {
            format!(
                "SELECT {}, total(u.input_tokens) AS input_tokens, total(u.output_tokens) AS output_tokens, total(u.cache_read_input_tokens) AS cache_read_input_tokens, \
                 total(u.cache_write_input_tokens) AS cache_write_input_tokens, \
                 sum(min(u.cost_nano_usd, 1000000000000000)) AS cost_nano_usd FROM aibridge_interceptions i \
                 LEFT JOIN aibridge_token_usages u ON u.interception_id = i.id \
                 WHERE {MATCHES_FILTER} GROUP BY i.id ORDER BY i.id {order}",
                list_columns(json_as_text)
            )
        };
        self.block(filter, cursor, SUMMARIES * blocks, sql, |_, row| {
            Ok((
                Summary {
                    interception: InterceptionRow::read(&Reader(row))?,
                    tokens: TokenSums::read(&Reader(row))?,
                },
                None,
            ))
        })
    }

    /// The next interceptions from `cursor` on, with all rows that belong to them.
    pub fn full(&self, filter: &Filter, cursor: Cursor) -> Result<Block<FullInterception>, StoreError> {
        let sql = |order| {
            let columns = full_columns(json_as_text);
            format!(
                "SELECT {columns} FROM aibridge_interceptions i WHERE {MATCHES_FILTER} ORDER BY i.id {order}"
            )
        };
        let mut bytes = 0;
        self.block(filter, cursor, FULL, sql, move |transaction, row| {
            let full = children::complete(transaction, InterceptionRow::read(&Reader(row))?)?;
            bytes += full.bytes();
            let last = (bytes >= BLOCK_BYTES).then_some(full.interception.id);
            Ok((full, last))
        })
    }

    /// Number of matches among the next `blocks` times 1000 interceptions from `cursor` on.
    pub fn count(&self, filter: &Filter, cursor: Cursor, blocks: u32) -> Result<Block<u64>, StoreError> {
        let sql = |_| format!("SELECT count(*) FROM aibridge_interceptions i WHERE {MATCHES_FILTER}");
        self.block(filter, cursor, SUMMARIES * blocks, sql, |_, row| {
            Ok((row.get::<_, i64>(0)?.unsigned_abs(), None))
        })
    }

    /// The matching rows among the next `limit` interceptions. `read` reads a row, and returns its id too if the
    /// block ends with it.
    fn block<T>(
        &self,
        filter: &Filter,
        cursor: Cursor,
        limit: u32,
        sql: impl FnOnce(&'static str) -> String,
        mut read: impl FnMut(&Transaction<'_>, &Row<'_>) -> rusqlite::Result<(T, Option<Uuid>)>,
    ) -> Result<Block<T>, StoreError> {
        self.transaction(|transaction| {
            let range = next_range(transaction, filter, cursor, limit)?;
            let mut statement = transaction.prepare_cached(&sql(range.order))?;
            let parameters = named_params! {
                ":low": range.low.to_string(),
                ":high": range.high.to_string(),
                ":user": filter.user,
                ":model": filter.model,
                ":provider": filter.provider,
                ":client": filter.client,
                ":session": filter.session,
                ":outcome": filter.outcome,
                ":since": filter.since.map(to_text),
                ":until": filter.until.map(to_text),
            };
            let mut found = statement.query(parameters)?;
            let mut block = Block { rows: Vec::new(), last: range.last };
            while let Some(row) = found.next()? {
                let (row, end) = read(transaction, row)?;
                block.rows.push(row);
                if end.is_some() {
                    block.last = end;
                    break;
                }
            }
            Ok(block)
        })
    }

    fn transaction<T>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        self.wal.wait_for_reset();
        let done = self.connection.unchecked_transaction().and_then(|transaction| work(&transaction));
        if self.cancelled.is_cancelled() {
            return Err(StoreError::Cancelled);
        }
        if self.is_immutable && !self.wal.is_empty() {
            let problem = "a gateway started to write to the file, and this user cannot read it meanwhile; run the command as the user of the gateway";
            return Err(StoreError::Database(problem.to_owned()));
        }
        done.map_err(refused)
    }
}

fn has_positions(connection: &Connection) -> rusqlite::Result<bool> {
    connection.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'aibridge_journal_positions'")?.exists([])
}

/// The next `limit` interceptions, matching or not, so that no filter makes a transaction long.
fn next_range(
    transaction: &Transaction<'_>,
    filter: &Filter,
    cursor: Cursor,
    limit: u32,
) -> rusqlite::Result<IdRange> {
    let range = IdRange::from_cursor(filter, cursor);
    let parameters = (range.low.to_string(), range.high.to_string(), limit - 1);
    let mut statement = transaction.prepare_cached(&range.end_sql())?;
    let end = statement.query_row(parameters, |row| Reader(row).id("id")).optional()?;
    Ok(range.ending_at(end))
}
