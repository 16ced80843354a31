//! The connection of the projector.

use crate::error::PgError;
use crate::instances;
use crate::reconnecting::Reconnecting;
use crate::session::Session;
use aibridge_projector::{Sink, SinkError};
use aibridge_store_core::{Batch, StoreError};
use async_trait::async_trait;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;
use tokio_postgres::Client;
use uuid::Uuid;

/// Time limit for a transaction of the projector. No request waits for it, so it leaves room for a slow server: the
/// statements of a transaction have 30 s each.
const LIMIT: Duration = Duration::from_secs(60);

const POSITION: &str = "SELECT position FROM aibridge_journal_positions WHERE journal_id = $1";

/// The only connection that writes records.
pub(crate) struct PostgresSink {
    connection: Reconnecting,
}

impl PostgresSink {
    pub(super) fn new(connection: Reconnecting) -> Self {
        Self { connection }
    }

    /// Writes a row to each table that requests write to, and takes it back.
    pub(super) async fn probe(&mut self) -> Result<(), StoreError> {
        let (_, records) = aibridge_projector::probe::records();
        let batch = Batch::of_records(records);
        let probed = self
            .run(async |session| {
                session.client.batch_execute("BEGIN").await?;
                let written = session.write(&batch, Uuid::nil(), None, false).await;
                session.client.batch_execute("ROLLBACK").await?;
                written
            })
            .await;
        probed.map_err(|error| StoreError::Database(error.to_string()))
    }

    /// Runs `work` on the connection, and drops the connection after a failure, unless the content of a record caused it.
    async fn run<T>(
        &mut self,
        work: impl AsyncFnOnce(&Arc<Session>) -> Result<T, PgError>,
    ) -> Result<T, PgError> {
        self.connection.mark_healthy(); // the projector has its own pauses
        let session = self.connection.session().await?;
        let result = timeout(LIMIT, work(&session)).await.unwrap_or(Err(PgError::TimedOut(LIMIT)));
        match &result {
            Err(error) if !error.is_conflict() => self.connection.mark_failed(error),
            _ => {}
        }
        result
    }
}

/// The sequence number of the last projected frame of a journal; 0 if there is none.
pub(super) async fn position(client: &Client, journal: Uuid) -> Result<u64, PgError> {
    let row = client.query_opt(POSITION, &[&journal]).await?;
    let position: Option<i64> = row.map(|row| row.try_get(0)).transpose()?;
    Ok(position.map_or(0, i64::cast_unsigned))
}

#[async_trait]
impl Sink for PostgresSink {
    async fn position(&mut self, journal: Uuid) -> Result<u64, SinkError> {
        Ok(self.run(async |session| position(&session.client, journal).await).await?)
    }

    async fn apply(&mut self, batch: &Batch, journal: Uuid, position: Option<u64>) -> Result<(), SinkError> {
        Ok(self.run(async |session| session.write(batch, journal, position, true).await).await?)
    }

    async fn close_orphans(&mut self, journal: Uuid) -> Result<u64, SinkError> {
        Ok(self.run(async |session| instances::close_own_orphans(&session.client, journal).await).await?)
    }
}

impl From<PgError> for SinkError {
    fn from(error: PgError) -> Self {
        if error.is_conflict() {
            Self::Content(error.to_string())
        } else {
            Self::Unavailable(error.to_string())
        }
    }
}
