//! The errors that keep a gateway from starting, or a reload from being applied.

use aibridge_handler::providers::ProvidersError;
use aibridge_metrics::MetricsError;
use aibridge_store::StoreError;
use std::io;
use std::net::SocketAddr;

/// The reason why a gateway cannot start, or why a reload is refused.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A socket cannot be bound.
    #[error("cannot listen on {address}: {source}: choose another with {setting}")]
    Listen {
        /// The address of the socket.
        address: SocketAddr,
        /// The flag or setting that changes the address.
        setting: &'static str,
        /// The error of the operating system.
        source: io::Error,
    },
    /// Metrics cannot be registered.
    #[error("cannot set up metrics: {0}")]
    Metrics(#[from] MetricsError),
    /// The store cannot be opened.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The TLS settings cannot be used.
    #[error("cannot set up TLS: {0}")]
    Tls(#[from] rustls::Error),
    /// The providers cannot be created.
    #[error(transparent)]
    Providers(#[from] ProvidersError),
}
