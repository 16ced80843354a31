//! Access tokens: their format, their hash, and the checks on a new one.

pub mod groups;

use aibridge_store_core::StoreError;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use secrecy::zeroize::Zeroize;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use std::time::Duration;
use subtle::ConstantTimeEq;
use uuid::Uuid;

/// Prefix of every access token, by which people and secret scanners recognise it.
const PREFIX: &str = "aib_";

/// Maximum length of a user name in characters: lists show names, and every interception stores one.
const MAX_USER_CHARS: usize = 200;

/// A stored access token, without the token itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRow {
    /// The id by which the token is revoked.
    pub id: Uuid,
    /// The actor that the token authenticates.
    pub user: String,
    /// The masked token, e.g. `aib_...wxyz`.
    pub hint: String,
    /// The time of creation, in whole milliseconds.
    pub created_at: Timestamp,
    /// The time from which on the token is refused; `None` for never.
    pub expires_at: Option<Timestamp>,
    /// The time of the revocation; `None` if the token is not revoked.
    pub revoked_at: Option<Timestamp>,
    /// Whether the token admits to the admin API.
    pub admin: bool,
    /// The groups that the user belongs to, in alphabetical order.
    pub groups: Vec<String>,
}

impl TokenRow {
    /// Whether the token is accepted at `now`.
    pub fn admits(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now < end)
    }
}

/// The bearer of an accepted token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenIdentity {
    /// The id of the token.
    pub token_id: Uuid,
    /// The actor: the `initiator_id` of the requests of the bearer.
    pub user: String,
    /// Whether the token admits to the admin API.
    pub admin: bool,
    /// The groups that the user belongs to, in alphabetical order.
    pub groups: Vec<String>,
}

/// The SHA-256 of an access token. A token is 256 random bits, so the hash needs no salt and no slow function, and
/// the lookup by hash reveals nothing about the token to an attacker.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    /// The hash of a presented credential; `None` if it does not have the prefix of an access token.
    pub fn of(token: &SecretString) -> Option<Self> {
        let text = token.expose_secret();
        text.starts_with(PREFIX).then(|| Self(Sha256::digest(text).into()))
    }

    /// A hash read from the store; `None` if its length is wrong.
    pub fn from_bytes(stored: &[u8]) -> Option<Self> {
        stored.try_into().ok().map(Self)
    }

    /// The 32 bytes of the hash.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Compares with `stored` in constant time.
    pub fn matches(&self, stored: &[u8]) -> bool {
        self.0.as_slice().ct_eq(stored).into()
    }
}

/// A new token, not yet stored.
pub struct NewToken {
    /// The row to store.
    pub row: TokenRow,
    /// The hash to store with it.
    pub hash: TokenHash,
    /// The token itself, which is not stored.
    pub secret: SecretString,
}

impl NewToken {
    /// Creates a random token for `user` that expires `expires_in` after `now`.
    pub fn new(
        user: &str,
        groups: &[String],
        expires_in: Option<Duration>,
        admin: bool,
        now: Timestamp,
    ) -> Result<Self, StoreError> {
        check_user(user)?;
        let groups = groups::checked(groups)?;
        let now = to_millis(now);
        let expires_at = expires_in.map(|after| expiry(after, now)).transpose()?;
        let text = random_text()?;
        let hint = aibridge_keypool::hint(&text);
        let hash = TokenHash(Sha256::digest(&text).into());
        let row = TokenRow {
            id: Uuid::now_v7(),
            user: user.to_owned(),
            hint,
            created_at: now,
            expires_at,
            revoked_at: None,
            admin,
            groups,
        };
        Ok(Self { row, hash, secret: text.into() })
    }
}

fn random_text() -> Result<String, StoreError> {
    let mut bits = [0_u8; 32];
    getrandom::fill(&mut bits).map_err(|error| StoreError::Randomness(error.to_string()))?;
    let mut text = PREFIX.to_owned();
    URL_SAFE_NO_PAD.encode_string(bits, &mut text);
    bits.zeroize();
    Ok(text)
}

fn check_user(name: &str) -> Result<(), StoreError> {
    let refuse = |rule| Err(StoreError::InvalidUser { name: name.to_owned(), rule });
    if name.trim().is_empty() {
        return refuse("it must not be empty");
    }
    if name.chars().any(char::is_control) {
        return refuse("it must not hold control characters");
    }
    if name.chars().count() > MAX_USER_CHARS {
        return refuse("it must not have more than 200 characters");
    }
    Ok(())
}

fn expiry(after: Duration, now: Timestamp) -> Result<Timestamp, StoreError> {
    // Stores keep milliseconds: a shorter lifetime would be over when it is read back.
    if after < Duration::from_millis(1) {
        return Err(StoreError::InvalidExpiry { after, rule: "it must be in the future" });
    }
    SignedDuration::try_from(after)
        .and_then(|after| now.checked_add(after))
        .map(to_millis)
        .map_err(|_| StoreError::InvalidExpiry { after, rule: "it must be before the year 10000" })
}

/// `time` in the precision of the stores, which is milliseconds.
fn to_millis(time: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(time.as_millisecond()).unwrap_or(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-01-02T03:04:05.678Z".parse().expect("a timestamp")
    }

    #[test]
    fn a_token_is_a_prefix_and_256_bits() {
        let new_token = NewToken::new("ada", &[], None, false, now()).expect("a token");
        let text = new_token.secret.expose_secret();
        let bits = URL_SAFE_NO_PAD.decode(text.strip_prefix("aib_").expect("the prefix")).expect("base64url");
        assert_eq!(bits.len(), 32);
        assert_eq!(new_token.row.hint, format!("aib_...{}", &text[text.len() - 4..]));
        assert!(TokenHash::of(&new_token.secret).is_some_and(|hash| hash == new_token.hash));

        let other = NewToken::new("ada", &[], None, false, now()).expect("a token");
        assert_ne!(text, other.secret.expose_secret());
        assert_ne!(new_token.row.id, other.row.id);
    }

    #[test]
    fn only_the_same_hash_matches() {
        let new_token = NewToken::new("ada", &[], None, false, now()).expect("a token");
        assert!(new_token.hash.matches(new_token.hash.as_bytes()));
        assert!(!new_token.hash.matches(&new_token.hash.as_bytes()[..31]));
        assert!(!new_token.hash.matches(&[]));
        let mut wrong = new_token.hash.0;
        wrong[31] ^= 1;
        assert!(!new_token.hash.matches(&wrong));
        assert!(TokenHash::of(&"sk-proj-1234".into()).is_none());
    }

    #[test]
    fn names_are_checked() {
        let longest = "ß".repeat(200);
        for good in ["ada", "ada@example.org", "Ada Lovelace", "阿达", &longest] {
            assert_eq!(check_user(good), Ok(()), "{good:?}");
        }
        for bad in ["", "  ", "a\0b", "a\nb", "\u{1b}[31m", "a\u{85}", &"x".repeat(201)] {
            let error = check_user(bad).expect_err(bad);
            assert!(error.is_caller_error());
            assert!(error.to_string().starts_with(&format!("{bad:?} cannot be")), "{error}");
        }
    }

    #[test]
    fn expiry_is_in_the_future_and_in_reach() {
        let day = Duration::from_secs(86_400);
        assert_eq!(expiry(day, now()), Ok("2026-01-03T03:04:05.678Z".parse().expect("a timestamp")));
        assert!(expiry(Duration::from_millis(1), now()).is_ok());
        for bad in [Duration::ZERO, Duration::from_nanos(999_999), Duration::MAX, day * 365 * 9000] {
            assert!(
                matches!(expiry(bad, now()), Err(StoreError::InvalidExpiry { after, .. }) if after == bad)
            );
        }
    }

    #[test]
    fn a_row_admits_until_it_expires_or_is_revoked() {
        let later = now() + SignedDuration::from_millis(1);
        let row = NewToken::new("ada", &[], None, false, now()).expect("a token").row;
        assert!(row.admits(now()));
        let expiring = TokenRow { expires_at: Some(later), ..row.clone() };
        assert!(expiring.admits(now()) && !expiring.admits(later));
        assert!(!TokenRow { revoked_at: Some(now()), ..row }.admits(now()));
    }
}
