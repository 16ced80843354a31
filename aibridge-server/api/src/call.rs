//! A call of an endpoint, and its reply.

use crate::endpoint::Endpoint;
use crate::error::ApiError;
use aibridge_accounting::Accounting;
use aibridge_provider::Provider;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, StatusCode};
use std::sync::Arc;
use std::time::Duration;

/// The user on whose behalf a call is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The user of the access token, or `anonymous`.
    pub user: String,
    /// Whether the caller may read and change everything.
    pub is_admin: bool,
    /// The groups of the user.
    pub groups: Vec<String>,
    /// The id of the access token; empty without one.
    pub key: String,
}

/// A request to an endpoint, after its checks.
pub struct Call<'a> {
    /// The endpoint, found by its path.
    pub endpoint: &'a Endpoint,
    /// The method, which the endpoint has.
    pub method: &'a Method,
    /// The query string.
    pub query: Option<&'a str>,
    /// The body; empty if there is none.
    pub body: Bytes,
    /// The user on whose behalf the call is made.
    pub caller: Caller,
    /// The settings in force.
    pub gateway: GatewayState<'a>,
}

/// The part of the settings in force that responses contain.
pub struct GatewayState<'a> {
    /// The providers, with their keys and circuits.
    pub providers: &'a [Arc<dyn Provider>],
    /// The budgets, and what was spent.
    pub accounting: &'a Accounting,
    /// Whether clients need access tokens.
    pub requires_tokens: bool,
    /// The age at which interceptions are deleted; `None` keeps them.
    pub retention: Option<Duration>,
    /// The URL of the gateway for clients; `None` if it is that of the API.
    pub client_url: Option<&'a str>,
}

/// The response to a call.
#[derive(Debug)]
pub struct Reply {
    /// The HTTP status.
    pub status: StatusCode,
    /// The type of the body.
    pub content_type: &'static str,
    /// Headers besides `Content-Type`.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// The content of the response.
    pub body: Bytes,
}

impl Reply {
    /// A successful response with a JSON body.
    pub(crate) fn json(body: Bytes) -> Self {
        Self { status: StatusCode::OK, content_type: "application/json", headers: Vec::new(), body }
    }

    /// A response with `value` as JSON.
    pub(crate) fn of(status: StatusCode, value: &impl serde::Serialize) -> Result<Self, ApiError> {
        match serde_json::to_vec(value) {
            Ok(body) => Ok(Self { status, ..Self::json(body.into()) }),
            Err(error) => {
                tracing::error!(%error, "could not serialize a response as JSON; please report this");
                Err(ApiError::Internal)
            }
        }
    }
}
