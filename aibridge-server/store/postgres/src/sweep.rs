//! The PostgreSQL part of a sweep.

use crate::error::PgError;
use crate::owners;
use crate::reconnecting::Reconnecting;
use aibridge_store_core::StoreError;
use aibridge_store_core::retention::{DeleteOutcome, Expired, ScanPage, SweepBackend};
use jiff::Timestamp;
use std::time::Duration;
use tokio::time::{Instant, timeout};
use tokio_postgres::{Client, Row};
use uuid::Uuid;

/// Number of interceptions that one statement scans.
const SCAN_ROWS: i64 = 1000;

/// First and largest number of interceptions that one transaction deletes, and the duration to which the number is
/// adapted. The rows of one interception may be megabytes.
const FIRST_BATCH: usize = 64;
const LARGEST_BATCH: usize = 512;
const TARGET_DURATION: Duration = Duration::from_millis(50);

/// Time limit for a batch.
const LIMIT: Duration = Duration::from_secs(30);

/// Key of the advisory lock under which one instance at a time deletes: "aibs".
const LOCK: i64 = 0x6169_6273;

const NOW: &str = "SELECT now()";
/// The start of the newest interception, by the clocks of gateways, or the last migration, by the clock of the database,
/// whichever is later.
const LAST_ACTIVITY: &str = "SELECT greatest((SELECT max(applied_at) FROM aibridge_schema), \
    (SELECT started_at FROM aibridge_interceptions ORDER BY id DESC LIMIT 1))";
const FIND: &str = "SELECT id, started_at < $3 AND ended_at IS NOT NULL FROM aibridge_interceptions \
    WHERE id > $1 AND id < $2 ORDER BY id LIMIT $4";
/// The lock is held by the transaction, so that it is released with the connection.
const TRY_LOCK: &str = "SELECT pg_try_advisory_xact_lock($1)";
/// Rows that a writer has locked are left for the next sweep.
const DELETE: &str = "DELETE FROM aibridge_interceptions WHERE id IN ( \
    SELECT id FROM aibridge_interceptions WHERE id = ANY ($1) AND ended_at IS NOT NULL AND started_at < $2 \
    FOR UPDATE SKIP LOCKED)";

/// Scans and deletes on a connection of its own, which is open during a sweep.
pub struct PostgresSweepBackend {
    connection: Reconnecting,
    batch: usize,
}

impl PostgresSweepBackend {
    pub(super) fn new(connection: Reconnecting) -> Self {
        Self { connection, batch: FIRST_BATCH }
    }

    /// The time of the database.
    pub async fn now(&mut self) -> Result<Timestamp, StoreError> {
        self.run(async |client| Ok(client.query_one(NOW, &[]).await?.try_get(0)?)).await
    }

    /// The latest time with evidence in the database.
    pub async fn last_activity(&mut self) -> Result<Option<Timestamp>, StoreError> {
        self.run(async |client| Ok(client.query_one(LAST_ACTIVITY, &[]).await?.try_get(0)?)).await
    }

    async fn run<T>(
        &mut self,
        request: impl AsyncFnOnce(&Client) -> Result<T, PgError>,
    ) -> Result<T, StoreError> {
        let session = self.connection.session().await.map_err(|error| StoreError::from(&error))?;
        let result = timeout(LIMIT, request(&session.client)).await;
        let result = result.unwrap_or(Err(PgError::TimedOut(LIMIT)));
        match &result {
            Ok(_) => self.connection.mark_healthy(),
            Err(error) => self.connection.mark_failed(error),
        }
        result.map_err(|error| StoreError::from(&error))
    }

    /// Adapts the size of the next batch to [`TARGET_DURATION`].
    fn adapt(&mut self, took: Duration, succeeded: bool) {
        if took > TARGET_DURATION * 2 || !succeeded {
            self.batch = (self.batch / 2).max(1);
        } else if took < TARGET_DURATION / 2 {
            self.batch = (self.batch * 2).min(LARGEST_BATCH);
        }
    }
}

impl SweepBackend for PostgresSweepBackend {
    type Id = Uuid;

    /// A sweep competes with records for the server: it uses a fifth of the time.
    const PAUSE_FACTOR: u32 = 4;

    async fn scan(&mut self, after: Option<&Uuid>, expired: Expired) -> Result<ScanPage<Uuid>, StoreError> {
        let (after, below) = (after.copied().unwrap_or_default(), expired.id_bound().unwrap_or(Uuid::max()));
        let rows = self
            .run(async |client| {
                Ok(client.query(FIND, &[&after, &below, &expired.before, &SCAN_ROWS]).await?)
            })
            .await?;
        let is_old = |row: &Row| Ok((row.try_get(0)?, row.try_get(1)?));
        let scanned: Result<Vec<(Uuid, bool)>, tokio_postgres::Error> = rows.iter().map(is_old).collect();
        let scanned = scanned.map_err(|error| StoreError::from(&PgError::from(error)))?;
        let last = scanned.last().filter(|_| scanned.len() as i64 == SCAN_ROWS).map(|(id, _)| *id);
        let expired = scanned.iter().filter_map(|(id, is_old)| is_old.then_some(*id)).collect();
        Ok(ScanPage { expired, last })
    }

    async fn delete(&mut self, ids: &[Uuid], expired: Expired) -> Result<DeleteOutcome, StoreError> {
        let ids = &ids[..ids.len().min(self.batch)];
        let began = Instant::now();
        let deleted = self
            .run(async |client| with_lock(client, delete_expired(client, ids, expired.before)).await)
            .await;
        self.adapt(began.elapsed(), deleted.is_ok());
        Ok(match deleted? {
            Some(deleted) => DeleteOutcome::Done { done: ids.len(), deleted },
            None => DeleteOutcome::OtherInstance,
        })
    }

    const OWNER_BATCH: u64 = owners::BATCH;

    async fn delete_owners(&mut self, expired: Expired) -> Result<DeleteOutcome, StoreError> {
        let deleted =
            self.run(async |client| with_lock(client, owners::delete(client, expired.before)).await).await?;
        Ok(match deleted {
            Some(deleted) => DeleteOutcome::Done { done: 1, deleted },
            None => DeleteOutcome::OtherInstance,
        })
    }

    fn release(&mut self) {
        self.connection.release();
    }
}

/// Runs `deletion` in a transaction of its own, under the advisory lock; `None` if another instance holds it.
async fn with_lock(
    client: &Client,
    deletion: impl Future<Output = Result<u64, PgError>>,
) -> Result<Option<u64>, PgError> {
    client.batch_execute("BEGIN").await?;
    if !client.query_one(TRY_LOCK, &[&LOCK]).await?.try_get::<_, bool>(0)? {
        client.batch_execute("ROLLBACK").await?;
        return Ok(None);
    }
    let deleted = deletion.await?;
    client.batch_execute("COMMIT").await?;
    Ok(Some(deleted))
}

/// Deletes those of the interceptions that are still expired, and returns their number.
async fn delete_expired(client: &Client, ids: &[Uuid], before: Timestamp) -> Result<u64, PgError> {
    Ok(client.execute(DELETE, &[&ids, &before]).await?)
}
