//! The credential of an upstream request: a key of the pool or the client's own.

use aibridge_error::Error;
use aibridge_keypool::{KeyPool, hint};
use aibridge_recorder::CredentialKind;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};

/// The prefix of every access token. A text with this prefix is never a provider key and is never sent to a provider.
pub const ACCESS_TOKEN_PREFIX: &str = "aib_";

/// Whether `text` contains the prefix of an access token at any position. Such text is never sent to a provider.
pub fn contains_access_token(text: &[u8]) -> bool {
    // No searcher is built for the few bytes of a header: most contain no underscore.
    let ends = |at: usize| text.get(..=at).is_some_and(|head| head.ends_with(ACCESS_TOKEN_PREFIX.as_bytes()));
    memchr::memchr_iter(b'_', text).any(ends)
}

/// The credential that authenticates an upstream request.
#[derive(Debug, Clone)]
pub enum Credential {
    /// A key of the provider's pool, with failover.
    Centralized(KeyPool),
    /// The client's own key, without failover.
    Byok(SecretString),
}

impl Credential {
    /// The value of the column `credential_kind`.
    pub fn kind(&self) -> CredentialKind {
        match self {
            Self::Centralized(_) => CredentialKind::Centralized,
            Self::Byok(_) => CredentialKind::Byok,
        }
    }

    /// The hint to record at the start: that of a BYOK credential; empty for a pool whose key is not chosen yet.
    pub fn initial_hint(&self) -> String {
        match self {
            Self::Centralized(_) => String::new(),
            Self::Byok(secret) => hint(secret.expose_secret()),
        }
    }
}

/// The key pool of a provider, and the rules for its keys.
#[derive(Debug, Clone)]
pub struct KeyFailover {
    pool: Option<KeyPool>,
    auth_header: HeaderName,
}

impl KeyFailover {
    /// The rules of a provider with `Bearer` keys in `auth_header`. Without a pool it only accepts BYOK.
    pub fn new(pool: Option<KeyPool>, auth_header: HeaderName) -> Self {
        Self { pool, auth_header }
    }

    /// The key pool, if the provider has one.
    pub fn pool(&self) -> Option<&KeyPool> {
        self.pool.as_ref()
    }

    /// The credential for a request with these `headers`: the client's own key if there is one, else the pool.
    pub fn credential(&self, headers: &HeaderMap) -> Option<Credential> {
        match own_token(headers, &self.auth_header) {
            Some(own) => Some(Credential::Byok(own.into())),
            None => self.pool.clone().map(Credential::Centralized),
        }
    }

    /// The kind of [`credential`](Self::credential) for a request with these `headers`.
    pub fn credential_kind(&self, headers: &HeaderMap) -> Option<CredentialKind> {
        match own_token(headers, &self.auth_header) {
            Some(_) => Some(CredentialKind::Byok),
            None => self.pool.as_ref().map(|_| CredentialKind::Centralized),
        }
    }

    /// The header with `secret`. It is marked as sensitive, so that it is not printed or put into a compression table.
    pub fn authorization(&self, secret: &SecretString) -> Option<(HeaderName, HeaderValue)> {
        let mut value = HeaderValue::try_from(format!("Bearer {}", secret.expose_secret())).ok()?;
        value.set_sensitive(true);
        Some((self.auth_header.clone(), value))
    }

    /// The error for a request when no key of the pool is left.
    pub fn exhausted(&self, reason: aibridge_keypool::Exhaustion) -> Error {
        match reason {
            aibridge_keypool::Exhaustion::RateLimited { retry_after } => {
                Error::KeysRateLimited { retry_after }
            }
            aibridge_keypool::Exhaustion::Rejected => Error::KeysRejected,
        }
    }
}

/// The provider key of `Authorization: Bearer <token>`: `Bearer` in any case, exactly one token.
/// `None` for anything else, including an access token.
fn own_token<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    sole_bearer_token(headers, name).filter(|token| !contains_access_token(token.as_bytes()))
}

/// The token of the sole `Bearer` credential in header `name`.
fn sole_bearer_token<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let (value, None) = (values.next()?, values.next()) else { return None };
    bearer_token(value)
}

/// The token of `Bearer <token>`: `Bearer` in any case, exactly one token.
pub fn bearer_token(value: &HeaderValue) -> Option<&str> {
    let mut words = value.to_str().ok()?.split_ascii_whitespace();
    match (words.next()?, words.next(), words.next()) {
        (scheme, Some(token), None) if scheme.eq_ignore_ascii_case("bearer") => Some(token),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::header;

    #[test]
    fn accepts_exactly_one_bearer_token() {
        let table: &[(&[&str], Option<&str>)] = &[
            (&["Bearer sk-1"], Some("sk-1")),
            (&["bearer sk-1"], Some("sk-1")),
            (&["BEARER   sk-1 "], Some("sk-1")),
            (&["Bearer"], None),
            (&["Bearer "], None),
            (&["Bearer a b"], None),
            (&["Basic YTpi"], None),
            (&["sk-1"], None),
            (&[""], None),
            (&["Bearer a", "Bearer b"], None),
            (&["Bearer aib_of-the-gateway"], None),
            (&[], None),
        ];
        for (values, expected) in table {
            let mut headers = HeaderMap::new();
            for value in *values {
                headers.append(header::AUTHORIZATION, HeaderValue::from_static(value));
            }
            assert_eq!(own_token(&headers, &header::AUTHORIZATION), *expected, "{values:?}");
        }
    }
}
