//! A connection that is opened on demand and again after a failure, with a backoff between attempts.

use crate::connector::Connector;
use crate::error::PgError;
use crate::session::Session;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// First and longest pause between two attempts.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// A connection that is opened on demand, and again after it was lost.
pub(super) struct Reconnecting {
    connector: Arc<Connector>,
    session: Option<Arc<Session>>,
    backoff: Option<Backoff>,
}

/// The pause before the next attempt.
struct Backoff {
    until: Instant,
    pause: Duration,
    reason: String,
}

impl Reconnecting {
    pub(super) fn new(connector: Arc<Connector>, session: Option<Session>) -> Self {
        Self { connector, session: session.map(Arc::new), backoff: None }
    }

    /// The connection, opened if needed. Fails with [`PgError::Backoff`] during the backoff.
    pub(super) async fn session(&mut self) -> Result<Arc<Session>, PgError> {
        if let Some(session) = self.session.as_ref().filter(|session| !session.client.is_closed()) {
            return Ok(session.clone());
        }
        self.session = None;
        if let Some(backoff) = self.backoff.as_ref().filter(|backoff| Instant::now() < backoff.until) {
            return Err(PgError::Backoff(backoff.reason.clone()));
        }
        match self.connector.connect().await {
            Ok(session) => {
                let session = Arc::new(session);
                self.session = Some(session.clone());
                Ok(session)
            }
            Err(error) => {
                self.mark_failed(&error);
                Err(error)
            }
        }
    }

    /// Ends the backoff: the database works, through this connection or another.
    pub(super) fn mark_healthy(&mut self) {
        self.backoff = None;
    }

    /// Drops the connection after a failure, and doubles the backoff.
    pub(super) fn mark_failed(&mut self, error: &PgError) {
        self.session = None;
        let pause =
            self.backoff.as_ref().map_or(FIRST_PAUSE, |backoff| (backoff.pause * 2).min(LONGEST_PAUSE));
        let reason = error.to_string();
        self.backoff = Some(Backoff { until: Instant::now() + pause, pause, reason });
    }

    /// Drops the connection; the next use opens it again.
    pub(super) fn release(&mut self) {
        self.session = None;
    }

    /// Whether `session` is the current connection.
    pub(super) fn is_current(&self, session: &Arc<Session>) -> bool {
        self.session.as_ref().is_some_and(|own| Arc::ptr_eq(own, session))
    }
}
