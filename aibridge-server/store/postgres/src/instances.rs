//! Statements on `aibridge_instances`: heartbeats, and the interceptions that crashed instances left open.
//! [`crate::heartbeat`] decides when they run.

use crate::error::PgError;
use std::time::Duration;
use tokio_postgres::Client;
use uuid::Uuid;

const BEAT: &str = "INSERT INTO aibridge_instances (id) VALUES ($1) \
    ON CONFLICT (id) DO UPDATE SET heartbeat_at = now()";
const LEAVE: &str = "DELETE FROM aibridge_instances WHERE id = $1";
const FORGET: &str = "DELETE FROM aibridge_instances WHERE heartbeat_at < now() - interval '1 day'";

/// Several instances may find the same orphans: each skips the rows that another one is closing. All times are those
/// of the database.
const CLOSE: &str = "UPDATE aibridge_interceptions \
    SET outcome = 'failed', error_type = 'gateway_crash', ended_at = date_trunc('milliseconds', now()) \
    WHERE id IN ( \
        SELECT i.id FROM aibridge_interceptions i WHERE i.ended_at IS NULL AND NOT EXISTS ( \
            SELECT FROM aibridge_instances n \
            WHERE n.id = i.instance_id AND n.heartbeat_at > now() - make_interval(secs => $1) \
        ) FOR UPDATE OF i SKIP LOCKED)";

/// No condition on other instances is needed: before they close interceptions, they check that the instance is silent.
const CLOSE_OWN: &str = "UPDATE aibridge_interceptions \
    SET outcome = 'failed', error_type = 'gateway_crash', ended_at = date_trunc('milliseconds', now()) \
    WHERE instance_id = $1 AND ended_at IS NULL";

/// Closes the open interceptions of `instance`, which has just started, and returns their number.
pub(super) async fn close_own_orphans(client: &Client, instance: Uuid) -> Result<u64, PgError> {
    let closed = client.execute(CLOSE_OWN, &[&instance]).await?;
    if closed > 0 {
        tracing::warn!(closed, "the last gateway crashed with open interceptions; they are closed as failed");
    }
    Ok(closed)
}

/// Writes a heartbeat of `instance`.
pub(super) async fn beat(client: &Client, instance: Uuid) -> Result<(), PgError> {
    client.execute(BEAT, &[&instance]).await?;
    Ok(())
}

/// Removes `instance`, which writes no more records.
pub(super) async fn leave(client: &Client, instance: Uuid) -> Result<(), PgError> {
    client.execute(LEAVE, &[&instance]).await?;
    Ok(())
}

/// Closes the open interceptions of crashed instances, and returns their number.
pub(super) async fn close_orphans(client: &Client, stale_after: Duration) -> Result<u64, PgError> {
    let closed = client.execute(CLOSE, &[&stale_after.as_secs_f64()]).await?;
    client.execute(FORGET, &[]).await?;
    Ok(closed)
}
