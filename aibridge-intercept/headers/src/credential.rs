//! The credential of an upstream request: a key of the pool or the client's own.

use aibridge_error::Error;
use aibridge_keypool::{KeyPool, hint};
use aibridge_recorder::CredentialKind;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};

/// The prefix of every access token. A text with this prefix is never a provider key and is never sent to a provider.
pub const ACCESS_TOKEN_PREFIX: &str = "aib_";

/// Whether `text` contains the prefix of an access token at any position. Such text is never sent to a provider.
pub fn contains_access_token(text: &[u8]) -> bool {
    // No searcher is built for the few bytes of a header: most contain no underscore.
    let ends = |at: usize| text.get(..=at).is_some_and(|head| head.ends_with(ACCESS_TOKEN_PREFIX.as_bytes()));
    memchr::memchr_iter(b'_', text).any(ends)
}

/// The number of characters of an access token after its prefix: 256 bits in base64url.
pub const ACCESS_TOKEN_LENGTH: usize = 43;

/// Whether `text` contains a whole access token at any position. Names may contain its prefix by chance.
pub fn contains_whole_access_token(text: &[u8]) -> bool {
    let prefix = ACCESS_TOKEN_PREFIX.as_bytes();
    let is_long =
        |after: &[u8]| after.iter().take_while(|byte| is_token_byte(byte)).count() >= ACCESS_TOKEN_LENGTH;
    contains_access_token(text)
        && (0..text.len()).any(|at| text[at..].strip_prefix(prefix).is_some_and(is_long))
}

/// Whether `byte` is in the alphabet of access tokens, base64url.
pub fn is_token_byte(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_".contains(byte)
}

/// The credential that authenticates an upstream request.
#[derive(Debug, Clone)]
pub enum Credential {
    /// A key of the provider's pool, with failover.
    Centralized(KeyPool),
    /// The client's own key, without failover.
    Byok(ClientKey),
}

/// A client's own key. It is sent to the provider in the header in which it came.
#[derive(Debug, Clone)]
pub struct ClientKey {
    /// The header: `Authorization` with a bearer token, or another one with the key alone.
    pub header: HeaderName,
    /// The key itself, without the word `Bearer`.
    pub secret: SecretString,
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
            Self::Byok(key) => hint(key.secret.expose_secret()),
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
    /// The rules of a provider with keys in `auth_header`: as bearer tokens if that is `Authorization`, else alone. Without
    /// a pool it only accepts BYOK.
    pub fn new(pool: Option<KeyPool>, auth_header: HeaderName) -> Self {
        Self { pool, auth_header }
    }

    /// The header of the pool's keys.
    pub fn auth_header(&self) -> &HeaderName {
        &self.auth_header
    }

    /// The key pool, if the provider has one.
    pub fn pool(&self) -> Option<&KeyPool> {
        self.pool.as_ref()
    }

    /// The credential for a request with these `headers`: the client's own key if there is one, else the pool.
    pub fn credential(&self, headers: &HeaderMap) -> Option<Credential> {
        match self.client_key(headers) {
            Some((header, key)) => {
                Some(Credential::Byok(ClientKey { header: header.clone(), secret: key.into() }))
            }
            None => self.pool.clone().map(Credential::Centralized),
        }
    }

    /// The kind of [`credential`](Self::credential) for a request with these `headers`.
    pub fn credential_kind(&self, headers: &HeaderMap) -> Option<CredentialKind> {
        match self.client_key(headers) {
            Some(_) => Some(CredentialKind::Byok),
            None => self.pool.as_ref().map(|_| CredentialKind::Centralized),
        }
    }

    /// The client's own key and its header: the provider's header, else `Authorization`.
    fn client_key<'a>(&'a self, headers: &'a HeaderMap) -> Option<(&'a HeaderName, &'a str)> {
        let in_header = |name: &'a HeaderName| Some((name, own_key(headers, name)?));
        in_header(&self.auth_header).or_else(|| in_header(&header::AUTHORIZATION))
    }

    /// Removes the headers in which a client may send its own key.
    pub fn remove_client_keys(&self, headers: &mut HeaderMap) {
        headers.remove(header::AUTHORIZATION);
        headers.remove(&self.auth_header);
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

/// The header `name` with `secret`. It is marked as sensitive, so that it is not printed or put into a compression table.
pub fn key_header(name: &HeaderName, secret: &SecretString) -> Option<HeaderValue> {
    let secret = secret.expose_secret();
    let value = match *name {
        header::AUTHORIZATION => HeaderValue::try_from(format!("Bearer {secret}")),
        _ => HeaderValue::try_from(secret),
    };
    let mut value = value.ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// The sole key in header `name`: a bearer token in `Authorization`, the value of another header. `None` for anything
/// else, including an access token.
fn own_key<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let (value, None) = (values.next()?, values.next()) else { return None };
    let key = match *name {
        header::AUTHORIZATION => bearer_token(value),
        _ => value.to_str().ok().map(str::trim).filter(|key| !key.is_empty()),
    };
    key.filter(|key| !contains_access_token(key.as_bytes()))
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
            assert_eq!(own_key(&headers, &header::AUTHORIZATION), *expected, "{values:?}");
        }
    }

    #[test]
    fn the_header_of_the_provider_precedes_authorization() {
        let keys = KeyFailover::new(None, HeaderName::from_static("api-key"));
        let table: &[(&[(&str, &str)], Option<(&str, &str)>)] = &[
            (&[("api-key", " k ")], Some(("api-key", "k"))),
            (&[("api-key", "k"), ("authorization", "Bearer b")], Some(("api-key", "k"))),
            (&[("authorization", "Bearer b")], Some(("authorization", "b"))),
            (&[("api-key", ""), ("authorization", "Bearer b")], Some(("authorization", "b"))),
            (&[("api-key", "aib_of-the-gateway")], None),
            (&[("api-key", "k"), ("api-key", "l")], None),
            (&[("x-api-key", "k")], None),
        ];
        for (given, expected) in table {
            let mut headers = HeaderMap::new();
            for (name, value) in *given {
                headers.append(*name, HeaderValue::from_static(value));
            }
            let key = keys.client_key(&headers).map(|(name, key)| (name.as_str(), key));
            assert_eq!(key, *expected, "{given:?}");
        }
    }

    #[test]
    fn only_authorization_contains_a_bearer_token() {
        let secret = SecretString::from("k");
        let value = |name: &HeaderName| key_header(name, &secret).unwrap();
        assert_eq!(value(&header::AUTHORIZATION), "Bearer k");
        assert_eq!(value(&HeaderName::from_static("api-key")), "k");
        assert!(value(&header::AUTHORIZATION).is_sensitive());
    }
}
