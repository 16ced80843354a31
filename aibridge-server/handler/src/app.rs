//! The state that all request handlers share.

use crate::isolation::Isolation;
use crate::runtime_config::RuntimeConfig;
use aibridge_intercept::{Error, Gateway};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// The state that all request handlers share.
pub struct App {
    /// The settings and providers in force.
    pub runtime_config: RuntimeConfig,
    /// Relays requests and records them.
    pub gateway: Gateway,
    /// Keeps actors from using each other's objects.
    pub isolation: Arc<Isolation>,
    /// Cancelled when the gateway stops: new requests are refused.
    pub stopping: CancellationToken,
}

impl App {
    /// Waits for `work`, and stops waiting when the gateway cuts open responses.
    ///
    /// # Errors
    ///
    /// [`Error::ShuttingDown`] if that comes first.
    pub async fn unless_cut<T>(&self, work: impl Future<Output = T>) -> Result<T, Error> {
        tokio::select! {
            biased;
            done = work => Ok(done),
            () = self.gateway.abort.cancelled() => Err(Error::ShuttingDown),
        }
    }
}
