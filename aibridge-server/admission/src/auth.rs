//! Authenticates clients by access token, and removes the token from their requests.

use crate::refusal::Refusal;
use aibridge_accounting::{ACCESS_TOKEN, GROUPS};
use aibridge_config::AuthMode;
use aibridge_intercept::Actor;
use aibridge_intercept::credential::{ACCESS_TOKEN_PREFIX, KeyFailover, bearer_token};
use aibridge_store::{Store, TokenIdentity};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use secrecy::SecretString;
use std::time::Duration;
use tokio::time::timeout;

/// The gateway's own headers for access tokens. They leave `Authorization` to the client's own provider key.
const TOKEN_HEADERS: [HeaderName; 2] =
    [HeaderName::from_static("x-aibridge-token"), HeaderName::from_static("x-coder-ai-governance-token")];

/// Headers in which SDKs send a key. The first three may carry an access token; then none of the four carries a provider
/// key of the client.
const CREDENTIAL_HEADERS: [HeaderName; 4] = [
    header::AUTHORIZATION,
    HeaderName::from_static("x-api-key"),
    HeaderName::from_static("api-key"),
    HeaderName::from_static("x-goog-api-key"),
];

/// Finds the actor of a request, by access token if the settings require one.
#[derive(Clone)]
pub struct Authenticator {
    mode: AuthMode,
    store: Store,
    limit: Duration,
}

impl Authenticator {
    /// Authenticates against `store` if `mode` requires tokens. As at the start of an interception, a store that does not
    /// answer within `limit` counts as unavailable.
    pub fn new(mode: AuthMode, store: Store, limit: Duration) -> Self {
        Self { mode, store, limit }
    }

    /// Returns an authenticator with the same store and another mode.
    #[must_use]
    pub fn with_mode(&self, mode: AuthMode) -> Self {
        Self { mode, ..self.clone() }
    }

    /// Whether every client needs an access token.
    pub fn requires_tokens(&self) -> bool {
        self.mode == AuthMode::Tokens
    }

    /// Finds the actor, and removes the access token from `headers`. What remains of the headers for `keys`, those of the
    /// provider, holds the client's own provider key. The actor's groups are among its attributes, and the id of its
    /// access token if `records_token` is set.
    ///
    /// # Errors
    ///
    /// [`Refusal::InvalidAccessToken`], or [`Refusal::StoreUnavailable`] if the store does not answer.
    pub async fn identify(
        &self,
        headers: &mut HeaderMap,
        keys: &KeyFailover,
        records_token: bool,
    ) -> Result<Actor, Refusal> {
        match self.mode {
            AuthMode::None => {
                if keys.pool().is_some() {
                    keys.remove_client_keys(headers);
                }
                Ok(Actor::anonymous())
            }
            AuthMode::Tokens => {
                let (token, is_sole_credential) = take_token(headers)?;
                if is_sole_credential {
                    keys.remove_client_keys(headers);
                }
                let TokenIdentity { token_id, user, groups, .. } = self.authenticate(&token).await?;
                let mut actor = Actor::named(user);
                if !groups.is_empty() {
                    actor.metadata.insert(GROUPS.to_owned(), groups.join(","));
                }
                if records_token {
                    actor.metadata.insert(ACCESS_TOKEN.to_owned(), token_id.to_string());
                }
                Ok(actor)
            }
        }
    }

    /// Checks that the request carries an admin token.
    ///
    /// # Errors
    ///
    /// [`Refusal::AdminOnly`] without an admin token, and the errors of [`Self::identify`].
    pub async fn require_admin(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        if self.mode == AuthMode::None {
            return Err(Refusal::AdminOnly("only requests from the gateway's own machine may read this"));
        }
        let (token, _) = take_token(&mut headers.clone())?;
        match self.authenticate(&token).await?.admin {
            true => Ok(()),
            false => Err(Refusal::AdminOnly("this needs an admin token")),
        }
    }

    /// Finds the bearer of the access token in `headers`.
    ///
    /// # Errors
    ///
    /// [`Refusal::InvalidAccessToken`], or [`Refusal::StoreUnavailable`] if the store does not answer.
    pub async fn bearer(&self, headers: &HeaderMap) -> Result<TokenIdentity, Refusal> {
        let (token, _) = take_token(&mut headers.clone())?;
        self.authenticate(&token).await
    }

    /// Finds the bearer of `token`.
    ///
    /// # Errors
    ///
    /// [`Refusal::InvalidAccessToken`], or [`Refusal::StoreUnavailable`] if the store does not answer.
    pub async fn authenticate(&self, token: &SecretString) -> Result<TokenIdentity, Refusal> {
        match timeout(self.limit, self.store.authenticate(token)).await {
            Ok(Ok(Some(authenticated))) => Ok(authenticated),
            Ok(Ok(None)) => {
                Err(Refusal::InvalidAccessToken("the access token is unknown, expired or revoked"))
            }
            Ok(Err(error)) => {
                tracing::error!(%error, "could not check an access token: the request is refused");
                Err(Refusal::StoreUnavailable)
            }
            Err(_) => {
                tracing::error!("timed out checking an access token in the store: the request is refused");
                Err(Refusal::StoreUnavailable)
            }
        }
    }
}

/// Removes the access token, the first value that looks like one, from `headers`. If it was in one of [`TOKEN_HEADERS`],
/// the other headers are the client's credentials and stay; otherwise they are removed, too. Returns the token, and
/// whether it was in a header for credentials: then the client has no key of its own.
fn take_token(headers: &mut HeaderMap) -> Result<(SecretString, bool), Refusal> {
    if let Some(token) = TOKEN_HEADERS.iter().find_map(|name| first_token(headers, name)) {
        for name in TOKEN_HEADERS {
            headers.remove(name);
        }
        return Ok((token, false));
    }
    match CREDENTIAL_HEADERS.iter().take(3).find_map(|name| first_token(headers, name)) {
        Some(token) => {
            for name in CREDENTIAL_HEADERS {
                headers.remove(name);
            }
            Ok((token, true))
        }
        None => Err(Refusal::InvalidAccessToken(
            "an access token is needed: send it as \"Authorization: Bearer aib_...\", or as X-AIBridge-Token beside your own provider key",
        )),
    }
}

/// Whether `headers` carry a value that looks like an access token.
pub fn has_token(headers: &HeaderMap) -> bool {
    TOKEN_HEADERS
        .iter()
        .chain(CREDENTIAL_HEADERS.iter().take(3))
        .any(|name| first_token(headers, name).is_some())
}

fn first_token(headers: &HeaderMap, name: &HeaderName) -> Option<SecretString> {
    let text = |value| match *name {
        header::AUTHORIZATION => bearer_token(value),
        _ => HeaderValue::to_str(value).ok().map(str::trim),
    };
    let mut values = headers.get_all(name).iter().filter_map(text);
    values.find(|text| text.starts_with(ACCESS_TOKEN_PREFIX)).map(SecretString::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;

    #[test]
    fn the_token_comes_from_the_first_header_that_carries_one() {
        let table: &[(&[(&str, &str)], Option<&str>, &[&str])] = &[
            (
                &[("x-aibridge-token", "aib_t"), ("authorization", "Bearer own")],
                Some("aib_t"),
                &["authorization"],
            ),
            (
                &[("x-coder-ai-governance-token", " aib_t "), ("authorization", "Bearer own")],
                Some("aib_t"),
                &["authorization"],
            ),
            (
                &[("x-aibridge-token", "other"), ("authorization", "Bearer aib_t")],
                Some("aib_t"),
                &["x-aibridge-token"],
            ),
            (&[("authorization", "bearer aib_t"), ("x-api-key", "k")], Some("aib_t"), &[]),
            (&[("x-api-key", "aib_t"), ("x-goog-api-key", "k")], Some("aib_t"), &[]),
            (&[("authorization", "Bearer own"), ("x-api-key", "aib_t")], Some("aib_t"), &[]),
            (&[("authorization", "Bearer own"), ("authorization", "Bearer aib_t")], Some("aib_t"), &[]),
            (&[("x-api-key", "own"), ("api-key", "aib_t")], Some("aib_t"), &[]),
            (&[("authorization", "aib_t")], None, &["authorization"]),
            (&[("x-goog-api-key", "aib_t")], None, &["x-goog-api-key"]),
            (&[], None, &[]),
        ];
        for (given, token, remaining) in table {
            let mut headers = HeaderMap::new();
            for (name, value) in *given {
                headers.append(*name, HeaderValue::from_static(value));
            }
            let taken = take_token(&mut headers).ok();
            assert_eq!(taken.as_ref().map(|(token, _)| token.expose_secret()), *token, "{given:?}");
            assert_eq!(headers.keys().map(HeaderName::as_str).collect::<Vec<_>>(), *remaining, "{given:?}");
        }
    }
}
