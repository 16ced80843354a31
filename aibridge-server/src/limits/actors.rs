use super::bucket::Bucket;
use aibridge_intercept::rate_limit::{Allowance, RateLimited, Unit};
use parking_lot::Mutex;
use quanta::{Clock, Instant};
use std::collections::HashMap;
use std::num::NonZeroU32;
use std::time::Duration;

/// When so many actors are known, those are forgotten whose buckets are full again; and then when there are twice as
/// many as were left. So there are never more than twice as many as have used something within their last minutes.
const FORGET_FROM: usize = 1024;

/// What each actor may use in a minute.
#[derive(Debug, Clone, Copy)]
pub(super) struct PerMinute {
    pub(super) requests: Option<NonZeroU32>,
    pub(super) tokens: Option<NonZeroU32>,
}

/// What actors have used of it.
pub(super) struct Actors {
    clock: Clock,
    known: Mutex<Known>,
}

struct Known {
    actors: HashMap<String, Buckets>,
    forget_at: usize,
}

/// One actor's. None is as good as a full one.
#[derive(Debug, Clone, Copy, Default)]
struct Buckets {
    requests: Option<Bucket>,
    tokens: Option<Bucket>,
}

impl Actors {
    pub(super) fn new(clock: Clock) -> Self {
        Self { clock, known: Mutex::new(Known { actors: HashMap::new(), forget_at: FORGET_FROM }) }
    }

    /// Takes a request from what `actor` may make, unless there is none; or no token, if it `spends_tokens`.
    pub(super) fn request(
        &self,
        actor: &str,
        limits: PerMinute,
        spends_tokens: bool,
    ) -> Result<(), Box<RateLimited>> {
        if limits.requests.is_none() && limits.tokens.is_none() {
            return Ok(());
        }
        let now = self.clock.now();
        let mut known = self.known.lock();
        let buckets = known.of(actor).under(limits, now);
        if let Some(refusal) = buckets.refusal(actor, spends_tokens, now) {
            return Err(Box::new(refusal));
        }
        if let Some(mut requests) = buckets.requests {
            requests.take(1, now);
            known.put(actor, Buckets { requests: Some(requests), ..buckets }, now);
        }
        Ok(())
    }

    /// Takes `tokens` from what `actor` may use, whether there are so many or not.
    pub(super) fn charge(&self, actor: &str, limits: PerMinute, tokens: u64) {
        if limits.tokens.is_none() {
            return;
        }
        let now = self.clock.now();
        let mut known = self.known.lock();
        let mut buckets = known.of(actor).under(limits, now);
        if let Some(bucket) = &mut buckets.tokens {
            bucket.take(tokens, now);
        }
        known.put(actor, buckets, now);
    }
}

impl Known {
    fn of(&self, actor: &str) -> Buckets {
        self.actors.get(actor).copied().unwrap_or_default()
    }

    fn put(&mut self, actor: &str, buckets: Buckets, now: Instant) {
        if let Some(known) = self.actors.get_mut(actor) {
            *known = buckets;
            return;
        }
        if self.actors.len() >= self.forget_at {
            self.actors.retain(|_, buckets| !buckets.are_full(now));
            self.forget_at = FORGET_FROM.max(2 * self.actors.len());
        }
        self.actors.insert(actor.to_owned(), buckets);
    }
}

impl Buckets {
    /// What there is under these limits.
    fn under(self, limits: PerMinute, now: Instant) -> Self {
        let under = |bucket: Option<Bucket>, limit: NonZeroU32| match bucket {
            Some(bucket) => bucket.under(limit, now),
            None => Bucket::full(limit, now),
        };
        Self {
            requests: limits.requests.map(|limit| under(self.requests, limit)),
            tokens: limits.tokens.map(|limit| under(self.tokens, limit)),
        }
    }

    fn are_full(&self, now: Instant) -> bool {
        [self.requests, self.tokens].iter().flatten().all(|bucket| bucket.is_full(now))
    }

    /// Of two limits it is about the one that lasts longer: who has waited for that gets in.
    fn refusal(&self, actor: &str, spends_tokens: bool, now: Instant) -> Option<RateLimited> {
        let wait = |bucket: Option<Bucket>| bucket.map_or(Duration::ZERO, |bucket| bucket.wait(now));
        let (of_requests, of_tokens) = (wait(self.requests), wait(self.tokens.filter(|_| spends_tokens)));
        let retry_after = of_requests.max(of_tokens);
        if retry_after.is_zero() {
            return None;
        }
        let requests = self.requests.map(|bucket| allowance(Unit::Requests, &bucket, now));
        let tokens = self.tokens.map(|bucket| allowance(Unit::Tokens, &bucket, now));
        let (exceeded, other) =
            if of_requests < of_tokens { (tokens?, requests) } else { (requests?, tokens) };
        Some(RateLimited { actor: actor.to_owned(), retry_after, exceeded, other })
    }
}

fn allowance(unit: Unit, bucket: &Bucket, now: Instant) -> Allowance {
    Allowance { unit, limit: bucket.limit(), used: bucket.used(now), reset: bucket.reset(now) }
}

#[cfg(test)]
mod tests;
