use crate::{CoolingReason, Key, KeyPool, KeyState};
use parking_lot::Mutex;
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
    walk: Arc<Walk>,
}

/// What a walk and the keys that it was offered share.
#[derive(Debug)]
pub(crate) struct Walk {
    /// What is asked; none if the request names no model.
    model: Option<String>,
    /// Whether a key of this walk was rate-limited or out of credit.
    rate_limited: AtomicBool,
    /// Keys that were answered a 401 that did not name them.
    suspects: Mutex<Vec<usize>>,
}

impl Walk {
    pub(crate) fn model(&self) -> Option<&str> {
        self.model.as_deref()
    }

    pub(crate) fn saw_rate_limit(&self) {
        self.rate_limited.store(true, Ordering::Relaxed);
    }

    pub(crate) fn suspect(&self, index: usize) {
        self.suspects.lock().push(index);
    }

    pub(crate) fn take_suspects(&self) -> Vec<usize> {
        std::mem::take(&mut self.suspects.lock())
    }
}

/// Why a walk has no key left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exhausted {
    /// A key is cooling for a rate limit or for lack of credit, or began to during this walk, however briefly.
    RateLimited {
        /// The smallest remaining cooldown of all cooling keys, whatever they cool for; zero if none does
        /// any more.
        retry_after: Duration,
    },
    /// No rate limit is to blame: the provider refused every key.
    Rejected,
}

impl Walker {
    pub(crate) fn new(pool: KeyPool, model: Option<String>) -> Self {
        let walk = Walk { model, rate_limited: AtomicBool::new(false), suspects: Mutex::default() };
        Self { pool, next: 0, tried_by_another: VecDeque::new(), walk: Arc::new(walk) }
    }

    /// The next valid key in the pool's order, each at most once. A key that cools when its turn comes is
    /// passed over for good. One whose cooldown is over, but which another walk tries just now, comes after all others:
    /// nobody is refused because of that.
    pub fn next_key(&mut self) -> Option<Key> {
        let now = self.pool.now();
        let model = self.walk.model();
        while let Some(slot) = self.pool.slots().get(self.next) {
            let index = self.next;
            self.next += 1;
            let mut health = slot.health.lock();
            if health.state(model, now) == KeyState::Valid {
                if health.admits(model, now) {
                    return Some(self.offer(index));
                }
                self.tried_by_another.push_back(index);
            }
        }
        while let Some(index) = self.tried_by_another.pop_front() {
            if self.pool.slots()[index].health.lock().state(model, now) == KeyState::Valid {
                return Some(self.offer(index));
            }
        }
        None
    }

    fn offer(&self, index: usize) -> Key {
        self.pool.slots()[index].counters.offered();
        Key::new(self.pool.clone(), index, Arc::clone(&self.walk))
    }

    /// What it means that [`next_key`](Self::next_key) returned `None`.
    pub fn exhausted(&self) -> Exhausted {
        let is_limit = |reason| matches!(reason, CoolingReason::RateLimited | CoolingReason::Quota);
        let rate_limited = self.walk.rate_limited.load(Ordering::Relaxed)
            || self.cooling().any(|(reason, _)| is_limit(reason));
        if rate_limited {
            Exhausted::RateLimited { retry_after: self.soonest().unwrap_or_default() }
        } else {
            Exhausted::Rejected
        }
    }

    /// The smallest remaining cooldown of all keys that cool for the walk's model, whatever they cool for: when it makes
    /// sense to come back. `None` if no key cools.
    pub fn soonest(&self) -> Option<Duration> {
        self.cooling().map(|(_, remaining)| remaining).min()
    }

    fn cooling(&self) -> impl Iterator<Item = (CoolingReason, Duration)> {
        let now = self.pool.now();
        self.pool.slots().iter().filter_map(move |slot| {
            match slot.health.lock().state(self.walk.model(), now) {
                KeyState::Cooling { reason, remaining } => Some((reason, remaining)),
                KeyState::Valid => None,
            }
        })
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
    fn a_rate_limit_of_one_model_leaves_the_key_to_others() {
        let (pool, time) = pool(&["a", "b"]);
        pool.walk_for("m").next_key().expect("a").rate_limited(seconds(20));
        assert_eq!(rest(&mut pool.walk_for("m")), ["b"]);
        assert_eq!(rest(&mut pool.walk_for("n")), ["a", "b"]);
        assert_eq!(rest(&mut pool.walk()), ["a", "b"]);
        assert_eq!(pool.walk_for("m").exhausted(), rate_limited(20));
        assert_eq!(pool.walk_for("n").soonest(), None);

        time.increment(Duration::from_secs(20));
        let trial = pool.walk_for("m").next_key().expect("a");
        assert_eq!(rest(&mut pool.walk_for("m")), ["b", "a"], "one walk tries it for this model");
        pool.walk_for("n").next_key().expect("a").succeeded();
        assert_eq!(rest(&mut pool.walk_for("m")), ["b", "a"], "another model's success proves nothing");
        trial.succeeded();
        assert_eq!(rest(&mut pool.walk_for("m")), ["a", "b"]);
    }

    #[test]
    fn so_many_models_cool_by_themselves_and_then_the_whole_key() {
        let (pool, time) = pool(&["a"]);
        for model in 0..64 {
            pool.walk_for(model.to_string()).nth(0).rate_limited(seconds(20));
        }
        assert_eq!(pool.statuses()[0].models.len(), 64);
        pool.walk_for("another").nth(0).rate_limited(seconds(30));
        assert_eq!(pool.statuses()[0].models.len(), 64);
        assert_eq!(rest(&mut pool.walk_for("yet another")), [""; 0]);
        assert_eq!(pool.transitions().rate_limited, 65);

        time.increment(Duration::from_secs(30));
        assert_eq!(pool.statuses()[0].models, []);
        pool.walk_for("another").nth(0).rate_limited(seconds(20));
        assert_eq!(rest(&mut pool.walk_for("yet another")), ["a"], "what is over makes room");
        assert_eq!(pool.transitions().recovered, 65);
    }

    #[test]
    fn a_long_model_name_is_cut() {
        let (pool, _) = pool(&["a"]);
        pool.walk_for("é".repeat(300)).nth(0).rate_limited(None);
        assert_eq!(pool.statuses()[0].models[0].model, "é".repeat(256));
        assert_eq!(rest(&mut pool.walk_for("é".repeat(300))), [""; 0]);
    }

    #[test]
    fn a_401_that_does_not_name_the_key_counts_if_another_key_then_succeeds() {
        let (pool, time) = pool(&["a", "b", "c"]);
        let mut walk = pool.walk();
        while let Some(key) = walk.next_key() {
            key.unauthorized();
        }
        assert_eq!(walk.exhausted(), Exhausted::Rejected);
        assert_eq!(rest(&mut pool.walk()), ["a", "b", "c"], "the request may be at fault");

        let (mut walk, other) = (pool.walk(), pool.walk());
        walk.next_key().expect("a").unauthorized();
        walk.next_key().expect("b").forbidden();
        other.nth(1).succeeded();
        assert_eq!(rest(&mut pool.walk()), ["a", "b", "c"], "another request succeeded");
        walk.next_key().expect("c").succeeded();
        assert_eq!(rest(&mut pool.walk()), ["b", "c"]);
        time.increment(Duration::from_secs(60));
        assert_eq!(rest(&mut pool.walk()), ["a", "b", "c"]);
    }

    #[test]
    fn what_is_about_one_request_leaves_the_key_alone() {
        let (pool, _) = pool(&["a"]);
        let mut walk = pool.walk_for("m");
        walk.next_key().expect("a").request_too_large();
        assert_eq!((walk.exhausted(), walk.soonest()), (Exhausted::Rejected, None));
        assert_eq!(rest(&mut pool.walk_for("m")), ["a"]);
    }

    #[test]
    fn no_credit_is_something_to_wait_for() {
        let (pool, time) = pool(&["a"]);
        pool.walk_for("m").nth(0).out_of_quota();
        assert_eq!(pool.walk_for("n").exhausted(), rate_limited(60), "for all models");
        time.increment(Duration::from_secs(60));
        pool.walk().nth(0).out_of_quota();
        assert_eq!(pool.walk().exhausted(), rate_limited(120));
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
