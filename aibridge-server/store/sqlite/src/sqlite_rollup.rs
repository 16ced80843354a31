//! Sums of quarter-hours that are over, so that sums over months do not read every interception.
//!
//! The tables are derived and disposable: a gateway creates them when there is something to sum up, outside of the
//! migrations, and they may be dropped at any time together with their triggers. The triggers mark a quarter-hour as stale
//! when one of its interceptions is added, changed or deleted later, or gets another cost; stale ones are read from the
//! interceptions until they are summed up again. So sums are exact at any time.

use crate::connection;
use crate::error::refused;
use crate::time::to_text;
use aibridge_store_core::query::{
    Dialect, PERIOD_SECONDS, ROLLUP_TRIGGERS, first_id, period_requests, period_tools, period_usages,
};
use aibridge_store_core::{Options, StoreError};
use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, named_params, params};
use std::time::Duration;

/// Time for which a step waits while other processes write.
const BUSY: Duration = Duration::from_secs(2);

/// Time after which a quarter-hour counts as over: most of its interceptions have ended.
const SETTLE_TIME: SignedDuration = SignedDuration::from_hours(1);

/// Time after which an interception that has not ended does not keep its quarter-hour from being summed up.
const MAX_OPEN_TIME: SignedDuration = SignedDuration::from_hours(24);

/// Number of quarter-hours that one step sums up. Its transaction takes some milliseconds.
const STEP_PERIODS: i64 = 8;

/// Time by which the timestamp in an id may differ from `started_at`.
const CLOCK_SLACK: i64 = 60 * 60;

const CREATE: &str = include_str!("sqlite_rollup.sql");

/// The interceptions of the periods of a step.
const MATCHES: &str = "i.id >= :low AND i.id <= :high AND i.started_at >= :since AND i.started_at < :until";

/// Sums up quarter-hours of a SQLite store, on a connection of its own.
pub struct SqliteRollup {
    connection: Connection,
}

impl SqliteRollup {
    /// Opens the store.
    ///
    /// # Errors
    ///
    /// [`StoreError::Open`] and [`StoreError::NewerSchema`].
    pub fn open(options: &Options) -> Result<Self, StoreError> {
        let mut connection = connection::open_writer(options, BUSY)?.1;
        connection::yield_often(&mut connection, || false).map_err(refused)?;
        Ok(Self { connection })
    }

    /// Sums up the next quarter-hours that are over or stale. Returns whether there may be more.
    ///
    /// # Errors
    ///
    /// [`StoreError::Database`].
    pub fn step(&mut self, now: Timestamp) -> Result<bool, StoreError> {
        self.sum_up(now).map_err(refused)
    }

    fn sum_up(&mut self, now: Timestamp) -> rusqlite::Result<bool> {
        self.extend(now)?;
        let is_created = exists(&self.connection)?;
        if !is_created {
            return Ok(false);
        }
        let stale = self.stale()?;
        let (Some(first), Some(last)) = (stale.first(), stale.last()) else { return Ok(false) };
        self.replace(first.0, last.0 + 1, &stale)?;
        Ok(true)
    }

    /// Adds a day's quarter-hours that are over to those that are summed up, as stale ones.
    fn extend(&mut self, now: Timestamp) -> rusqlite::Result<()> {
        let end = now.saturating_sub(SETTLE_TIME).unwrap_or(now);
        let oldest_open = now.saturating_sub(MAX_OPEN_TIME).unwrap_or(now);
        let first: Option<i64> = self
            .connection
            .query_row(
                "SELECT unixepoch(started_at) FROM aibridge_interceptions ORDER BY id LIMIT 1",
                [],
                |row| row.get(0),
            )
            .optional()?;
        let Some(first) = first else { return Ok(()) };
        let open: Option<i64> = self.connection.query_row(
            "SELECT min(unixepoch(started_at)) FROM aibridge_interceptions WHERE ended_at IS NULL AND started_at >= ?1",
            [to_text(oldest_open)],
            |row| row.get(0),
        )?;
        let target = end.as_second().min(open.unwrap_or(i64::MAX)).div_euclid(PERIOD_SECONDS);
        let begin = first.div_euclid(PERIOD_SECONDS);
        if begin >= target {
            return Ok(());
        }
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        if !exists(&transaction)? {
            transaction.execute_batch(CREATE)?;
            set_until(&transaction, begin)?;
        }
        let until: i64 =
            transaction.query_row("SELECT until FROM aibridge_totals_state", [], |row| row.get(0))?;
        let next = target.min(until.max(begin) + 86_400 / PERIOD_SECONDS);
        if next > until {
            for period in until.max(begin)..next {
                transaction
                    .execute("INSERT OR IGNORE INTO aibridge_totals_stale VALUES (?1, 0)", [period])?;
            }
            set_until(&transaction, next)?;
        }
        transaction.commit()
    }

    /// The next stale quarter-hours within a step, each with the number of its marks.
    fn stale(&self) -> rusqlite::Result<Vec<(i64, i64)>> {
        let sql = "SELECT period, marks FROM aibridge_totals_stale WHERE period < \
            (SELECT min(period) FROM aibridge_totals_stale) + ?1 ORDER BY period";
        let mut statement = self.connection.prepare_cached(sql)?;
        let rows = statement.query_map([STEP_PERIODS], |row| Ok((row.get(0)?, row.get(1)?)))?;
        rows.collect()
    }

    /// Sums up the quarter-hours from `first` to `end`, and replaces the stored sums of the stale ones.
    fn replace(&mut self, first: i64, end: i64, stale: &[(i64, i64)]) -> rusqlite::Result<()> {
        let time = |period: i64| Timestamp::from_second(period * PERIOD_SECONDS).unwrap_or_default();
        let id = |period: i64, slack: i64| {
            let at = Timestamp::from_second(period * PERIOD_SECONDS + slack).unwrap_or_default();
            first_id(at).to_string()
        };
        let range = named_params! {
            ":low": id(first, -CLOCK_SLACK), ":high": id(end, CLOCK_SLACK),
            ":since": to_text(time(first)), ":until": to_text(time(end)),
        };
        // The sums are made before the write lock is taken: other processes record meanwhile.
        self.connection.execute_batch(&sums_sql())?;
        let made = ["requests", "usages", "tools"];
        let sums = [period_requests, period_usages, period_tools];
        for (table, sql) in made.iter().zip(sums.map(|sums| sums(Dialect::Sqlite, MATCHES))) {
            self.connection.execute(&format!("DELETE FROM temp.made_{table}"), [])?;
            self.connection.execute(&format!("INSERT INTO temp.made_{table} {sql}"), range)?;
        }
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for (period, marks) in stale {
            for statement in [
                "DELETE FROM aibridge_totals WHERE period = ?1",
                "DELETE FROM aibridge_totals_tools WHERE period = ?1",
                "INSERT INTO aibridge_totals SELECT r.period, r.initiator_id, r.model, r.provider_name, r.client, \
                 r.outcome, r.error_type, r.requests, r.ended, r.duration_ms, coalesce(u.input_tokens, 0), \
                 coalesce(u.output_tokens, 0), coalesce(u.cache_read_input_tokens, 0), \
                 coalesce(u.cache_write_input_tokens, 0), u.cost_nano_usd, coalesce(u.unpriced, 0) \
                 FROM temp.made_requests r LEFT JOIN temp.made_usages u USING \
                 (period, initiator_id, model, provider_name, client, outcome, error_type) WHERE r.period = ?1",
                "INSERT INTO aibridge_totals_tools SELECT * FROM temp.made_tools WHERE period = ?1",
            ] {
                transaction.prepare_cached(statement)?.execute([period])?;
            }
            let done = "DELETE FROM aibridge_totals_stale WHERE period = ?1 AND marks = ?2";
            transaction.prepare_cached(done)?.execute([period, marks])?;
        }
        transaction.commit()
    }
}

/// Whether the stored sums hold. Tables of an earlier version lack a trigger, and a table that was replaced has none.
fn exists(connection: &Connection) -> rusqlite::Result<bool> {
    let names = ROLLUP_TRIGGERS.map(|name| format!("'{name}'")).join(", ");
    let sql = format!("SELECT count(*) FROM sqlite_schema WHERE type = 'trigger' AND name IN ({names})");
    let found: i64 = connection.query_row(&sql, [], |row| row.get(0))?;
    Ok(usize::try_from(found).is_ok_and(|found| found == ROLLUP_TRIGGERS.len()))
}

fn set_until(connection: &Connection, period: i64) -> rusqlite::Result<()> {
    let text = to_text(Timestamp::from_second(period * PERIOD_SECONDS).unwrap_or_default());
    let sql = "INSERT OR REPLACE INTO aibridge_totals_state VALUES (1, ?1, ?2)";
    connection.execute(sql, params![period, text])?;
    Ok(())
}

/// Temporary tables for the sums of one step. They have a file or memory of their own, not the database's lock.
fn sums_sql() -> String {
    let key = "period, initiator_id, model, provider_name, client, outcome";
    format!(
        "PRAGMA temp_store = MEMORY; \
         CREATE TEMP TABLE IF NOT EXISTS made_requests ({key}, error_type, requests, ended, duration_ms, \
            PRIMARY KEY ({key}, error_type)) WITHOUT ROWID; \
         CREATE TEMP TABLE IF NOT EXISTS made_usages ({key}, error_type, input_tokens, output_tokens, \
            cache_read_input_tokens, cache_write_input_tokens, cost_nano_usd, unpriced, \
            PRIMARY KEY ({key}, error_type)) WITHOUT ROWID; \
         CREATE TEMP TABLE IF NOT EXISTS made_tools ({key}, tool, calls, failed, PRIMARY KEY ({key}, tool)) WITHOUT ROWID;"
    )
}
