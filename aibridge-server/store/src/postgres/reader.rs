use super::error::PgError;
use super::link::Link;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::timeout;
use tokio_postgres::Client;

/// A connection that many may ask at once.
pub(super) struct Reader {
    link: Mutex<Link>,
    limit: Duration,
}

impl Reader {
    /// `limit` is how long an answer may take.
    pub(super) fn new(link: Link, limit: Duration) -> Self {
        Self { link: Mutex::new(link), limit }
    }

    /// Asks what `question` asks.
    pub(super) async fn ask<T>(
        &self,
        question: impl AsyncFnOnce(&Client) -> Result<T, PgError>,
    ) -> Result<T, PgError> {
        let silent = |_| PgError::Silent(self.limit);
        let session = timeout(self.limit, async { self.link.lock().await.session().await });
        let session = session.await.map_err(silent)??;
        let answer = timeout(self.limit, question(&session.client)).await.unwrap_or_else(|e| Err(silent(e)));
        let mut link = self.link.lock().await;
        match &answer {
            Err(trouble) if link.is(&session) => link.failed(trouble),
            Ok(_) => link.worked(),
            Err(_) => {}
        }
        answer
    }
}
