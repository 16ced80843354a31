use super::error::PgError;
use super::link::Link;
use super::owners;
use crate::StoreError;
use crate::retention::{Batch, Found, Old, Sweeps};
use jiff::Timestamp;
use std::time::Duration;
use tokio::time::{Instant, timeout};
use tokio_postgres::{Client, Row};
use uuid::Uuid;

/// How many interceptions one statement looks at.
const LOOK: i64 = 1000;

/// How many interceptions a transaction deletes, at first and at most: as many more or fewer as make it take about so
/// long. What belongs to them may be megabytes for each.
const FIRST_BATCH: usize = 64;
const LARGEST_BATCH: usize = 512;
const TAKES: Duration = Duration::from_millis(50);

/// How long the database may take for a batch.
const LIMIT: Duration = Duration::from_secs(30);

/// Names our advisory lock, under which one gateway at a time deletes: "aibs".
const LOCK: i64 = 0x6169_6273;

const NOW: &str = "SELECT now()";
/// By clocks of gateways, and by that of the database when it was made or migrated.
const LAST_SIGN: &str = "SELECT greatest((SELECT max(applied_at) FROM aibridge_schema), \
    (SELECT started_at FROM aibridge_interceptions ORDER BY id DESC LIMIT 1))";
const FIND: &str = "SELECT id, started_at < $3 AND ended_at IS NOT NULL FROM aibridge_interceptions \
    WHERE id > $1 AND id < $2 ORDER BY id LIMIT $4";
/// For this transaction only, so that it goes with the connection, and with one that hangs.
const IS_FREE: &str = "SELECT pg_try_advisory_xact_lock($1)";
/// Rows that a writer holds are left for the next sweep.
const DELETE: &str = "DELETE FROM aibridge_interceptions WHERE id IN ( \
    SELECT id FROM aibridge_interceptions WHERE id = ANY ($1) AND ended_at IS NOT NULL AND started_at < $2 \
    FOR UPDATE SKIP LOCKED)";

/// Finds and deletes old interceptions, on a connection of its own that lasts as long as a sweep.
pub(crate) struct PostgresSweeps {
    link: Link,
    batch: usize,
}

impl PostgresSweeps {
    pub(super) fn new(link: Link) -> Self {
        Self { link, batch: FIRST_BATCH }
    }

    /// The time, by the clock of the database.
    pub(crate) async fn now(&mut self) -> Result<Timestamp, StoreError> {
        self.ask(async |client| Ok(client.query_one(NOW, &[]).await?.try_get(0)?)).await
    }

    /// The latest time that is known to have come.
    pub(crate) async fn last_sign(&mut self) -> Result<Option<Timestamp>, StoreError> {
        self.ask(async |client| Ok(client.query_one(LAST_SIGN, &[]).await?.try_get(0)?)).await
    }

    async fn ask<T>(
        &mut self,
        question: impl AsyncFnOnce(&Client) -> Result<T, PgError>,
    ) -> Result<T, StoreError> {
        let session = self.link.session().await.map_err(|trouble| StoreError::from(&trouble))?;
        let answer = timeout(LIMIT, question(&session.client)).await;
        let answer = answer.unwrap_or(Err(PgError::Silent(LIMIT)));
        match &answer {
            Ok(_) => self.link.worked(),
            Err(trouble) => self.link.failed(trouble),
        }
        answer.map_err(|trouble| StoreError::from(&trouble))
    }

    /// Makes the next batch take as long as one should.
    fn adapt(&mut self, took: Duration, succeeded: bool) {
        if took > TAKES * 2 || !succeeded {
            self.batch = (self.batch / 2).max(1);
        } else if took < TAKES / 2 {
            self.batch = (self.batch * 2).min(LARGEST_BATCH);
        }
    }
}

impl Sweeps for PostgresSweeps {
    type Id = Uuid;

    /// It only competes with records: a fifth of the time.
    const REST: u32 = 4;

    async fn find(&mut self, after: Option<&Uuid>, old: Old) -> Result<Found<Uuid>, StoreError> {
        let (after, below) = (after.copied().unwrap_or_default(), old.below().unwrap_or(Uuid::max()));
        let rows = self
            .ask(async |client| Ok(client.query(FIND, &[&after, &below, &old.before, &LOOK]).await?))
            .await?;
        let is_old = |row: &Row| Ok((row.try_get(0)?, row.try_get(1)?));
        let looked_at: Result<Vec<(Uuid, bool)>, tokio_postgres::Error> = rows.iter().map(is_old).collect();
        let looked_at = looked_at.map_err(|error| StoreError::from(&PgError::from(error)))?;
        let last = looked_at.last().filter(|_| looked_at.len() as i64 == LOOK).map(|(id, _)| *id);
        let old = looked_at.iter().filter_map(|(id, is_old)| is_old.then_some(*id)).collect();
        Ok(Found { old, last })
    }

    async fn delete(&mut self, ids: &[Uuid], old: Old) -> Result<Batch, StoreError> {
        let ids = &ids[..ids.len().min(self.batch)];
        let began = Instant::now();
        let deleted = self.ask(async |client| alone(client, delete(client, ids, old.before)).await).await;
        self.adapt(began.elapsed(), deleted.is_ok());
        Ok(match deleted? {
            Some(deleted) => Batch::Done { done: ids.len(), deleted },
            None => Batch::Elsewhere,
        })
    }

    const OWNERS: u64 = owners::BATCH;

    async fn delete_owners(&mut self, old: Old) -> Result<Batch, StoreError> {
        let deleted =
            self.ask(async |client| alone(client, owners::delete(client, old.before)).await).await?;
        Ok(match deleted {
            Some(deleted) => Batch::Done { done: 1, deleted },
            None => Batch::Elsewhere,
        })
    }

    fn release(&mut self) {
        self.link.release();
    }
}

/// What `deletion` does in a transaction of its own; `None` if another gateway is deleting.
async fn alone(
    client: &Client,
    deletion: impl Future<Output = Result<u64, PgError>>,
) -> Result<Option<u64>, PgError> {
    client.batch_execute("BEGIN").await?;
    if !client.query_one(IS_FREE, &[&LOCK]).await?.try_get::<_, bool>(0)? {
        client.batch_execute("ROLLBACK").await?;
        return Ok(None);
    }
    let deleted = deletion.await?;
    client.batch_execute("COMMIT").await?;
    Ok(Some(deleted))
}

/// How many of these interceptions were still old, and are deleted.
async fn delete(client: &Client, ids: &[Uuid], before: Timestamp) -> Result<u64, PgError> {
    Ok(client.execute(DELETE, &[&ids, &before]).await?)
}
