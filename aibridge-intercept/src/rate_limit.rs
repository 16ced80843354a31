//! How the gateway says that somebody asks too much, in the words of the OpenAI API: clients read its headers, and some
//! (Codex) the time in its message.

use http::{HeaderMap, HeaderName, HeaderValue};
use std::fmt;
use std::time::Duration;

const RETRY_AFTER_MS: HeaderName = HeaderName::from_static("retry-after-ms");

/// An actor has used up what the settings allow in a minute.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "Rate limit reached for {actor} on {exceeded}, Requested 1. Please try again in {}. This is a limit of the gateway, not of the provider.",
    wait(*retry_after)
)]
pub struct RateLimited {
    /// Who.
    pub actor: String,
    /// Until the next request is admitted.
    pub retry_after: Duration,
    /// What is used up.
    pub exceeded: Allowance,
    /// What else the settings limit.
    pub beside: Option<Allowance>,
}

/// What an actor may use, and has used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// Of what.
    pub unit: Unit,
    /// What may be used in a minute.
    pub limit: u32,
    /// What is used; more than the limit if it was overdrawn.
    pub used: u64,
    /// Until nothing of it counts any more.
    pub reset: Duration,
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Requests.
    Requests,
    /// Tokens, of input and output.
    Tokens,
}

impl Unit {
    /// `requests` or `tokens`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::Tokens => "tokens",
        }
    }

    fn per_minute(self) -> &'static str {
        match self {
            Self::Requests => "RPM",
            Self::Tokens => "TPM",
        }
    }

    /// Of the limit, of what remains of it, and of the time until all of it is there again.
    fn headers(self) -> [HeaderName; 3] {
        match self {
            Self::Requests => [
                HeaderName::from_static("x-ratelimit-limit-requests"),
                HeaderName::from_static("x-ratelimit-remaining-requests"),
                HeaderName::from_static("x-ratelimit-reset-requests"),
            ],
            Self::Tokens => [
                HeaderName::from_static("x-ratelimit-limit-tokens"),
                HeaderName::from_static("x-ratelimit-remaining-tokens"),
                HeaderName::from_static("x-ratelimit-reset-tokens"),
            ],
        }
    }
}

impl fmt::Display for Allowance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { unit, limit, used, .. } = self;
        write!(f, "{} per min ({}): Limit {limit}, Used {used}", unit.as_str(), unit.per_minute())
    }
}

impl RateLimited {
    /// Adds what clients read, but for `Retry-After`.
    pub(crate) fn add_headers(&self, headers: &mut HeaderMap) {
        headers.insert(RETRY_AFTER_MS, milliseconds(self.retry_after).into());
        for Allowance { unit, limit, used, reset } in [self.exceeded].into_iter().chain(self.beside) {
            let [of_limit, of_remaining, of_reset] = unit.headers();
            headers.insert(of_limit, limit.into());
            headers.insert(of_remaining, u64::from(limit).saturating_sub(used).into());
            if let Ok(reset) = HeaderValue::try_from(go_duration(reset)) {
                headers.insert(of_reset, reset);
            }
        }
    }
}

/// Rounded up, so that a client never comes too early.
fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}

/// `20ms` or `1.3s`: a number and one of these units is all that Codex reads, so longer times have no minutes.
fn wait(duration: Duration) -> String {
    match milliseconds(duration) {
        short @ ..1000 => format!("{short}ms"),
        long => format!("{}s", seconds(long)),
    }
}

/// As Go writes a duration, and so OpenAI in `x-ratelimit-reset-*`: `20ms`, `1.3s`, `6m0s`, `1h0m0s`.
fn go_duration(duration: Duration) -> String {
    const MINUTE: u64 = 60_000;
    let all = milliseconds(duration);
    let (minutes, rest) = (all / MINUTE, all % MINUTE);
    match (minutes / 60, minutes % 60) {
        (0, 0) if (1..1000).contains(&rest) => format!("{rest}ms"),
        (0, 0) => format!("{}s", seconds(rest)),
        (0, minutes) => format!("{minutes}m{}s", seconds(rest)),
        (hours, minutes) => format!("{hours}h{minutes}m{}s", seconds(rest)),
    }
}

/// Without zeros behind the point.
fn seconds(milliseconds: u64) -> String {
    let (whole, rest) = (milliseconds / 1000, milliseconds % 1000);
    if rest == 0 { whole.to_string() } else { format!("{whole}.{rest:03}").trim_end_matches('0').to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_written_as_clients_read_them() {
        let table = [
            (0, "0ms", "0s"),
            (1, "1ms", "1ms"),
            (1_000_000, "1ms", "1ms"),
            (19_000_001, "20ms", "20ms"),
            (999_000_001, "1s", "1s"),
            (1_300_000_000, "1.3s", "1.3s"),
            (1_005_000_000, "1.005s", "1.005s"),
            (20_000_000_000, "20s", "20s"),
            (60_000_000_000, "60s", "1m0s"),
            (75_120_000_000, "75.12s", "1m15.12s"),
            (360_000_000_000, "360s", "6m0s"),
            (3_600_000_000_000, "3600s", "1h0m0s"),
            (90_061_000_000_000, "90061s", "25h1m1s"),
        ];
        for (nanoseconds, in_message, in_header) in table {
            let duration = Duration::from_nanos(nanoseconds);
            assert_eq!((wait(duration).as_str(), go_duration(duration).as_str()), (in_message, in_header));
        }
    }

    #[test]
    fn the_message_has_what_clients_look_for() {
        let exceeded =
            Allowance { unit: Unit::Tokens, limit: 100, used: 130, reset: Duration::from_secs(78) };
        let retry_after = Duration::from_millis(18_600);
        let limited = RateLimited { actor: "ann".into(), retry_after, exceeded, beside: None };
        assert_eq!(
            limited.to_string(),
            "Rate limit reached for ann on tokens per min (TPM): Limit 100, Used 130, Requested 1. \
             Please try again in 18.6s. This is a limit of the gateway, not of the provider."
        );
    }
}
