//! The measured times of a run, and their quantiles.

use serde_json::{Value, json};
use std::time::Duration;

/// The measurements of a run.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) elapsed: Duration,
    pub(super) exchanges: Vec<Exchange>,
}

/// The times of one request and its response.
#[derive(Debug, Clone, Copy)]
pub(super) struct Exchange {
    /// The time to the first byte of the response body.
    pub(super) first_byte: Duration,
    /// The time to the end of the response.
    pub(super) total: Duration,
}

impl Tally {
    pub(super) fn to_json(&self) -> Value {
        let quantiles = |of: fn(&Exchange) -> Duration| {
            let mut times: Vec<Duration> = self.exchanges.iter().map(of).collect();
            times.sort_unstable();
            let at = |share: f64| {
                times.get((times.len() as f64 * share) as usize).map(|time| time.as_secs_f64() * 1e6)
            };
            json!({"p50": at(0.5), "p99": at(0.99)})
        };
        json!({
            "requests": self.exchanges.len(),
            "seconds": self.elapsed.as_secs_f64(),
            "latency_us": quantiles(|exchange| exchange.total),
            "first_byte_us": quantiles(|exchange| exchange.first_byte),
        })
    }
}
