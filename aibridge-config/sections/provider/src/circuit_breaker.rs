//! `[provider.circuit_breaker]`: the circuit breaker of a provider.

use aibridge_values::duration::RawDuration;
use aibridge_values::integer::RawInteger;
use aibridge_values::report::Report;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The settings of a circuit breaker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CircuitBreaker {
    /// The number of consecutive failures that opens a circuit; at least 1.
    pub failure_threshold: u32,
    /// The time after which a closed circuit resets its count of failures; not zero.
    pub interval: Duration,
    /// The time for which a circuit stays open; not zero.
    pub timeout: Duration,
    /// The number of concurrent probes of a half-open circuit, and of the consecutive successes that close it; at least 1.
    pub max_requests: u32,
    /// The response statuses that count as failures: at least one, all distinct, from 400 to 599.
    pub failure_statuses: Vec<u16>,
}

/// The mirror of `[provider.circuit_breaker]`.
#[derive(Deserialize, Serialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub(crate) struct RawCircuitBreaker {
    failure_threshold: RawInteger,
    interval: RawDuration,
    timeout: RawDuration,
    max_requests: RawInteger,
    failure_statuses: Vec<RawInteger>,
}

impl Default for RawCircuitBreaker {
    fn default() -> Self {
        Self {
            failure_threshold: RawInteger::new(5),
            interval: RawDuration::from_secs(10),
            timeout: RawDuration::from_secs(30),
            max_requests: RawInteger::new(3),
            failure_statuses: [500, 502, 503, 504, 529].map(RawInteger::new).into(),
        }
    }
}

impl From<&CircuitBreaker> for RawCircuitBreaker {
    fn from(breaker: &CircuitBreaker) -> Self {
        let statuses = breaker.failure_statuses.iter();
        Self {
            failure_threshold: RawInteger::new(breaker.failure_threshold),
            interval: breaker.interval.into(),
            timeout: breaker.timeout.into(),
            max_requests: RawInteger::new(breaker.max_requests),
            failure_statuses: statuses.map(|&status| RawInteger::new(status.into())).collect(),
        }
    }
}

pub(crate) fn resolve(raw: &RawCircuitBreaker, at: &str, report: &mut Report<'_>) -> Option<CircuitBreaker> {
    let failure_threshold = report.keep(&format!("{at}.failure_threshold"), raw.failure_threshold.positive());
    let interval = report.keep(&format!("{at}.interval"), raw.interval.positive());
    let timeout = report.keep(&format!("{at}.timeout"), raw.timeout.positive());
    let max_requests = report.keep(&format!("{at}.max_requests"), raw.max_requests.positive());
    let failure_statuses = statuses(&raw.failure_statuses, &format!("{at}.failure_statuses"), report);
    Some(CircuitBreaker {
        failure_threshold: failure_threshold?,
        interval: interval?,
        timeout: timeout?,
        max_requests: max_requests?,
        failure_statuses: failure_statuses?,
    })
}

fn statuses(raw: &[RawInteger], at: &str, report: &mut Report<'_>) -> Option<Vec<u16>> {
    if raw.is_empty() {
        report.problem(at, "is empty, so that no response counts as a failure; write e.g. [500, 503]".into());
        return None;
    }
    let mut statuses: Vec<u16> = Vec::new();
    for (index, status) in raw.iter().enumerate() {
        let status = error_status(status.get()).and_then(|status| {
            let is_duplicate = statuses.contains(&status);
            if is_duplicate {
                Err(format!("{status} is a duplicate; remove one of them"))
            } else {
                Ok(status)
            }
        });
        statuses.extend(report.keep(&format!("{at}[{index}]"), status));
    }
    (statuses.len() == raw.len()).then_some(statuses)
}

fn error_status(number: u32) -> Result<u16, String> {
    match u16::try_from(number) {
        Ok(401 | 429) => Err(format!(
            "{number} makes a key cool, so it cannot count as a failure of the provider; remove it"
        )),
        Ok(status @ 400..=599) => Ok(status),
        _ => Err(format!("{number} is not an error status; write one from 400 to 599")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_have_an_error_status() {
        for status in [400, 403, 408, 500, 529, 599] {
            assert_eq!(error_status(status).map(u32::from), Ok(status));
        }
        for number in [0, 99, 200, 399, 600, 65_936, u32::MAX] {
            assert!(error_status(number).is_err_and(|message| message.contains("is not an error status")));
        }
        for status in [401, 429] {
            assert!(error_status(status).is_err_and(|message| message.contains("makes a key cool")));
        }
    }
}
