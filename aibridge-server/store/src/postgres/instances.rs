use super::error::PgError;
use super::reader::Reader;
use crate::Heartbeat;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep};
use tokio_postgres::Client;
use uuid::Uuid;

const BEAT: &str = "INSERT INTO aibridge_instances (id) VALUES ($1) \
    ON CONFLICT (id) DO UPDATE SET heartbeat_at = now()";
const LEAVE: &str = "DELETE FROM aibridge_instances WHERE id = $1";
const FORGET: &str = "DELETE FROM aibridge_instances WHERE heartbeat_at < now() - interval '1 day'";

/// Several instances may find the same dead: the rows that one is closing are skipped by the others, and are closed
/// when these look again. All time is the database's.
const CLOSE: &str = "UPDATE aibridge_interceptions \
    SET outcome = 'failed', error_type = 'gateway_crash', ended_at = date_trunc('milliseconds', now()) \
    WHERE id IN ( \
        SELECT i.id FROM aibridge_interceptions i WHERE i.ended_at IS NULL AND NOT EXISTS ( \
            SELECT FROM aibridge_instances n \
            WHERE n.id = i.instance_id AND n.heartbeat_at > now() - make_interval(secs => $1) \
        ) FOR UPDATE OF i SKIP LOCKED)";

/// Tells all others that `instance` lives.
pub(super) async fn beat(client: &Client, instance: Uuid) -> Result<(), PgError> {
    client.execute(BEAT, &[&instance]).await?;
    Ok(())
}

/// Tells all others that `instance` will write nothing more.
pub(super) async fn leave(client: &Client, instance: Uuid) -> Result<(), PgError> {
    client.execute(LEAVE, &[&instance]).await?;
    Ok(())
}

/// Closes what dead instances left open, and returns how many interceptions that were.
async fn close_orphans(client: &Client, stale_after: Duration) -> Result<u64, PgError> {
    let closed = client.execute(CLOSE, &[&stale_after.as_secs_f64()]).await?;
    client.execute(FORGET, &[]).await?;
    Ok(closed)
}

/// Beats as long as it is polled, and closes what the dead left open.
///
/// After the database was away, or the network to it, everybody's heartbeat is old. So nobody is taken for dead before
/// this instance could beat for as long as the others have to be silent.
pub(super) async fn live(reader: Arc<Reader>, instance: Uuid, heartbeat: Heartbeat) {
    let Heartbeat { every, stale_after } = heartbeat;
    let mut beating_since = None;
    loop {
        let beaten = reader.ask(async |client| beat(client, instance).await).await;
        let since = *beating_since.get_or_insert_with(Instant::now);
        let looked = match beaten {
            Ok(()) if since.elapsed() >= stale_after => {
                reader.ask(async |client| close_orphans(client, stale_after).await).await
            }
            other => other.map(|()| 0),
        };
        match looked {
            Ok(0) => {}
            Ok(closed) => {
                tracing::warn!(
                    closed,
                    "another gateway died with interceptions open; they are closed as failed"
                )
            }
            Err(error) => {
                tracing::debug!(%error, "no heartbeat");
                beating_since = None;
            }
        }
        sleep(every).await;
    }
}
