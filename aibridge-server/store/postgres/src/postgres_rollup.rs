//! Sums of quarter-hours that are over, as on SQLite: derived, disposable tables with triggers that mark a quarter-hour as
//! stale when something in it changes.
//!
//! Unlike on SQLite, several transactions write at once. One that began before the summed up time was extended may not see
//! the extension, and marks nothing. So new quarter-hours are summed up when no transaction runs that was there at the time
//! of the extension.

use crate::connector::Connector;
use crate::error::{Opener, PgError};
use aibridge_store_core::query::{
    Dialect, PERIOD_SECONDS, ROLLUP_TRIGGERS, first_id, period_requests, period_tools, period_usages,
};
use aibridge_store_core::{PostgresOptions, StoreError};
use jiff::{SignedDuration, Timestamp};
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;
use tokio_postgres::Client;

/// Time limit for a step.
const LIMIT: Duration = Duration::from_secs(30);

/// Time after which a quarter-hour counts as over: most of its interceptions have ended.
const SETTLE_TIME: SignedDuration = SignedDuration::from_hours(1);

/// Time after which an interception that has not ended does not keep its quarter-hour from being summed up.
const MAX_OPEN_TIME: SignedDuration = SignedDuration::from_hours(24);

/// Number of quarter-hours that one step sums up.
const STEP_PERIODS: i64 = 32;

/// Time by which the timestamp in an id may differ from `started_at`.
const CLOCK_SLACK: i64 = 60 * 60;

/// Key of the advisory lock under which one instance at a time sums up: "aibt".
const LOCK: i64 = 0x6169_6274;

/// Creating triggers waits for writers, and makes new ones wait: not long.
const CREATE: &str = concat!("SET LOCAL lock_timeout = '200ms';", include_str!("postgres_rollup.sql"));

const TRY_LOCK: &str = "SELECT pg_try_advisory_xact_lock($1)";
const EXISTS: &str = "SELECT count(*) FROM pg_trigger WHERE tgname::text = ANY ($1) AND tgenabled = 'O' AND tgrelid IN \
    (to_regclass('aibridge_interceptions'), to_regclass('aibridge_token_usages'))";
/// The first start, and the clock of the server: the triggers go by it.
const FIRST: &str = "SELECT started_at, now() FROM aibridge_interceptions ORDER BY id LIMIT 1";
const OPEN: &str =
    "SELECT min(started_at) FROM aibridge_interceptions WHERE ended_at IS NULL AND started_at >= $1";
const STATE: &str = "SELECT until, barrier, coalesce(barrier <= txid_snapshot_xmin(txid_current_snapshot()), false) \
    FROM aibridge_totals_state";
const EXTEND: &str = "WITH added AS (INSERT INTO aibridge_totals_stale SELECT period, 0 FROM \
        generate_series($1::bigint, $2::bigint - 1) AS period ON CONFLICT DO NOTHING) \
    INSERT INTO aibridge_totals_state VALUES (1, $2, $3, NULL) \
    ON CONFLICT (id) DO UPDATE SET until = excluded.until, until_at = excluded.until_at, barrier = NULL";
const SET_BARRIER: &str =
    "UPDATE aibridge_totals_state SET barrier = txid_snapshot_xmax(txid_current_snapshot())";
const STALE: &str = "SELECT period, marks FROM aibridge_totals_stale WHERE period < \
    (SELECT min(period) FROM aibridge_totals_stale) + $1 ORDER BY period";
const MATCHES: &str = "i.id >= $2 AND i.id <= $3 AND i.started_at >= $4 AND i.started_at < $5 \
    AND floor(extract(epoch from i.started_at))::bigint / 900 = ANY ($1)";
const CLEAR: [&str; 2] = [
    "DELETE FROM aibridge_totals WHERE period = ANY ($1)",
    "DELETE FROM aibridge_totals_tools WHERE period = ANY ($1)",
];
const DONE: &str = "DELETE FROM aibridge_totals_stale s USING unnest($1::bigint[], $2::bigint[]) AS d (period, marks) \
    WHERE s.period = d.period AND s.marks = d.marks";

/// The columns of `aibridge_totals` up to the sums.
const KEY: &str = "period, initiator_id, model, provider_name, client, outcome, error_type";

/// Sums up quarter-hours of a PostgreSQL store, on a connection and a runtime of its own. Must not be called from within
/// a runtime.
pub struct PostgresRollup {
    client: Client,
    runtime: Runtime,
}

impl PostgresRollup {
    /// Connects to the store.
    ///
    /// # Errors
    ///
    /// [`StoreError::Open`] and [`StoreError::Database`].
    pub fn open(options: &PostgresOptions) -> Result<Self, StoreError> {
        let connector = Connector::new(options, LIMIT, None)?;
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| StoreError::Database(error.to_string()))?;
        let client = runtime.block_on(connector.client());
        let client = client.map_err(|error| error.to_open_error(connector.display_url(), Opener::Command))?;
        Ok(Self { client, runtime })
    }

    /// Sums up the next quarter-hours that are over or stale. Returns whether there may be more.
    ///
    /// # Errors
    ///
    /// [`StoreError::Database`].
    pub fn step(&mut self, now: Timestamp) -> Result<bool, StoreError> {
        let client = &self.client;
        let stepped = self.runtime.block_on(async {
            let done = async {
                transaction(client, extend(client, now)).await?;
                // In a transaction of its own: it has to see what began before the other one was committed.
                transaction(client, sum_up(client)).await
            };
            timeout(LIMIT, done).await.unwrap_or(Err(PgError::TimedOut(LIMIT)))
        });
        stepped.map_err(|error| StoreError::from(&error))
    }
}

/// Runs `work` in a transaction under the advisory lock; does nothing if another instance holds it.
async fn transaction(
    client: &Client,
    work: impl Future<Output = Result<bool, PgError>>,
) -> Result<bool, PgError> {
    client.batch_execute("BEGIN ISOLATION LEVEL READ COMMITTED").await?;
    let worked = async {
        let is_ours: bool = client.query_one(TRY_LOCK, &[&LOCK]).await?.try_get(0)?;
        if is_ours { work.await } else { Ok(false) }
    };
    let worked = worked.await;
    client.batch_execute(if worked.is_ok() { "COMMIT" } else { "ROLLBACK" }).await?;
    worked
}

async fn exists(client: &Client) -> Result<bool, PgError> {
    let names: &[&str] = &ROLLUP_TRIGGERS;
    let found: i64 = client.query_one(EXISTS, &[&names]).await?.try_get(0)?;
    Ok(usize::try_from(found).is_ok_and(|found| found == ROLLUP_TRIGGERS.len()))
}

/// Adds the quarter-hours that are over to those that are summed up, as stale ones.
async fn extend(client: &Client, now: Timestamp) -> Result<bool, PgError> {
    let Some(first) = client.query_opt(FIRST, &[]).await? else { return Ok(false) };
    let (first, now): (Timestamp, Timestamp) = (first.try_get(0)?, now.min(first.try_get(1)?));
    let end = now.saturating_sub(SETTLE_TIME).unwrap_or(now);
    let oldest_open = now.saturating_sub(MAX_OPEN_TIME).unwrap_or(now);
    let open: Option<Timestamp> = client.query_one(OPEN, &[&oldest_open]).await?.try_get(0)?;
    let target = open.map_or(end, |open| open.min(end)).as_second().div_euclid(PERIOD_SECONDS);
    let begin = first.as_second().div_euclid(PERIOD_SECONDS);
    if begin >= target {
        return Ok(false);
    }
    if !exists(client).await? {
        client.batch_execute(CREATE).await?;
    }
    let until = client.query_opt(STATE, &[]).await?.map(|row| row.try_get(0)).transpose()?;
    let from = until.map_or(begin, |until: i64| until.max(begin));
    if target > from {
        let at = Timestamp::from_second(target * PERIOD_SECONDS).unwrap_or_default();
        client.execute(EXTEND, &[&from, &target, &at]).await?;
    }
    Ok(true)
}

/// Sums up the next stale quarter-hours. Returns whether there may be more.
async fn sum_up(client: &Client) -> Result<bool, PgError> {
    if !exists(client).await? {
        return Ok(false);
    }
    let Some(state) = client.query_opt(STATE, &[]).await? else { return Ok(false) };
    if state.try_get::<_, Option<i64>>(1)?.is_none() {
        client.execute(SET_BARRIER, &[]).await?;
        return Ok(true);
    }
    if !state.try_get::<_, bool>(2)? {
        return Ok(false); // a writer has been running for long; the next round tries again
    }
    let stale = client.query(STALE, &[&STEP_PERIODS]).await?;
    let periods = stale.iter().map(|row| row.try_get(0)).collect::<Result<Vec<i64>, _>>()?;
    let marks = stale.iter().map(|row| row.try_get(1)).collect::<Result<Vec<i64>, _>>()?;
    let (Some(first), Some(last)) = (periods.first(), periods.last()) else { return Ok(false) };
    replace(client, &periods, (*first, last + 1)).await?;
    client.execute(DONE, &[&periods, &marks]).await?;
    Ok(true)
}

/// Replaces the sums of the stale `periods`, which are between `first` and `end`.
async fn replace(client: &Client, periods: &[i64], (first, end): (i64, i64)) -> Result<(), PgError> {
    let time = |second: i64| Timestamp::from_second(second).unwrap_or_default();
    let (since, until) = (time(first * PERIOD_SECONDS), time(end * PERIOD_SECONDS));
    let low = first_id(time(first * PERIOD_SECONDS - CLOCK_SLACK));
    let high = first_id(time(end * PERIOD_SECONDS + CLOCK_SLACK));
    for statement in CLEAR {
        client.execute(statement, &[&periods]).await?;
    }
    let [requests, usages, tools] =
        [period_requests, period_usages, period_tools].map(|sums| sums(Dialect::Postgres, MATCHES));
    let totals = format!(
        "INSERT INTO aibridge_totals WITH \
         r ({KEY}, requests, ended, duration_ms) AS ({requests}), \
         u ({KEY}, input_tokens, output_tokens, cache_read_input_tokens, cache_write_input_tokens, cost_nano_usd, \
         unpriced) AS ({usages}) \
         SELECT {KEY}, r.requests, r.ended, r.duration_ms, coalesce(u.input_tokens, 0), coalesce(u.output_tokens, 0), \
         coalesce(u.cache_read_input_tokens, 0), coalesce(u.cache_write_input_tokens, 0), u.cost_nano_usd, \
         coalesce(u.unpriced, 0) FROM r LEFT JOIN u USING ({KEY})"
    );
    let tools = format!("INSERT INTO aibridge_totals_tools {tools}");
    for statement in [totals, tools] {
        client.execute(&statement, &[&periods, &low, &high, &since, &until]).await?;
    }
    Ok(())
}
