//! The settings and providers in force, which a reload replaces as a whole.

use crate::providers::Providers;
use aibridge_accounting::Accounting;
use aibridge_admission::auth::Authenticator;
use aibridge_admission::origin::OriginPolicy;
use aibridge_admission::route;
use aibridge_intercept::ErrorFormat;
use aibridge_limits::RequestLimits;
use aibridge_listen::{CurrentSettings, ListenerSettings};
use arc_swap::ArcSwap;
use std::sync::Arc;
use std::time::Duration;

/// The settings and providers in force at one moment. A request uses one snapshot to its end.
pub struct RuntimeSnapshot {
    /// The providers, with their keys and connections.
    pub providers: Providers,
    /// Finds the actor of a request.
    pub authenticator: Authenticator,
    /// The rules for requests of web pages.
    pub origin_policy: OriginPolicy,
    /// Whether clients may bring their own provider keys.
    pub byok_enabled: bool,
    /// Limits requests in flight, and the requests and tokens per minute of each actor.
    pub limits: RequestLimits,
    /// Prices responses, and admits requests within budgets.
    pub accounting: Accounting,
    /// The longest request body, in bytes, before and after decompression.
    pub max_body_bytes: usize,
    /// The time that open responses may continue after the gateway begins to stop.
    pub shutdown_grace: Duration,
    /// The bounds and the certificate of new connections.
    pub listener: Arc<ListenerSettings>,
    /// The age at which interceptions are deleted; `None` keeps them.
    pub retention: Option<Duration>,
}

impl RuntimeSnapshot {
    /// Returns the format of errors for `path`.
    pub fn error_format(&self, path: &str) -> ErrorFormat {
        route::error_format(self.providers.all(), path)
    }
}

/// Holds the [`RuntimeSnapshot`] in force. Clones share it.
#[derive(Clone)]
pub struct RuntimeConfig(Arc<ArcSwap<RuntimeSnapshot>>);

impl RuntimeConfig {
    /// Creates a holder of `first`.
    pub fn new(first: RuntimeSnapshot) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(first)))
    }

    /// Returns the snapshot in force.
    pub fn load(&self) -> Arc<RuntimeSnapshot> {
        self.0.load_full()
    }

    /// Puts `next` in force, from the next request on.
    pub fn replace(&self, next: RuntimeSnapshot) {
        self.0.store(Arc::new(next));
    }

    /// Returns a function that loads the listener settings in force.
    pub fn listener_settings(&self) -> CurrentSettings {
        let runtime_config = self.clone();
        Arc::new(move || runtime_config.load().listener.clone())
    }
}
