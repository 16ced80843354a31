use super::error::PgError;
use super::reconnecting::Reconnecting;
use super::rows::Rows;
use super::spool::Spool;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};

/// How long the database may take for a batch.
const LIMIT: Duration = Duration::from_secs(30);

/// How often it is said that the database is still away, and why.
const REMINDER: Duration = Duration::from_secs(60);

/// How long a disk that fails is left alone.
const PAUSE: Duration = Duration::from_secs(1);

/// Stores what waits in the spool, in order, as long as it is polled.
pub(super) async fn run(spool: Spool, mut connection: Reconnecting) {
    loop {
        spool.wait_nonempty().await;
        let (mut drained, mut reminded) = (0, Instant::now());
        while !spool.is_empty() {
            connection.backoff().await;
            let batch = match spool.peek().await {
                Ok(batch) => batch,
                Err(error) => {
                    tracing::error!(%error, "the spool cannot be read");
                    sleep(PAUSE).await;
                    continue;
                }
            };
            if let Err(error) = store(&mut connection, &batch.jobs.iter().collect::<Vec<_>>()).await {
                if reminded.elapsed() >= REMINDER {
                    let bytes = spool.bytes();
                    tracing::warn!(%error, bytes, "the spool cannot be drained yet");
                    reminded = Instant::now();
                }
                continue;
            }
            drained += batch.jobs.len();
            if let Err(error) = spool.remove(batch).await {
                tracing::error!(%error, "a file of the spool cannot be removed");
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
    written.map(drop) // what contradicts what is stored was logged, and will do so forever
}
