//! The settings of a listener, which a reload may replace.

use rustls::ServerConfig;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

/// The most bytes of a response that wait for the client, for each HTTP/1 connection or HTTP/2 stream.
pub(crate) const WRITE_BUFFER: usize = 128 * 1024;

/// Returns the settings in force.
pub type CurrentSettings = Arc<dyn Fn() -> Arc<ListenerSettings> + Send + Sync>;

/// The settings that a connection keeps from its beginning to its end.
#[derive(Debug, Clone)]
pub struct ListenerSettings {
    /// The bounds of every connection.
    pub bounds: ConnectionBounds,
    /// `Some` if client connections use TLS.
    pub tls: Option<Arc<ServerConfig>>,
}

/// The bounds of connections, from the sections `[limits]` and `[server]` of the settings.
#[derive(Debug, Clone, Copy)]
pub struct ConnectionBounds {
    /// The most open client connections; `None` means unlimited.
    pub max_connections: Option<NonZeroU32>,
    /// The longest head of a request, in bytes.
    pub max_header_bytes: usize,
    /// The time for a head from its first byte, and for a new connection until the end of its first head.
    pub header_timeout: Duration,
    /// The longest idle time of a connection between two requests.
    pub keep_alive: Duration,
}

impl From<&aibridge_config::Config> for ConnectionBounds {
    fn from(config: &aibridge_config::Config) -> Self {
        let aibridge_config::Limits { max_connections, max_header_bytes, header_timeout, .. } = config.limits;
        Self { max_connections, max_header_bytes, header_timeout, keep_alive: config.server.keep_alive }
    }
}
