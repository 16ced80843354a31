use serde_json::{Value, json};
use std::time::Duration;

/// What was measured.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) elapsed: Duration,
    pub(super) exchanges: Vec<Exchange>,
}

/// One request and its answer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Exchange {
    /// Until the first byte of the answer's body.
    pub(super) first_byte: Duration,
    /// Until its end.
    pub(super) whole: Duration,
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
            "latency_us": quantiles(|exchange| exchange.whole),
            "first_byte_us": quantiles(|exchange| exchange.first_byte),
        })
    }
}
