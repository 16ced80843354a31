//! A short-lived cache of accepted access tokens.

use crate::token::{TokenHash, TokenIdentity, TokenRow};
use jiff::Timestamp;
use parking_lot::Mutex;
use quanta::{Clock, Instant};
use std::collections::HashMap;
use std::time::Duration;

/// Lifetime of an entry. A revoked token must be refused within a second, and the lifetime plus one database lookup
/// has to stay well below that.
const LIFETIME: Duration = Duration::from_millis(250);

/// Maximum number of entries: more tokens than are in use within a lifetime, in about half a megabyte.
const CAPACITY: usize = 4096;

/// Recently accepted tokens, by hash. A client with many requests per second costs the database four lookups per
/// second. A token that was never accepted is not cached, so a new token works at once. An accepted token that a
/// later lookup refuses is marked as refused, and stays refused when the database becomes unavailable.
pub struct TokenCache {
    clock: Clock,
    entries: Mutex<HashMap<TokenHash, Entry>>,
}

struct Entry {
    /// `None` after a lookup refused the token. The entry stays, so that a lookup that began earlier and ends later
    /// cannot restore the token.
    bearer: Option<Bearer>,
    read_at: Instant,
}

struct Bearer {
    identity: TokenIdentity,
    expires_at: Option<Timestamp>,
}

impl TokenCache {
    /// An empty cache, whose entries age by `clock`.
    pub fn new(clock: Clock) -> Self {
        Self { clock, entries: Mutex::default() }
    }

    /// The current instant, to be taken before a database lookup and passed to [`Self::admit`]: changes after it may
    /// be missing from the result.
    pub fn now(&self) -> Instant {
        self.clock.now()
    }

    /// The bearer of the token, if a lookup accepted it within the last quarter of a second and it has not expired by
    /// `now`.
    pub fn get(&self, hash: &TokenHash, now: Timestamp) -> Option<TokenIdentity> {
        self.get_within(LIFETIME, hash, now)
    }

    /// Like [`Self::get`], for lookups less than `age` ago.
    pub fn get_within(&self, age: Duration, hash: &TokenHash, now: Timestamp) -> Option<TokenIdentity> {
        let entries = self.entries.lock();
        let entry = entries.get(hash)?;
        let bearer = entry.bearer.as_ref()?;
        let fresh = self.clock.now().duration_since(entry.read_at) < age;
        let valid = bearer.expires_at.is_none_or(|end| now < end);
        (fresh && valid).then(|| bearer.identity.clone())
    }

    /// Caches the result of a lookup that began at `read_at`, and returns the bearer; `None` if the token is not
    /// valid at `now`.
    pub fn admit(
        &self,
        hash: TokenHash,
        row: Option<TokenRow>,
        read_at: Instant,
        now: Timestamp,
    ) -> Option<TokenIdentity> {
        match row.filter(|row| row.admits(now)) {
            Some(row) => Some(self.put(hash, &row, read_at)),
            None => {
                self.refuse(&hash, read_at);
                None
            }
        }
    }

    /// The hashes of all accepted tokens, for a repeated lookup.
    pub fn accepted(&self) -> Vec<TokenHash> {
        let entries = self.entries.lock();
        entries.iter().filter(|(_, entry)| entry.bearer.is_some()).map(|(hash, _)| *hash).collect()
    }

    /// Whether the token was accepted once and refused by a later lookup.
    pub fn is_refused(&self, hash: &TokenHash) -> bool {
        self.entries.lock().get(hash).is_some_and(|entry| entry.bearer.is_none())
    }

    /// Marks an accepted token as refused, by a lookup that began at `read_at`.
    pub fn refuse(&self, hash: &TokenHash, read_at: Instant) {
        if let Some(entry) = self.entries.lock().get_mut(hash)
            && entry.read_at <= read_at
        {
            *entry = Entry { bearer: None, read_at };
        }
    }

    /// Caches an accepted row of a lookup that began at `read_at`.
    fn put(&self, hash: TokenHash, row: &TokenRow, read_at: Instant) -> TokenIdentity {
        let identity = TokenIdentity {
            token_id: row.id,
            user: row.user.clone(),
            admin: row.admin,
            groups: row.groups.clone(),
        };
        let mut entries = self.entries.lock();
        if entries.get(&hash).is_some_and(|entry| entry.read_at > read_at) {
            return identity; // a later lookup has finished already
        }
        if entries.len() >= CAPACITY {
            entries.clear(); // cheaper than a search for the oldest entry; all are short-lived
        }
        let bearer = Some(Bearer { identity: identity.clone(), expires_at: row.expires_at });
        entries.insert(hash, Entry { bearer, read_at });
        identity
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::NewToken;
    use jiff::SignedDuration;

    fn issue() -> NewToken {
        NewToken::new("ada", &[], Some(Duration::from_millis(100)), false, Timestamp::UNIX_EPOCH)
            .expect("a token")
    }

    fn at(millis: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_millis(millis)
    }

    #[test]
    fn an_entry_is_valid_for_its_lifetime() {
        let (clock, mock) = Clock::mock();
        let (cache, token) = (TokenCache::new(clock), issue());
        assert_eq!(cache.get(&token.hash, at(0)), None);

        let read_at = cache.now();
        mock.increment(Duration::from_millis(100)); // the database took its time
        let identity = cache.put(token.hash, &token.row, read_at);
        assert_eq!(
            identity,
            TokenIdentity {
                token_id: token.row.id,
                user: "ada".to_owned(),
                admin: false,
                groups: Vec::new()
            }
        );
        assert_eq!(cache.get(&token.hash, at(0)), Some(identity.clone()));
        assert_eq!(cache.get(&issue().hash, at(0)), None);

        mock.increment(Duration::from_millis(149));
        assert_eq!(cache.get(&token.hash, at(0)), Some(identity));
        mock.increment(Duration::from_millis(1));
        assert_eq!(cache.get(&token.hash, at(0)), None);
    }

    #[test]
    fn a_hit_is_still_checked_for_expiry() {
        let (clock, _mock) = Clock::mock();
        let (cache, token) = (TokenCache::new(clock), issue());
        cache.put(token.hash, &token.row, cache.now());
        assert!(cache.get(&token.hash, at(99)).is_some());
        assert!(cache.get(&token.hash, at(100)).is_none());
    }

    #[test]
    fn the_cache_never_exceeds_its_capacity() {
        let (clock, _mock) = Clock::mock();
        let (cache, row) = (TokenCache::new(clock), issue().row);
        for number in 0..2 * CAPACITY + 1 {
            let hash = TokenHash::of(&format!("aib_{number}").into()).expect("a hash");
            cache.put(hash, &row, cache.now());
            assert!(cache.entries.lock().len() <= CAPACITY);
            assert!(cache.get(&hash, at(0)).is_some());
        }
    }

    #[test]
    fn a_refused_token_is_not_restored_by_an_older_lookup() {
        let (clock, mock) = Clock::mock();
        let (cache, token) = (TokenCache::new(clock), issue());
        let hour = Duration::from_secs(3600);
        let revoked = TokenRow { revoked_at: Some(at(1)), ..token.row.clone() };
        for bad in [None, Some(revoked)] {
            let first = cache.now();
            mock.increment(Duration::from_millis(1));
            assert!(cache.admit(token.hash, Some(token.row.clone()), first, at(0)).is_some());
            let read_at = cache.now();
            assert_eq!(cache.admit(token.hash, bad, read_at, at(2)), None);
            assert_eq!(cache.get_within(hour, &token.hash, at(2)), None);
            assert!(cache.accepted().is_empty() && cache.is_refused(&token.hash));

            cache.put(token.hash, &token.row, first);
            assert_eq!(cache.get_within(hour, &token.hash, at(2)), None, "that was read earlier");
            mock.increment(Duration::from_millis(1));
        }
        cache.admit(token.hash, Some(token.row.clone()), cache.now(), at(0));
        assert!(cache.accepted() == [token.hash]);
        let unknown = issue().hash;
        cache.refuse(&unknown, cache.now());
        assert!(!cache.entries.lock().contains_key(&unknown), "bad tokens take no room");
    }
}
