//! A connection, with the prepared statements that write records if it is used for that.

use crate::error::PgError;
use crate::statements::Statements;
use aibridge_store_core::Batch;
use tokio::sync::OnceCell;
use tokio_postgres::Client;
use uuid::Uuid;

/// A connection to a database with the latest schema.
pub(super) struct Session {
    pub(super) client: Client,
    statements: OnceCell<Statements>,
}

impl Session {
    pub(super) fn new(client: Client) -> Self {
        Self { client, statements: OnceCell::new() }
    }

    /// Writes the batch and the position: in one transaction of their own if `commits`, and otherwise in the open one.
    ///
    /// Everything is sent before the first response arrives, the COMMIT included: one round trip, whatever is in the batch.
    /// After an error the server rolls back instead.
    pub(super) async fn write(
        &self,
        batch: &Batch,
        journal: Uuid,
        position: Option<u64>,
        commits: bool,
    ) -> Result<(), PgError> {
        let statements = self.statements.get_or_try_init(|| Statements::prepare(&self.client)).await?;
        let writing = statements.write(&self.client, batch, journal, position);
        if !commits {
            return writing.await;
        }
        let (begin, commit) = (self.client.batch_execute("BEGIN"), self.client.batch_execute("COMMIT"));
        let (begun, written, committed) = tokio::join!(biased; begin, writing, commit);
        begun?;
        written?;
        Ok(committed?)
    }
}
