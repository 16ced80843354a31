//! The two steps in which a listener and its connections end.

use tokio_util::sync::CancellationToken;

/// The signals that end a listener and its connections, in this order.
#[derive(Debug, Clone)]
pub struct ShutdownSignals {
    /// Cancelled when new requests are refused.
    pub stopping: CancellationToken,
    /// Cancelled when all responses are complete, so that open connections may close.
    pub close: CancellationToken,
}
