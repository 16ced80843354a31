use aibridge_intercept::Error;
use parking_lot::Mutex;
use quanta::{Clock, Instant};
use std::collections::BTreeMap;
use std::time::Duration;

/// How often a limit that refuses requests is worth a line.
const WARN_EVERY: Duration = Duration::from_secs(60);

/// Tells operators of refusals, without a flood of lines.
pub(super) struct Told {
    clock: Clock,
    limits: Mutex<BTreeMap<&'static str, Refused>>,
}

/// What one limit has refused since the last line.
#[derive(Debug, Default)]
struct Refused {
    requests: u64,
    warned_at: Option<Instant>,
}

impl Told {
    pub(super) fn new(clock: Clock) -> Self {
        Self { clock, limits: Mutex::default() }
    }

    /// A limit has refused a request with `error`.
    pub(super) fn refused(&self, error: &Error) {
        let Some(limit) = error.limit() else { return };
        let due = self.limits.lock().entry(limit).or_default().add(self.clock.now());
        if let Some(refused) = due {
            tracing::warn!(limit, refused, last = %error, "a limit of the settings refuses requests");
        }
    }
}

impl Refused {
    /// How many requests to tell of, if it is time to.
    fn add(&mut self, now: Instant) -> Option<u64> {
        self.requests += 1;
        if self.warned_at.is_some_and(|warned_at| now.duration_since(warned_at) < WARN_EVERY) {
            return None;
        }
        self.warned_at = Some(now);
        Some(std::mem::take(&mut self.requests))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_refused_is_told_of_once_a_minute() {
        let (clock, time) = Clock::mock();
        let mut refused = Refused::default();
        let told = [0, 5, 54, 1, 59, 1].map(|seconds| {
            time.increment(Duration::from_secs(seconds));
            refused.add(clock.now())
        });
        assert_eq!(told, [Some(1), None, None, Some(3), None, Some(2)]);
    }
}
