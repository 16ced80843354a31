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
pub(super) struct Link {
    connector: Arc<Connector>,
    session: Option<Arc<Session>>,
    trouble: Option<Rest>,
}

/// The time between two tries.
struct Rest {
    until: Instant,
    pause: Duration,
    why: String,
}

impl Link {
    pub(super) fn new(connector: Arc<Connector>, session: Option<Session>) -> Self {
        Self { connector, session: session.map(Arc::new), trouble: None }
    }

    /// The connection. While the database rests from a failure, it is not asked.
    pub(super) async fn session(&mut self) -> Result<Arc<Session>, PgError> {
        if let Some(session) = self.session.as_ref().filter(|session| !session.client.is_closed()) {
            return Ok(session.clone());
        }
        self.session = None;
        if let Some(rest) = self.trouble.as_ref().filter(|rest| Instant::now() < rest.until) {
            return Err(PgError::Resting(rest.why.clone()));
        }
        match self.connector.connect().await {
            Ok(session) => {
                let session = Arc::new(session);
                self.session = Some(session.clone());
                Ok(session)
            }
            Err(trouble) => {
                self.failed(&trouble);
                Err(trouble)
            }
        }
    }

    /// The database does what it is asked to, through this connection or another: it need not rest.
    pub(super) fn worked(&mut self) {
        self.trouble = None;
    }

    /// It did not: it is given up, and the next one waits a little longer.
    pub(super) fn failed(&mut self, trouble: &PgError) {
        self.session = None;
        let pause = self.trouble.as_ref().map_or(FIRST_PAUSE, |rest| (rest.pause * 2).min(LONGEST_PAUSE));
        let why = trouble.to_string();
        self.trouble = Some(Rest { until: Instant::now() + pause, pause, why });
    }

    /// Gives the connection up for now.
    pub(super) fn release(&mut self) {
        self.session = None;
    }

    /// Whether `session` is still the connection, and nobody has given it up yet.
    pub(super) fn is(&self, session: &Arc<Session>) -> bool {
        self.session.as_ref().is_some_and(|own| Arc::ptr_eq(own, session))
    }

    /// Waits until the database may be asked again.
    pub(super) async fn rested(&self) {
        if let Some(rest) = &self.trouble {
            sleep_until(rest.until).await;
        }
    }
}
