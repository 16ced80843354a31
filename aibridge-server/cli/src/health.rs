//! `aibridge health`: requests `/readyz` of the gateway on this machine, for the health checks of containers.

use crate::local_gateway::{get, local_address, plain_listener};
use aibridge_config::Config;
use std::io;
use std::net::SocketAddr;

/// An error that makes the health check fail.
#[derive(Debug, thiserror::Error)]
pub enum HealthError {
    /// The configured port is 0, so the port of the running gateway is unknown.
    #[error("the port of the gateway is unknown: set server.listen or admin.listen to a port other than 0")]
    UnknownPort,
    /// The only listener needs TLS.
    #[error("server.listen accepts TLS only: set admin.listen, which is plain HTTP, for health checks")]
    TlsOnly,
    /// The gateway does not accept the connection or sends no response in time.
    #[error("the gateway at {0} does not respond: {1}")]
    NoResponse(SocketAddr, io::Error),
    /// The gateway responds that it is not ready. Holds the response body.
    #[error("the gateway at {0} is not ready: {1}")]
    NotReady(SocketAddr, String),
}

/// Checks that the gateway with these settings is ready: on `admin.listen` if it is set, otherwise on `server.listen`.
///
/// # Errors
///
/// Returns an error if no plain listener is known, if there is no response within two seconds, or if the response is not 200.
pub fn check(config: &Config) -> Result<(), HealthError> {
    let listener = plain_listener(config).ok_or(HealthError::TlsOnly)?;
    if listener.port() == 0 {
        return Err(HealthError::UnknownPort);
    }
    let address = local_address(listener);
    let response = get(address, "/readyz", None).map_err(|error| HealthError::NoResponse(address, error))?;
    if response.status() == 200 {
        return Ok(());
    }
    let reason = if response.body.is_empty() { response.head } else { response.body };
    Err(HealthError::NotReady(address, reason.trim().escape_debug().to_string()))
}
