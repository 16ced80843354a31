use crate::token::TokenHash;
use crate::{TokenIdentity, TokenRow};
use jiff::Timestamp;
use parking_lot::Mutex;
use quanta::{Clock, Instant};
use std::collections::HashMap;
use std::time::Duration;

/// How long an answer is believed. A revoked token is refused within a second, so this and one look into the
/// database together have to stay well below that.
const LIFETIME: Duration = Duration::from_millis(250);

/// How many answers are kept: more tokens than are in use within a lifetime, in about half a megabyte.
const CAPACITY: usize = 4096;

/// The tokens that were found good a moment ago, by their hash: a client with many requests a second costs the
/// database four look-ups a second. An unknown token that is bad is never remembered, so a new one works at once. A
/// known token that turns out to be bad is forgotten at once, so that it stays bad when the database goes away.
pub(crate) struct TokenCache {
    clock: Clock,
    entries: Mutex<HashMap<TokenHash, Entry>>,
}

struct Entry {
    /// `None` after a look-up refused the token. The entry stays, so that a look-up which began earlier and finishes
    /// later cannot bring the token back.
    bearer: Option<Bearer>,
    read_at: Instant,
}

struct Bearer {
    identity: TokenIdentity,
    expires_at: Option<Timestamp>,
}

impl TokenCache {
    pub(crate) fn new(clock: Clock) -> Self {
        Self { clock, entries: Mutex::default() }
    }

    /// The moment to hand to [`Self::put`], taken before the database is read: what happens after it may be news.
    pub(crate) fn now(&self) -> Instant {
        self.clock.now()
    }

    /// Who bears the token with this hash, if that was read lately and the token has not expired by `now`.
    pub(crate) fn get(&self, hash: &TokenHash, now: Timestamp) -> Option<TokenIdentity> {
        self.get_within(LIFETIME, hash, now)
    }

    /// The same for what was read less than `age` ago.
    pub(crate) fn get_within(
        &self,
        age: Duration,
        hash: &TokenHash,
        now: Timestamp,
    ) -> Option<TokenIdentity> {
        let entries = self.entries.lock();
        let entry = entries.get(hash)?;
        let bearer = entry.bearer.as_ref()?;
        let fresh = self.clock.now().duration_since(entry.read_at) < age;
        let valid = bearer.expires_at.is_none_or(|end| now < end);
        (fresh && valid).then(|| bearer.identity.clone())
    }

    /// Who bears a token whose row was looked up, read at `read_at` or later: nobody, if it does not admit at `now`.
    pub(crate) fn admit(
        &self,
        hash: TokenHash,
        found: Option<TokenRow>,
        read_at: Instant,
        now: Timestamp,
    ) -> Option<TokenIdentity> {
        match found.filter(|row| row.admits(now)) {
            Some(row) => Some(self.put(hash, &row, read_at)),
            None => {
                self.refuse(&hash, read_at);
                None
            }
        }
    }

    /// The tokens that count as good, to be looked up again.
    pub(crate) fn accepted(&self) -> Vec<TokenHash> {
        let entries = self.entries.lock();
        entries.iter().filter(|(_, entry)| entry.bearer.is_some()).map(|(hash, _)| *hash).collect()
    }

    /// Whether this token was good and then found bad. A token that was revoked stays revoked.
    pub(crate) fn is_refused(&self, hash: &TokenHash) -> bool {
        self.entries.lock().get(hash).is_some_and(|entry| entry.bearer.is_none())
    }

    /// Forgets who bears this token, as was read at `read_at` or later.
    pub(crate) fn refuse(&self, hash: &TokenHash, read_at: Instant) {
        if let Some(entry) = self.entries.lock().get_mut(hash)
            && entry.read_at <= read_at
        {
            *entry = Entry { bearer: None, read_at };
        }
    }

    /// Remembers a row that admitted its bearer, read at `read_at` or later.
    fn put(&self, hash: TokenHash, row: &TokenRow, read_at: Instant) -> TokenIdentity {
        let identity = TokenIdentity { token_id: row.id, user: row.user.clone(), admin: row.admin };
        let mut entries = self.entries.lock();
        if entries.get(&hash).is_some_and(|entry| entry.read_at > read_at) {
            return identity; // a later look-up has answered already
        }
        if entries.len() >= CAPACITY {
            entries.clear(); // cheaper than to find the oldest: none of them had long to live
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
        NewToken::new("ada", Some(Duration::from_millis(100)), false, Timestamp::UNIX_EPOCH).expect("a token")
    }

    fn at(millis: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_millis(millis)
    }

    #[test]
    fn an_answer_is_believed_for_its_lifetime() {
        let (clock, mock) = Clock::mock();
        let (cache, token) = (TokenCache::new(clock), issue());
        assert_eq!(cache.get(&token.hash, at(0)), None);

        let asked = cache.now();
        mock.increment(Duration::from_millis(100)); // the database took its time
        let identity = cache.put(token.hash, &token.row, asked);
        assert_eq!(identity, TokenIdentity { token_id: token.row.id, user: "ada".to_owned(), admin: false });
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
    fn it_never_grows_beyond_its_bound() {
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
    fn a_token_found_bad_is_forgotten_at_once_and_an_older_answer_does_not_bring_it_back() {
        let (clock, mock) = Clock::mock();
        let (cache, token) = (TokenCache::new(clock), issue());
        let hour = Duration::from_secs(3600);
        let revoked = TokenRow { revoked_at: Some(at(1)), ..token.row.clone() };
        for bad in [None, Some(revoked)] {
            let first = cache.now();
            mock.increment(Duration::from_millis(1));
            assert!(cache.admit(token.hash, Some(token.row.clone()), first, at(0)).is_some());
            let asked = cache.now();
            assert_eq!(cache.admit(token.hash, bad, asked, at(2)), None);
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
