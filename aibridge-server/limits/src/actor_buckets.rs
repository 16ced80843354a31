//! The buckets of each actor: requests and tokens per minute.

use crate::bucket::Bucket;
use crate::rate_limit::{Allowance, RateLimited, Unit};
use parking_lot::Mutex;
use quanta::{Clock, Instant};
use std::collections::HashMap;
use std::num::NonZeroU32;
use std::time::Duration;

/// At this many actors, those with full buckets are removed; and again at twice as many as were left. So the map is never
/// larger than twice the number of actors with buckets that are not full, or than this.
const FIRST_CLEANUP: usize = 1024;

/// The requests and tokens that each actor may use in a minute; `None` means unlimited.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PerMinute {
    pub(crate) requests: Option<NonZeroU32>,
    pub(crate) tokens: Option<NonZeroU32>,
}

/// The used requests and tokens of each actor.
pub(crate) struct ActorBuckets {
    clock: Clock,
    map: Mutex<BucketMap>,
}

/// The buckets by actor id, and the size of the next cleanup.
struct BucketMap {
    actors: HashMap<String, Buckets>,
    cleanup_at: usize,
}

/// The buckets of one actor. A missing bucket counts as full.
#[derive(Debug, Clone, Copy, Default)]
struct Buckets {
    requests: Option<Bucket>,
    tokens: Option<Bucket>,
}

impl ActorBuckets {
    pub(crate) fn new(clock: Clock) -> Self {
        Self { clock, map: Mutex::new(BucketMap { actors: HashMap::new(), cleanup_at: FIRST_CLEANUP }) }
    }

    /// Charges `actor` for a request. Refuses it if no request is left, or no token and the request `spends_tokens`.
    pub(crate) fn take_request(
        &self,
        actor: &str,
        limits: PerMinute,
        spends_tokens: bool,
    ) -> Result<(), Box<RateLimited>> {
        if limits.requests.is_none() && limits.tokens.is_none() {
            return Ok(());
        }
        let now = self.clock.now();
        let mut map = self.map.lock();
        let buckets = map.get(actor).with_limits(limits, now);
        if let Some(refusal) = buckets.refusal(actor, spends_tokens, now) {
            return Err(Box::new(refusal));
        }
        if let Some(mut requests) = buckets.requests {
            requests.take(1, now);
            map.put(actor, Buckets { requests: Some(requests), ..buckets }, now);
        }
        Ok(())
    }

    /// Charges `actor` for `tokens`, however many are left.
    pub(crate) fn charge_tokens(&self, actor: &str, limits: PerMinute, tokens: u64) {
        if limits.tokens.is_none() {
            return;
        }
        let now = self.clock.now();
        let mut map = self.map.lock();
        let mut buckets = map.get(actor).with_limits(limits, now);
        if let Some(bucket) = &mut buckets.tokens {
            bucket.take(tokens, now);
        }
        map.put(actor, buckets, now);
    }
}

impl BucketMap {
    fn get(&self, actor: &str) -> Buckets {
        self.actors.get(actor).copied().unwrap_or_default()
    }

    fn put(&mut self, actor: &str, buckets: Buckets, now: Instant) {
        if let Some(existing) = self.actors.get_mut(actor) {
            *existing = buckets;
            return;
        }
        if self.actors.len() >= self.cleanup_at {
            self.actors.retain(|_, buckets| !buckets.are_full(now));
            self.cleanup_at = FIRST_CLEANUP.max(2 * self.actors.len());
        }
        self.actors.insert(actor.to_owned(), buckets);
    }
}

impl Buckets {
    /// Returns the buckets under these limits.
    fn with_limits(self, limits: PerMinute, now: Instant) -> Self {
        let with_limit = |bucket: Option<Bucket>, limit: NonZeroU32| match bucket {
            Some(bucket) => bucket.with_limit(limit, now),
            None => Bucket::full(limit, now),
        };
        Self {
            requests: limits.requests.map(|limit| with_limit(self.requests, limit)),
            tokens: limits.tokens.map(|limit| with_limit(self.tokens, limit)),
        }
    }

    fn are_full(&self, now: Instant) -> bool {
        [self.requests, self.tokens].iter().flatten().all(|bucket| bucket.is_full(now))
    }

    /// Returns the refusal of a request, if one of the limits is reached. Of two it names the one with the longer wait.
    fn refusal(&self, actor: &str, spends_tokens: bool, now: Instant) -> Option<RateLimited> {
        let wait = |bucket: Option<Bucket>| bucket.map_or(Duration::ZERO, |bucket| bucket.wait(now));
        let (request_wait, token_wait) = (wait(self.requests), wait(self.tokens.filter(|_| spends_tokens)));
        let retry_after = request_wait.max(token_wait);
        if retry_after.is_zero() {
            return None;
        }
        let requests = self.requests.map(|bucket| allowance(Unit::Requests, &bucket, now));
        let tokens = self.tokens.map(|bucket| allowance(Unit::Tokens, &bucket, now));
        let (exceeded, beside) =
            if request_wait < token_wait { (tokens?, requests) } else { (requests?, tokens) };
        Some(RateLimited { actor: actor.to_owned(), retry_after, exceeded, other: beside })
    }
}

fn allowance(unit: Unit, bucket: &Bucket, now: Instant) -> Allowance {
    Allowance { unit, limit: bucket.limit(), used: bucket.used(now), reset: bucket.reset(now) }
}

#[cfg(test)]
mod tests;
