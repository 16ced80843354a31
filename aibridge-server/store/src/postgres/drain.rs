//! The task that stores spooled records in the database.

use super::error::PgError;
use super::reconnecting::Reconnecting;
use super::rows::Rows;
use super::spool::Spool;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};

/// Time limit for storing one batch.
const LIMIT: Duration = Duration::from_secs(30);

/// Interval between warnings while the spool cannot be drained.
const REMINDER: Duration = Duration::from_secs(60);

/// Pause after a failed read of the spool.
const PAUSE: Duration = Duration::from_secs(1);

/// Stores spooled records in order. Never returns.
pub(super) async fn run(spool: Spool, mut connection: Reconnecting) {
    loop {
        spool.wait_nonempty().await;
        let (mut drained, mut reminded) = (0, Instant::now());
        while !spool.is_empty() {
            connection.backoff().await;
            let batch = match spool.peek().await {
                Ok(batch) => batch,
                Err(error) => {
                    tracing::error!(%error, "cannot read the spool; will retry");
                    sleep(PAUSE).await;
                    continue;
                }
            };
            if let Err(error) = store(&mut connection, &batch.jobs.iter().collect::<Vec<_>>()).await {
                if reminded.elapsed() >= REMINDER {
                    let bytes = spool.bytes();
                    tracing::warn!(%error, bytes, "cannot drain the spool yet; will retry");
                    reminded = Instant::now();
                }
                continue;
            }
            drained += batch.jobs.len();
            if let Err(error) = spool.remove(batch).await {
                tracing::error!(%error, "cannot remove a file of the spool");
            }
        }
        connection.release();
        tracing::info!(drained, "the spool is drained: all records are in the database");
    }
}

async fn store(connection: &mut Reconnecting, rows: &[&Rows]) -> Result<(), PgError> {
    let session = connection.session().await?;
    let written = timeout(LIMIT, session.write(rows)).await.unwrap_or(Err(PgError::TimedOut(LIMIT)));
    match &written {
        Ok(_) => connection.mark_healthy(),
        Err(error) => connection.mark_failed(error),
    }
    written.map(drop) // conflicting rows were logged; a retry would conflict again
}
