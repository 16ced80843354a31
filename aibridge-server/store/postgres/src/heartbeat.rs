//! The task that writes this instance's heartbeat and closes the interceptions of crashed instances.

use crate::instances;
use crate::shared_connection::SharedConnection;
use aibridge_store_core::Heartbeat;
use std::sync::Arc;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

/// Writes heartbeats and closes orphans. Never returns.
///
/// After an outage of the database or the network, all heartbeats are old. Therefore an instance counts as crashed
/// only after this instance has written heartbeats for `stale_after`.
pub(super) async fn run(shared: Arc<SharedConnection>, instance: Uuid, heartbeat: Heartbeat) {
    let Heartbeat { every, stale_after } = heartbeat;
    let mut beating_since = None;
    loop {
        let beaten = shared.run(async |client| instances::beat(client, instance).await).await;
        let since = *beating_since.get_or_insert_with(Instant::now);
        let looked = match beaten {
            Ok(()) if since.elapsed() >= stale_after => {
                shared.run(async |client| instances::close_orphans(client, stale_after).await).await
            }
            other => other.map(|()| 0),
        };
        match looked {
            Ok(0) => {}
            Ok(closed) => {
                tracing::warn!(
                    closed,
                    "another gateway crashed with open interceptions; they are closed as failed"
                )
            }
            Err(error) => {
                tracing::debug!(%error, "could not write the heartbeat; will retry");
                beating_since = None;
            }
        }
        sleep(every).await;
    }
}
