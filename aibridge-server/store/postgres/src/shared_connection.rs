//! A connection for concurrent queries.

use crate::error::PgError;
use crate::reconnecting::Reconnecting;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::timeout;
use tokio_postgres::Client;

/// A connection that many tasks use concurrently; the driver pipelines their queries.
pub(super) struct SharedConnection {
    connection: Mutex<Reconnecting>,
    limit: Duration,
}

impl SharedConnection {
    /// `limit` bounds the time of each query.
    pub(super) fn new(connection: Reconnecting, limit: Duration) -> Self {
        Self { connection: Mutex::new(connection), limit }
    }

    /// Runs `request` on the connection, and drops the connection if it fails.
    pub(super) async fn run<T>(
        &self,
        request: impl AsyncFnOnce(&Client) -> Result<T, PgError>,
    ) -> Result<T, PgError> {
        let timed_out = |_| PgError::TimedOut(self.limit);
        let session = timeout(self.limit, async { self.connection.lock().await.session().await });
        let session = session.await.map_err(timed_out)??;
        let result =
            timeout(self.limit, request(&session.client)).await.unwrap_or_else(|e| Err(timed_out(e)));
        let mut connection = self.connection.lock().await;
        match &result {
            Err(error) if connection.is_current(&session) => connection.mark_failed(error),
            Ok(_) => connection.mark_healthy(),
            Err(_) => {}
        }
        result
    }
}
