use super::error::PgError;
use super::link::Link;
use super::rows::Rows;
use super::spool::Spool;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};

/// How long the database may take for a draught.
const LIMIT: Duration = Duration::from_secs(30);

/// How often it is said that the database is still away, and why.
const REMINDER: Duration = Duration::from_secs(60);

/// How long a disk that fails is left alone.
const PAUSE: Duration = Duration::from_secs(1);

/// Stores what waits in the spool, in order, as long as it is polled.
pub(super) async fn run(spool: Spool, mut link: Link) {
    loop {
        spool.filled().await;
        let (mut drained, mut reminded) = (0, Instant::now());
        while !spool.is_empty() {
            link.rested().await;
            let draught = match spool.draw().await {
                Ok(draught) => draught,
                Err(error) => {
                    tracing::error!(%error, "the spool cannot be read");
                    sleep(PAUSE).await;
                    continue;
                }
            };
            if let Err(trouble) = store(&mut link, &draught.jobs.iter().collect::<Vec<_>>()).await {
                if reminded.elapsed() >= REMINDER {
                    let bytes = spool.bytes();
                    tracing::warn!(error = %trouble, bytes, "the spool cannot be drained yet");
                    reminded = Instant::now();
                }
                continue;
            }
            drained += draught.jobs.len();
            if let Err(error) = spool.remove(draught).await {
                tracing::error!(%error, "a file of the spool cannot be removed");
            }
        }
        link.release();
        tracing::info!(drained, "the spool is drained: all records are in the database");
    }
}

async fn store(link: &mut Link, rows: &[&Rows]) -> Result<(), PgError> {
    let session = link.session().await?;
    let written = timeout(LIMIT, session.write(rows)).await.unwrap_or(Err(PgError::Silent(LIMIT)));
    match &written {
        Ok(_) => link.worked(),
        Err(trouble) => link.failed(trouble),
    }
    written.map(drop) // what contradicts what is stored was logged, and will do so forever
}
