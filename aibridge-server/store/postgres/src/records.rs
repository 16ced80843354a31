//! Queries over the records on a PostgreSQL server.

mod children;
mod read;
mod select;

use crate::connector::Connector;
use crate::error::{Opener, PgError};
use crate::reconnecting::Reconnecting;
use crate::schema;
use crate::sink::{self, PostgresSink};
use aibridge_projector::catch_up;
use aibridge_store_core::query::{
    BLOCK_BYTES, Block, Cursor, Filter, FullInterception, IdRange, InterceptionRow, Summary, TokenSums,
    full_columns, list_columns,
};
use aibridge_store_core::{PostgresOptions, StoreError};
use read::Reader;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;
use tokio_postgres::{Client, Row};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Time limit for each block of a query.
const LIMIT: Duration = Duration::from_secs(30);

/// Number of interceptions that one transaction reads.
const SUMMARIES: i64 = 1000;
const FULL: i64 = 64;

/// The SQL that returns a JSON column as text, so that its numbers keep their spelling.
fn json_as_text(column: &str) -> String {
    format!("{column}::text")
}

/// The size in bytes of the texts of an interception, without reading them out of line.
const BYTES: &str = "(octet_length(i.model) + coalesce(octet_length(i.client_session_id), 0) \
    + coalesce(octet_length(i.user_agent), 0) + coalesce(octet_length(i.correlating_tool_call_id), 0) \
    + coalesce((SELECT sum(octet_length(c.prompt)) FROM aibridge_user_prompts c WHERE c.interception_id = i.id), 0) \
    + coalesce((SELECT sum(octet_length(c.input) + octet_length(c.tool)) FROM aibridge_tool_usages c \
        WHERE c.interception_id = i.id), 0) \
    + coalesce((SELECT sum(octet_length(c.content)) FROM aibridge_model_thoughts c \
        WHERE c.interception_id = i.id), 0))::bigint";

/// The conditions of a filter, within a range of ids.
const MATCHES_FILTER: &str = "i.id >= $1 AND i.id <= $2 \
    AND ($3::text IS NULL OR i.initiator_id = $3) \
    AND ($4::text IS NULL OR i.model = $4) \
    AND ($5::text IS NULL OR i.provider_name = $5) \
    AND ($6::text IS NULL OR i.client = $6) \
    AND ($7::text IS NULL OR i.client_session_id = $7) \
    AND ($8::text IS NULL OR coalesce(i.outcome, 'open') = $8) \
    AND ($9::timestamptz IS NULL OR i.started_at >= $9) \
    AND ($10::timestamptz IS NULL OR i.started_at < $10)";

/// Token sums as floating point numbers, because integer sums may overflow.
const SUMS: &str = "coalesce(sum(u.input_tokens), 0)::float8 AS input_tokens, coalesce(sum(u.output_tokens), 0)::float8 AS output_tokens, \
    coalesce(sum(u.cache_read_input_tokens), 0)::float8 AS cache_read_input_tokens, coalesce(sum(u.cache_write_input_tokens), 0)::float8 AS cache_write_input_tokens, \
    sum(CASE WHEN u.cost_nano_usd > 1000000000000000 THEN 1000000000000000 ELSE u.cost_nano_usd END)::bigint AS cost_nano_usd";

/// One snapshot for all queries of a transaction.
const BEGIN: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

/// Reading access to the records on a PostgreSQL server: a connection, and a runtime for it. Must not be called from
/// within a runtime.
pub struct PostgresRecords {
    client: Client,
    connector: Connector,
    runtime: Runtime,
    cancelled: CancellationToken,
}

/// Time limit for the cancellation of a query.
const CANCEL_TIMEOUT: Duration = Duration::from_secs(1);

impl PostgresRecords {
    /// Connects to an existing store. When `cancelled` is cancelled, a running query ends at once.
    pub fn open(options: &PostgresOptions, cancelled: CancellationToken) -> Result<Self, StoreError> {
        Self::open_within(options, LIMIT, cancelled)
    }

    /// Opens a connection that must be there after `limit`.
    pub fn open_within(
        options: &PostgresOptions,
        limit: Duration,
        cancelled: CancellationToken,
    ) -> Result<Self, StoreError> {
        let connector = Connector::new(options, limit, None)?;
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| StoreError::Database(error.to_string()))?;
        let opened = runtime.block_on(cancelled.run_until_cancelled(async {
            let client = connector.client().await?;
            let checked = timeout(LIMIT, schema::check(&client)).await;
            let is_ours = checked.map_err(|_| PgError::TimedOut(LIMIT))??;
            Ok((client, is_ours))
        }));
        match opened.ok_or(StoreError::Cancelled)? {
            Ok((client, true)) => Ok(Self { client, connector, runtime, cancelled }),
            Ok((_, false)) => Err(StoreError::Open {
                store: connector.display_url().to_owned(),
                problem: "it is not an aibridge database".to_owned(),
                advice: "name the database of a gateway that has run",
            }),
            Err(error) => Err(PgError::to_open_error(&error, connector.display_url(), Opener::Reader)),
        }
    }

    /// Brings the database up to date with the journals on this machine, see [`catch_up`].
    pub fn catch_up(&self, options: &PostgresOptions) -> Vec<String> {
        let position = |journal| {
            let position = self.runtime.block_on(sink::position(&self.client, journal));
            position.map_err(|error| StoreError::Database(error.to_string()))
        };
        catch_up(&options.journal, position, || {
            let connector = Arc::new(Connector::new(options, LIMIT, None)?);
            Ok(PostgresSink::new(Reconnecting::new(connector, None)))
        })
    }

    /// Number of records that the database refused for their content.
    pub fn rejected(&self) -> Result<u64, StoreError> {
        let count = "SELECT count(*) FROM aibridge_rejected_records";
        self.transaction(async {
            Ok(self.client.query_one(count, &[]).await?.try_get::<_, i64>(0)?.unsigned_abs())
        })
    }

    /// One interception with all rows that belong to it; `None` if the id is unknown.
    pub fn find(&self, id: Uuid) -> Result<Option<FullInterception>, StoreError> {
        let sql =
            format!("SELECT {} FROM aibridge_interceptions i WHERE i.id = $1", full_columns(json_as_text));
        self.transaction(async {
            let found = self.client.query_opt(&sql, &[&id]).await?;
            let found = found.as_ref().map(|row| InterceptionRow::read(&Reader(row))).transpose()?;
            Ok(children::complete(&self.client, found.into_iter().collect()).await?.pop())
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
                "SELECT {}, {SUMS} FROM aibridge_interceptions i \
                 LEFT JOIN aibridge_token_usages u ON u.interception_id = i.id \
                 WHERE {MATCHES_FILTER} GROUP BY i.id ORDER BY i.id {order}",
                list_columns(json_as_text)
            )
        };
        self.transaction(async {
            let found = self.block(filter, cursor, SUMMARIES * i64::from(blocks), sql).await?;
            rows(&found, |row| {
                Ok(Summary {
                    interception: InterceptionRow::read(&Reader(row))?,
                    tokens: TokenSums::read(&Reader(row))?,
                })
            })
        })
    }

    /// The next interceptions from `cursor` on, with all rows that belong to them.
    pub fn full(&self, filter: &Filter, cursor: Cursor) -> Result<Block<FullInterception>, StoreError> {
        let sizes = |order| {
            format!(
                "SELECT i.id, {BYTES} FROM aibridge_interceptions i WHERE {MATCHES_FILTER} ORDER BY i.id {order}"
            )
        };
        let order = IdRange::from_cursor(filter, cursor).order;
        let sql = format!(
            "SELECT {} FROM aibridge_interceptions i WHERE i.id = ANY ($1) ORDER BY i.id {order}",
            full_columns(json_as_text)
        );
        self.transaction(async {
            let sizes = self.block(filter, cursor, FULL, sizes).await?;
            let Block { rows: sizes, last } = rows(&sizes, |row| Ok((row.try_get(0)?, row.try_get(1)?)))?;
            let (ids, cut) = fitting(&sizes);
            let found = self.client.query(&sql, &[&ids]).await?;
            let found =
                found.iter().map(|row| InterceptionRow::read(&Reader(row))).collect::<Result<_, _>>()?;
            Ok(Block { rows: children::complete(&self.client, found).await?, last: cut.or(last) })
        })
    }

    /// Number of matches among the next `blocks` times 1000 interceptions from `cursor` on.
    pub fn count(&self, filter: &Filter, cursor: Cursor, blocks: u32) -> Result<Block<u64>, StoreError> {
        let sql = |_| format!("SELECT count(*) FROM aibridge_interceptions i WHERE {MATCHES_FILTER}");
        self.transaction(async {
            let found = self.block(filter, cursor, SUMMARIES * i64::from(blocks), sql).await?;
            rows(&found, |row| Ok(row.try_get::<_, i64>(0)?.unsigned_abs()))
        })
    }

    /// The matching rows among the next `limit` interceptions, matching or not, so that no filter makes a transaction
    /// long.
    async fn block(
        &self,
        filter: &Filter,
        cursor: Cursor,
        limit: i64,
        sql: impl FnOnce(&'static str) -> String,
    ) -> Result<Block<Row>, PgError> {
        let range = IdRange::from_cursor(filter, cursor);
        let end = self.client.query_opt(&range.end_sql(), &[&range.low, &range.high, &(limit - 1)]).await?;
        let range = range.ending_at(end.map(|row| row.try_get(0)).transpose()?);
        let Filter { user, model, provider, client, session, outcome, since, until, .. } = filter;
        let (low, high) = (range.low, range.high);
        let rows = self
            .client
            .query(
                &sql(range.order),
                &[&low, &high, user, model, provider, client, session, outcome, since, until],
            )
            .await?;
        Ok(Block { rows, last: range.last })
    }

    fn transaction<T>(&self, work: impl Future<Output = Result<T, PgError>>) -> Result<T, StoreError> {
        let done = async {
            self.client.batch_execute(BEGIN).await?;
            let done = work.await;
            self.client.batch_execute("COMMIT").await?; // rolls back after an error
            done
        };
        self.runtime.block_on(async {
            let Some(done) = self.cancelled.run_until_cancelled(timeout(LIMIT, done)).await else {
                let _ = timeout(CANCEL_TIMEOUT, self.connector.cancel(&self.client)).await;
                return Err(StoreError::Cancelled);
            };
            let done = done.unwrap_or(Err(PgError::TimedOut(LIMIT)));
            done.map_err(|error| StoreError::Database(error.to_string())) // a read cannot conflict
        })
    }
}

fn rows<T>(
    found: &Block<Row>,
    read: impl Fn(&Row) -> Result<T, tokio_postgres::Error>,
) -> Result<Block<T>, PgError> {
    let rows = found.rows.iter().map(read).collect::<Result<_, _>>()?;
    Ok(Block { rows, last: found.last })
}

/// The ids to read at once, given the size of each interception: at least one. The second value is the id from which
/// the next block continues, if these are not all.
fn fitting(sizes: &[(Uuid, i64)]) -> (Vec<Uuid>, Option<Uuid>) {
    let mut bytes = 0;
    let fits = |(_, size): &&(Uuid, i64)| {
        let has_room = bytes < BLOCK_BYTES;
        bytes = bytes.saturating_add(usize::try_from(*size).unwrap_or(usize::MAX));
        has_room
    };
    let ids: Vec<Uuid> = sizes.iter().take_while(fits).map(|(id, _)| *id).collect();
    let cut = if ids.len() < sizes.len() { ids.last().copied() } else { None };
    (ids, cut)
}
