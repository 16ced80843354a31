//! On whose behalf a request is made, and what of its credentials goes further.

use aibridge_config::AuthMode;
use aibridge_intercept::credential::sole_authorization_token;
use aibridge_intercept::{Actor, Error};
use aibridge_store::{Authenticated, Store};
use http::{HeaderMap, HeaderName, header};
use secrecy::SecretString;
use std::time::Duration;
use tokio::time::timeout;

/// The gateway's own token headers: they leave `Authorization` to the client's own provider key.
const TOKEN_HEADERS: [HeaderName; 2] =
    [HeaderName::from_static("x-aibridge-token"), HeaderName::from_static("x-coder-ai-governance-token")];
const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// How clients say who they are.
#[derive(Clone)]
pub struct Who {
    mode: AuthMode,
    store: Store,
    limit: Duration,
}

impl Who {
    /// Asks `store` about tokens, if `mode` wants any. As with the start of an interception, a store that does not
    /// answer within `limit` counts as unavailable.
    pub fn new(mode: AuthMode, store: Store, limit: Duration) -> Self {
        Self { mode, store, limit }
    }

    /// Asks the same store, about what `mode` wants.
    #[must_use]
    pub fn with_mode(&self, mode: AuthMode) -> Self {
        Self { mode, ..self.clone() }
    }

    /// Whether every client needs a token.
    pub fn wants_tokens(&self) -> bool {
        self.mode == AuthMode::Tokens
    }

    /// Finds the actor, and removes from `headers` what authenticated it: what is left in `Authorization` is the
    /// client's own provider key.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidGatewayToken`], or [`Error::RecorderUnavailable`] if the store cannot tell.
    pub async fn identify(&self, headers: &mut HeaderMap, provider_has_keys: bool) -> Result<Actor, Error> {
        match self.mode {
            AuthMode::None => {
                if provider_has_keys {
                    headers.remove(header::AUTHORIZATION);
                }
                Ok(Actor::anonymous())
            }
            AuthMode::Tokens => {
                let token = take_token(headers)?;
                Ok(Actor::named(self.authenticate(&token).await?.user))
            }
        }
    }

    /// Lets operators pass, which only tokens can tell apart.
    ///
    /// # Errors
    ///
    /// [`Error::AdminOnly`], and as [`Self::identify`].
    pub async fn require_admin(&self, headers: &HeaderMap) -> Result<(), Error> {
        if self.mode == AuthMode::None {
            return Err(Error::AdminOnly("this is answered to the gateway's own machine alone"));
        }
        let token = take_token(&mut headers.clone())?;
        match self.authenticate(&token).await?.admin {
            true => Ok(()),
            false => Err(Error::AdminOnly("this needs an admin token")),
        }
    }

    async fn authenticate(&self, token: &SecretString) -> Result<Authenticated, Error> {
        match timeout(self.limit, self.store.authenticate(token)).await {
            Ok(Ok(Some(authenticated))) => Ok(authenticated),
            Ok(Ok(None)) => {
                Err(Error::InvalidGatewayToken("the gateway token is unknown, expired or revoked"))
            }
            Ok(Err(error)) => {
                tracing::error!(%error, "a gateway token could not be checked");
                Err(Error::RecorderUnavailable)
            }
            Err(_) => {
                tracing::error!("the store took too long to check a gateway token");
                Err(Error::RecorderUnavailable)
            }
        }
    }
}

/// Takes the gateway token out of the header that carries it.
fn take_token(headers: &mut HeaderMap) -> Result<SecretString, Error> {
    for name in TOKEN_HEADERS {
        if let Some(token) = text(headers, &name) {
            headers.remove(name);
            return Ok(token);
        }
    }
    if let Some(token) = sole_authorization_token(headers).map(SecretString::from) {
        headers.remove(header::AUTHORIZATION);
        return Ok(token);
    }
    match text(headers, &X_API_KEY) {
        Some(token) => {
            headers.remove(X_API_KEY);
            headers.remove(header::AUTHORIZATION);
            Ok(token)
        }
        None => Err(Error::InvalidGatewayToken(
            "a gateway token is needed: send it as \"Authorization: Bearer aib_...\", or as X-AIBridge-Token beside your own provider key",
        )),
    }
}

fn text(headers: &HeaderMap, name: &HeaderName) -> Option<SecretString> {
    let value = headers.get(name)?.to_str().ok()?.trim();
    (!value.is_empty()).then(|| value.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;
    use secrecy::ExposeSecret;

    #[test]
    fn the_token_is_taken_from_the_first_header_that_carries_one() {
        let table: &[(&[(&str, &str)], Option<&str>, &[&str])] = &[
            (&[("x-aibridge-token", "t"), ("authorization", "Bearer own")], Some("t"), &["authorization"]),
            (
                &[("x-coder-ai-governance-token", " t "), ("authorization", "Bearer own")],
                Some("t"),
                &["authorization"],
            ),
            (&[("x-aibridge-token", ""), ("authorization", "Bearer t")], Some("t"), &["x-aibridge-token"]),
            (&[("authorization", "bearer t"), ("x-api-key", "k")], Some("t"), &["x-api-key"]),
            (&[("x-api-key", "t")], Some("t"), &[]),
            (&[("authorization", "Basic x"), ("x-api-key", "t")], Some("t"), &[]),
            (&[("authorization", "Basic x")], None, &["authorization"]),
            (&[], None, &[]),
        ];
        for (given, token, left) in table {
            let mut headers = HeaderMap::new();
            for (name, value) in *given {
                headers.insert(*name, HeaderValue::from_static(value));
            }
            let taken = take_token(&mut headers).ok();
            assert_eq!(taken.as_ref().map(ExposeSecret::expose_secret), *token, "{given:?}");
            assert_eq!(headers.keys().map(HeaderName::as_str).collect::<Vec<_>>(), *left, "{given:?}");
        }
    }
}
