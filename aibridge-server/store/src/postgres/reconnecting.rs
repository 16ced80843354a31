use super::connector::Connector;
use super::error::PgError;
use super::session::Session;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// How long a database that could not be reached is left alone, at first and at most.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// A connection that is made when it is needed, and made again when it was lost.
pub(super) struct Reconnecting {
    connector: Arc<Connector>,
    session: Option<Arc<Session>>,
    backoff: Option<Backoff>,
}

/// The time between two tries.
struct Backoff {
    until: Instant,
    pause: Duration,
    reason: String,
}

impl Reconnecting {
    pub(super) fn new(connector: Arc<Connector>, session: Option<Session>) -> Self {
        Self { connector, session: session.map(Arc::new), backoff: None }
    }

    /// The connection. While the database rests from a failure, it is not asked.
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

    /// The database does what it is asked to, through this connection or another: it need not backoff.
    pub(super) fn mark_healthy(&mut self) {
        self.backoff = None;
    }

    /// It did not: it is given up, and the next one waits a little longer.
    pub(super) fn mark_failed(&mut self, error: &PgError) {
        self.session = None;
        let pause =
            self.backoff.as_ref().map_or(FIRST_PAUSE, |backoff| (backoff.pause * 2).min(LONGEST_PAUSE));
        let reason = error.to_string();
        self.backoff = Some(Backoff { until: Instant::now() + pause, pause, reason });
    }

    /// Gives the connection up for now.
    pub(super) fn release(&mut self) {
        self.session = None;
    }

    /// Whether `session` is still the connection, and nobody has given it up yet.
    pub(super) fn is_current(&self, session: &Arc<Session>) -> bool {
        self.session.as_ref().is_some_and(|own| Arc::ptr_eq(own, session))
    }

    /// Waits until the database may be asked again.
    pub(super) async fn backoff(&self) {
        if let Some(backoff) = &self.backoff {
            sleep_until(backoff.until).await;
        }
    }
}
