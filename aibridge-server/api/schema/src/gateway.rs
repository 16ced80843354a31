//! Schemas of the gateway itself: its status, its providers and its access tokens.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// The gateway and the caller.
#[derive(Serialize, ToSchema)]
pub struct Status {
    /// The version of the gateway.
    pub version: String,
    /// Whether clients need access tokens.
    pub auth_mode: AuthModeName,
    /// The user of the access token, or `anonymous`.
    pub user: String,
    /// Whether the caller may read and change everything.
    pub is_admin: bool,
    /// The zone in which days begin.
    #[schema(example = "UTC")]
    pub time_zone: String,
    /// The age in seconds at which interceptions are deleted; `null` if they are kept.
    #[schema(required)]
    pub retention_seconds: Option<u64>,
    /// The start of the first stored interception; `null` if there is none.
    #[schema(required, format = DateTime)]
    pub first_interception_at: Option<String>,
    /// The URL of the gateway for clients; `null` if it is that of this API.
    #[schema(required)]
    pub client_url: Option<String>,
    /// The providers in force, in the order of the settings.
    pub providers: Vec<ProviderName>,
}

/// The authentication of clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AuthModeName {
    /// Clients need no access token.
    None,
    /// Clients need an access token.
    Tokens,
}

/// A provider as clients see it.
#[derive(Serialize, ToSchema)]
pub struct ProviderName {
    /// The configured name.
    pub name: String,
    /// The type of the provider.
    #[schema(example = "openai")]
    pub kind: String,
    /// The path of its base URL at the gateway.
    #[schema(example = "/openai/v1")]
    pub path: String,
    /// Whether the gateway has keys for it. Otherwise clients use keys of their own.
    pub has_keys: bool,
}

/// The providers in force.
#[derive(Serialize, ToSchema)]
pub struct ProviderList {
    /// The providers, in the order of the settings.
    pub data: Vec<ProviderRow>,
    /// Always `null`: the list is not paged.
    #[schema(required)]
    pub next_cursor: Option<String>,
}

/// A provider with its circuits.
#[derive(Serialize, ToSchema)]
pub struct ProviderRow {
    /// The configured name.
    pub name: String,
    /// The type of the provider.
    #[schema(example = "openai")]
    pub kind: String,
    /// The base URL of the provider's API.
    pub base_url: String,
    /// The path of its base URL at the gateway.
    #[schema(example = "/openai/v1")]
    pub path: String,
    /// The number of keys.
    pub keys: usize,
    /// The circuits that failed recently, ordered by name.
    pub circuits: Vec<Circuit>,
}

/// A circuit: the calls of one route and model.
#[derive(Serialize, ToSchema)]
pub struct Circuit {
    /// The route of the calls, e.g. `/responses`.
    pub route: String,
    /// The model, as clients spell it.
    pub model: String,
    /// Whether calls are admitted.
    pub state: CircuitStateName,
    /// The number of times that the circuit opened.
    pub trips: u64,
    /// The number of calls that the circuit rejected.
    pub rejects: u64,
}

/// The state of a circuit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CircuitStateName {
    /// Calls are admitted.
    Closed,
    /// A few calls probe the provider.
    HalfOpen,
    /// Calls are rejected.
    Open,
}

/// The access tokens.
#[derive(Serialize, ToSchema)]
pub struct AccessTokenList {
    /// The access tokens, oldest first, with expired and revoked ones.
    pub data: Vec<AccessToken>,
    /// Always `null`: the list is not paged.
    #[schema(required)]
    pub next_cursor: Option<String>,
}

/// An access token, without its secret.
#[derive(Serialize, ToSchema)]
pub struct AccessToken {
    /// The id by which the token is revoked.
    pub id: Uuid,
    /// The user on whose behalf requests with the token are made.
    pub user: String,
    /// The masked token.
    #[schema(example = "aib_...wxyz")]
    pub hint: String,
    /// The groups that the user belongs to.
    pub groups: Vec<String>,
    /// Whether the token admits to this API.
    pub admin: bool,
    /// The time of creation.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// The time from which on the token is refused; `null` for never.
    #[schema(required, format = DateTime)]
    pub expires_at: Option<String>,
    /// The time of the revocation; `null` if the token is not revoked.
    #[schema(required, format = DateTime)]
    pub revoked_at: Option<String>,
}

/// A request for a new access token.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAccessTokenRequest {
    /// The user on whose behalf requests with the token are made.
    pub user: String,
    /// The time until the token expires, such as `90d`; absent for never.
    #[serde(default)]
    pub expires_in: Option<String>,
    /// The groups that the user belongs to, for budgets.
    #[serde(default)]
    pub groups: Vec<String>,
    /// Whether the token admits to this API.
    #[serde(default)]
    pub admin: bool,
}

/// A new access token.
#[derive(Serialize, ToSchema)]
pub struct NewAccessToken {
    /// The token. It is not shown again.
    pub token: String,
    /// The token as the list shows it.
    #[serde(flatten)]
    pub row: AccessToken,
}
