use crate::pool::Slot;
use crate::{CoolingReason, Key, KeyPool, KeyState};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// One upstream call's walk over the keys of a pool.
#[derive(Debug)]
pub struct Walker {
    pool: KeyPool,
    /// The first key that was not looked at yet.
    next: usize,
    /// Keys whose cooldown is over, but which another walk tries first.
    tried_by_another: VecDeque<usize>,
    /// Whether a key that this walk was offered answered 429.
    rate_limited: Arc<AtomicBool>,
}

/// Why a walk has no key left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exhausted {
    /// A key is cooling for a rate limit, or was rate-limited during this walk, however briefly.
    RateLimited {
        /// The smallest remaining cooldown of all cooling keys, whatever they cool for; zero if none does
        /// any more.
        retry_after: Duration,
    },
    /// No rate limit is to blame: the provider refused every key.
    Rejected,
}

impl Walker {
    pub(crate) fn new(pool: KeyPool) -> Self {
        Self { pool, next: 0, tried_by_another: VecDeque::new(), rate_limited: Arc::default() }
    }

    /// The next valid key in the pool's order, each at most once. A key that cools when its turn comes is
    /// passed over for good. One whose cooldown is over, but which another walk tries just now, comes after all others:
    /// nobody is refused because of that.
    pub fn next_key(&mut self) -> Option<Key> {
        let now = self.pool.now();
        let is_valid = |slot: &Slot| slot.cooldowns.lock().state(now) == KeyState::Valid;
        while let Some(slot) = self.pool.slots().get(self.next) {
            let index = self.next;
            self.next += 1;
            if is_valid(slot) {
                if slot.probation.lock().admits(now) {
                    return Some(self.offer(index));
                }
                self.tried_by_another.push_back(index);
            }
        }
        while let Some(index) = self.tried_by_another.pop_front() {
            if is_valid(&self.pool.slots()[index]) {
                return Some(self.offer(index));
            }
        }
        None
    }

    fn offer(&self, index: usize) -> Key {
        self.pool.slots()[index].counters.offered();
        Key::new(self.pool.clone(), index, Arc::clone(&self.rate_limited))
    }

    /// What it means that [`next_key`](Self::next_key) returned `None`.
    pub fn exhausted(&self) -> Exhausted {
        let now = self.pool.now();
        let mut rate_limited = self.rate_limited.load(Ordering::Relaxed);
        let mut soonest: Option<Duration> = None;
        for slot in self.pool.slots() {
            if let KeyState::Cooling { reason, remaining } = slot.cooldowns.lock().state(now) {
                rate_limited |= reason == CoolingReason::RateLimited;
                soonest = Some(soonest.map_or(remaining, |soonest| soonest.min(remaining)));
            }
        }
        if rate_limited {
            Exhausted::RateLimited { retry_after: soonest.unwrap_or_default() }
        } else {
            Exhausted::Rejected
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use quanta::{Clock, Mock};
    use secrecy::ExposeSecret;

    fn pool(keys: &[&str]) -> (KeyPool, Arc<Mock>) {
        let (clock, time) = Clock::mock();
        (KeyPool::new(keys.iter().map(|&key| key.into()).collect(), clock).expect("a pool"), time)
    }

    fn rest(walk: &mut Walker) -> Vec<String> {
        std::iter::from_fn(|| walk.next_key()).map(|key| key.secret().expose_secret().to_owned()).collect()
    }

    fn seconds(seconds: u64) -> Option<Duration> {
        Some(Duration::from_secs(seconds))
    }

    fn rate_limited(retry_after: u64) -> Exhausted {
        Exhausted::RateLimited { retry_after: Duration::from_secs(retry_after) }
    }

    #[test]
    fn every_walk_starts_from_the_first_key() {
        let (pool, _) = pool(&["a", "b", "c"]);
        for _ in 0..2 {
            let mut walk = pool.walk();
            assert_eq!(rest(&mut walk), ["a", "b", "c"]);
            assert!(walk.next_key().is_none(), "the end is the end");
        }
    }

    #[test]
    fn a_cooling_key_is_passed_over_until_it_is_over() {
        let (pool, time) = pool(&["a", "b", "c"]);
        pool.walk().next_key().expect("a").rate_limited(seconds(20));
        assert_eq!(rest(&mut pool.walk()), ["b", "c"]);
        time.increment(Duration::from_secs(20));
        assert_eq!(rest(&mut pool.walk()), ["a", "b", "c"]);
    }

    #[test]
    fn one_walk_tries_a_key_before_the_rest_follow() {
        let (pool, time) = pool(&["a", "b"]);
        pool.walk().next_key().expect("a").rate_limited(seconds(20));
        time.increment(Duration::from_secs(20));
        let trial = pool.walk().next_key().expect("a");
        assert_eq!(rest(&mut pool.walk()), ["b", "a"], "better it than none");
        trial.succeeded();
        assert_eq!(rest(&mut pool.walk()), ["a", "b"]);
    }

    #[test]
    fn a_trial_that_is_never_told_ends() {
        let (pool, time) = pool(&["a", "b"]);
        pool.walk().next_key().expect("a").rejected();
        time.increment(Duration::from_secs(60));
        pool.walk().next_key().expect("a");
        time.increment(Duration::from_secs(10));
        assert_eq!(rest(&mut pool.walk()), ["a", "b"], "this one tries it again");
        assert_eq!(rest(&mut pool.walk()), ["b", "a"]);
    }

    #[test]
    fn a_key_that_fails_its_trial_is_tried_by_one_again() {
        let (pool, time) = pool(&["a", "b"]);
        for _ in 0..2 {
            pool.walk().next_key().expect("a").rate_limited(seconds(20));
            assert_eq!(rest(&mut pool.walk()), ["b"]);
            time.increment(Duration::from_secs(20));
        }
        pool.walk().next_key().expect("a");
        assert_eq!(rest(&mut pool.walk()), ["b", "a"]);
    }

    #[test]
    fn another_walks_news_counts_at_once() {
        let (pool, _) = pool(&["a", "b", "c"]);
        let mut walk = pool.walk();
        walk.next_key().expect("a");
        pool.walk().nth(1).rejected();
        assert_eq!(rest(&mut walk), ["c"]);
    }

    #[test]
    fn a_key_is_offered_once_even_if_its_cooldown_ends_during_the_walk() {
        let (pool, time) = pool(&["a", "b"]);
        let mut walk = pool.walk();
        walk.next_key().expect("a").rate_limited(seconds(1));
        time.increment(Duration::from_secs(2));
        assert_eq!(rest(&mut walk), ["b"]);
    }

    #[test]
    fn exhaustion_names_its_reason() {
        let (pool, time) = pool(&["a", "b"]);
        let untouched = pool.walk();
        assert_eq!(untouched.exhausted(), Exhausted::Rejected, "e.g. every key answered 403");

        pool.walk().nth(0).rejected();
        assert_eq!(pool.walk().exhausted(), Exhausted::Rejected);

        pool.walk().nth(0).rate_limited(seconds(90)); // "b": "a" cools
        assert_eq!(pool.walk().exhausted(), rate_limited(60), "the smallest of all cooldowns");

        time.increment(Duration::from_secs(70));
        assert_eq!(pool.walk().exhausted(), rate_limited(20));

        time.increment(Duration::from_secs(20));
        assert_eq!(pool.walk().exhausted(), Exhausted::Rejected, "nothing cools any more");
    }

    #[test]
    fn a_rate_limit_met_on_the_way_counts_even_when_over() {
        let (pool, time) = pool(&["a", "b"]);
        let (mut walk, other) = (pool.walk(), pool.walk());
        walk.next_key().expect("a").rate_limited(seconds(0));
        assert_eq!(walk.exhausted(), rate_limited(0));
        assert_eq!(other.exhausted(), Exhausted::Rejected, "another walk did not meet it");

        walk.next_key().expect("b").rate_limited(seconds(5));
        assert_eq!(walk.exhausted(), rate_limited(5));
        time.increment(Duration::from_secs(5));
        assert_eq!(walk.exhausted(), rate_limited(0));
    }

    #[test]
    fn a_rate_limit_behind_a_longer_rejection_counts_for_its_walk() {
        let (pool, _) = pool(&["a"]);
        let mut walk = pool.walk();
        let key = walk.next_key().expect("a");
        key.rejected();
        key.rate_limited(seconds(5));
        assert_eq!(walk.exhausted(), rate_limited(60));
        assert_eq!(pool.walk().exhausted(), Exhausted::Rejected);
    }

    impl Walker {
        /// The key that is offered after `skipped` others.
        fn nth(mut self, skipped: usize) -> Key {
            std::iter::from_fn(|| self.next_key()).nth(skipped).expect("a valid key")
        }
    }
}
