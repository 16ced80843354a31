//! The configuration of a provider, the same for all types.

use crate::circuit_breaker::CircuitBreakerSettings;
use crate::further_routes::FurtherRoute;
use crate::profile::ApiDump;
use aibridge_intercept::ClientTls;
use aibridge_intercept::call::Timeouts;
use aibridge_keypool::KeyPool;
use aibridge_presets::UsageChunk;
use http::{HeaderMap, HeaderName};
use secrecy::SecretString;
use std::time::Duration;

/// The configuration of a provider.
#[derive(Debug, Clone)]
pub struct ProviderConfig {
    /// The name; empty means the type, e.g. `openai`.
    pub name: String,
    /// Whether the gateway serves the provider's routes.
    pub enabled: bool,
    /// The base URL of the API, with or without the final slash; empty means the vendor's.
    pub base_url: String,
    /// The prefix of the paths at the gateway; empty means that of the type, e.g. `/{name}/v1`.
    pub route_prefix: String,
    /// The header of the keys; `None` means that of the type.
    pub auth_header: Option<HeaderName>,
    /// The handling of the usage chunk of streams.
    pub usage_chunk: UsageChunk,
    /// Whether users pay the vendor a subscription, so that a request costs nothing.
    pub subscription: bool,
    /// The passthrough routes that the gateway opens beside those of the type.
    pub further_routes: Vec<FurtherRoute>,
    /// Whether the paths of Azure's deployments are bridged as well.
    pub azure_paths: bool,
    /// A single key. An explicit `key_pool` takes precedence.
    pub key: Option<SecretString>,
    /// The key pool. Without any key, the provider is BYOK-only.
    pub key_pool: Option<KeyPool>,
    /// The headers to add to every upstream request.
    pub extra_headers: HeaderMap,
    /// Whether upstream requests contain headers with the actor.
    pub send_actor_headers: bool,
    /// The TLS of upstream connections.
    pub tls: ClientTls,
    /// The timeouts of upstream calls.
    pub timeouts: Timeouts,
    /// The settings of the circuit breaker; `None` for no circuit breaker.
    pub circuit_breaker: Option<CircuitBreakerSettings>,
    /// The dump of the provider's traffic; `None` for no dump.
    pub api_dump: Option<ApiDump>,
    /// The clock for the cooldown of a single `key` and for the circuit breaker.
    pub clock: quanta::Clock,
}

impl Default for ProviderConfig {
    fn default() -> Self {
        Self {
            name: String::new(),
            enabled: true,
            base_url: String::new(),
            route_prefix: String::new(),
            auth_header: None,
            usage_chunk: UsageChunk::Add,
            subscription: false,
            further_routes: Vec::new(),
            azure_paths: false,
            key: None,
            key_pool: None,
            extra_headers: HeaderMap::new(),
            send_actor_headers: false,
            tls: ClientTls::default(),
            timeouts: Timeouts {
                connect: Duration::from_secs(10),
                response: Duration::from_secs(600),
                stream_idle: Duration::from_secs(300),
                keep_alive: Duration::from_secs(15),
                drain_on_disconnect: Duration::ZERO,
            },
            circuit_breaker: None,
            api_dump: None,
            clock: quanta::Clock::new(),
        }
    }
}
