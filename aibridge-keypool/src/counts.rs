//! Counts of the reports about one key.

use std::sync::atomic::{AtomicU64, Ordering};

/// The counts of the reports about one key. Their sum may be less than `requests`: requests in flight have no report,
/// and some responses have none of these kinds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct KeyCounts {
    /// The number of times that a walk offered the key.
    pub requests: u64,
    /// Responses that show that the provider accepted the key.
    pub successes: u64,
    /// Responses with 429, except those for lack of credit.
    pub rate_limited: u64,
    /// Responses with 402, or with 429 for lack of credit.
    pub quota: u64,
    /// Responses with 401, and other responses that reject the key by name.
    pub rejected: u64,
    /// Responses with 403.
    pub forbidden: u64,
}

/// The counters behind [`KeyCounts`].
#[derive(Debug, Default)]
pub(crate) struct Counters {
    requests: AtomicU64,
    successes: AtomicU64,
    rate_limited: AtomicU64,
    quota: AtomicU64,
    rejected: AtomicU64,
    forbidden: AtomicU64,
}

impl Counters {
    pub(crate) fn offered(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn succeeded(&self) {
        self.successes.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn rate_limited(&self) {
        self.rate_limited.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn out_of_quota(&self) {
        self.quota.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn rejected(&self) {
        self.rejected.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn forbidden(&self) {
        self.forbidden.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn read(&self) -> KeyCounts {
        KeyCounts {
            requests: self.requests.load(Ordering::Relaxed),
            successes: self.successes.load(Ordering::Relaxed),
            rate_limited: self.rate_limited.load(Ordering::Relaxed),
            quota: self.quota.load(Ordering::Relaxed),
            rejected: self.rejected.load(Ordering::Relaxed),
            forbidden: self.forbidden.load(Ordering::Relaxed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::KeyPool;

    #[test]
    fn pools_share_the_counts_of_their_common_keys() {
        let pool = KeyPool::new(vec!["sk-a".into(), "sk-b".into()], quanta::Clock::mock().0).expect("a pool");
        let mut walk = pool.walk();
        let (a, b) = (walk.next_key().expect("a"), walk.next_key().expect("b"));
        let replacement = pool.with_keys(vec!["sk-b".into(), "sk-c".into()]).expect("a pool");
        a.rate_limited(None);
        b.forbidden();
        b.rejected();
        b.out_of_quota();
        b.unauthorized();
        b.request_too_large();
        b.succeeded();
        let counts = |pool: &KeyPool| pool.statuses().iter().map(|status| status.counts).collect::<Vec<_>>();
        let of_a = KeyCounts { requests: 1, rate_limited: 1, ..KeyCounts::default() };
        let of_b =
            KeyCounts { requests: 1, successes: 1, rejected: 2, forbidden: 1, rate_limited: 1, quota: 1 };
        assert_eq!(counts(&pool), [of_a, of_b]);
        assert_eq!(counts(&replacement), [of_b, KeyCounts::default()]);
    }
}
