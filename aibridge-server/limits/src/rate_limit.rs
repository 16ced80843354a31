//! The response to an actor that exceeds a limit, in the format of the OpenAI API: clients read the headers, and some
//! (Codex) the time in the message.

use http::{HeaderName, HeaderValue};
use std::fmt;
use std::time::Duration;

const RETRY_AFTER_MS: HeaderName = HeaderName::from_static("retry-after-ms");

/// An actor has used up the allowance of the settings for a minute.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "Rate limit reached for {actor} on {exceeded}, Requested 1. Please try again in {}. This is a limit of the gateway, not of the provider.",
    wait(*retry_after)
)]
pub struct RateLimited {
    /// The id of the actor.
    pub actor: String,
    /// The time until the next request is admitted.
    pub retry_after: Duration,
    /// The allowance that is used up.
    pub exceeded: Allowance,
    /// The other allowance, if the settings limit both requests and tokens.
    pub other: Option<Allowance>,
}

/// The allowance of an actor, and its use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// The unit that is counted.
    pub unit: Unit,
    /// The limit per minute.
    pub limit: u32,
    /// The amount used. It may exceed the limit, because a response's tokens are counted at its end.
    pub used: u64,
    /// The time until the whole allowance is available again.
    pub reset: Duration,
}

/// The unit of an allowance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Requests of an actor.
    Requests,
    /// Input and output tokens.
    Tokens,
}

impl Unit {
    /// The name: `requests` or `tokens`.
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

    /// The names of the headers for the limit, the remaining amount, and the time until the reset.
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
    /// Adds the headers that clients read, except `Retry-After`.
    pub(crate) fn add_headers(&self, headers: &mut Vec<(HeaderName, HeaderValue)>) {
        headers.push((RETRY_AFTER_MS, milliseconds(self.retry_after).into()));
        for Allowance { unit, limit, used, reset } in [self.exceeded].into_iter().chain(self.other) {
            let [limit_name, remaining_name, reset_name] = unit.headers();
            headers.push((limit_name, limit.into()));
            headers.push((remaining_name, u64::from(limit).saturating_sub(used).into()));
            if let Ok(reset) = HeaderValue::try_from(go_duration(reset)) {
                headers.push((reset_name, reset));
            }
        }
    }
}

/// The duration in milliseconds, rounded up, so that a client does not retry too early.
fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}

/// The duration as `20ms` or `1.3s`. Codex reads a number with one of these units, so longer times have no minutes.
fn wait(duration: Duration) -> String {
    match milliseconds(duration) {
        short @ ..1000 => format!("{short}ms"),
        long => format!("{}s", seconds(long)),
    }
}

/// The duration in Go's format, which OpenAI uses in `x-ratelimit-reset-*`: `20ms`, `1.3s`, `6m0s`, `1h0m0s`.
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

/// The duration in seconds, without trailing zeros.
fn seconds(milliseconds: u64) -> String {
    let (whole, rest) = (milliseconds / 1000, milliseconds % 1000);
    if rest == 0 { whole.to_string() } else { format!("{whole}.{rest:03}").trim_end_matches('0').to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_durations_as_clients_read_them() {
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
    fn the_message_has_the_format_that_clients_parse() {
        let exceeded =
            Allowance { unit: Unit::Tokens, limit: 100, used: 130, reset: Duration::from_secs(78) };
        let retry_after = Duration::from_millis(18_600);
        let limited = RateLimited { actor: "ann".into(), retry_after, exceeded, other: None };
        assert_eq!(
            limited.to_string(),
            "Rate limit reached for ann on tokens per min (TPM): Limit 100, Used 130, Requested 1. \
             Please try again in 18.6s. This is a limit of the gateway, not of the provider."
        );
    }
}
