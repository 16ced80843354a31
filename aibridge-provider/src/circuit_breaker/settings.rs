//! The settings of a circuit breaker.

use std::time::Duration;

/// The settings of a circuit breaker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CircuitBreakerSettings {
    /// The number of consecutive failures that opens a circuit.
    pub failure_threshold: u32,
    /// The time after which a closed circuit resets its count of failures.
    pub interval: Duration,
    /// The time for which a circuit stays open.
    pub timeout: Duration,
    /// The number of concurrent probes of a half-open circuit, and of the consecutive successes that close it.
    pub max_requests: u32,
    /// The response statuses that count as failures.
    pub failure_statuses: Vec<u16>,
}

impl Default for CircuitBreakerSettings {
    fn default() -> Self {
        Self {
            failure_threshold: 5,
            interval: Duration::from_secs(10),
            timeout: Duration::from_secs(30),
            max_requests: 3,
            failure_statuses: vec![500, 502, 503, 504, 529],
        }
    }
}
