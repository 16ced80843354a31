use std::sync::atomic::{AtomicU64, Ordering};

/// What came of one key so far. Only requests that are over have an answer, and some answers are none of these.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct KeyCounts {
    /// How often it was offered to a walk.
    pub requests: u64,
    /// Answers that accepted it.
    pub successes: u64,
    /// 429s, but those for lack of credit.
    pub rate_limited: u64,
    /// 402s, and 429s for lack of credit.
    pub quota: u64,
    /// 401s, whether they named the key or not, and other answers that named it.
    pub rejected: u64,
    /// 403s.
    pub forbidden: u64,
}

/// The counts while they grow.
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
    fn each_key_counts_for_itself_in_every_pool_that_has_it() {
        let pool = KeyPool::new(vec!["sk-a".into(), "sk-b".into()], quanta::Clock::mock().0).expect("a pool");
        let mut walk = pool.walk();
        let (a, b) = (walk.next_key().expect("a"), walk.next_key().expect("b"));
        let renewed = pool.renewed(vec!["sk-b".into(), "sk-c".into()]).expect("a pool");
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
        assert_eq!(counts(&renewed), [of_b, KeyCounts::default()]);
    }
}
