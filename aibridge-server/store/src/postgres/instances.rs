//! Statements on `aibridge_instances`: heartbeats, and the interceptions that dead instances left open.
//! [`super::heartbeat`] decides when they run.

use super::error::PgError;
use std::time::Duration;
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
pub(super) async fn close_orphans(client: &Client, stale_after: Duration) -> Result<u64, PgError> {
    let closed = client.execute(CLOSE, &[&stale_after.as_secs_f64()]).await?;
    client.execute(FORGET, &[]).await?;
    Ok(closed)
}
