//! The settings of one provider.

use crate::circuit_breaker::CircuitBreaker;
use crate::routes::FurtherRoute;
use crate::tls::ProviderTls;
use aibridge_presets::{Preset, UsageChunk};
use http::HeaderName;
use secrecy::SecretString;
use std::path::PathBuf;
use std::time::Duration;
use url::Url;

/// The settings of a provider.
#[derive(Debug, Clone)]
pub struct Provider {
    /// `type`: the API of the provider.
    pub kind: ProviderKind,
    /// The vendor that the settings name, if any.
    pub preset: Option<&'static Preset>,
    /// The name, which is unique among the providers.
    pub name: String,
    /// The base URL of the API; always ends in one slash.
    pub base_url: Url,
    /// The prefix of the paths of its routes, without a final slash.
    pub route_prefix: String,
    /// The header of the keys: `Authorization` contains bearer tokens, another header the key alone.
    pub auth_header: HeaderName,
    /// The handling of the usage chunk of streams.
    pub usage_chunk: UsageChunk,
    /// Whether users pay the vendor a subscription, so that a request costs nothing.
    pub subscription: bool,
    /// The distinct keys, in order of preference. Without keys, the provider is BYOK-only.
    pub keys: Vec<SecretString>,
    /// The names and values of headers to add to every upstream request, sorted by name.
    pub extra_headers: Vec<(String, SecretString)>,
    /// The passthrough routes beside those of the type.
    pub further_routes: Vec<FurtherRoute>,
    /// Whether the paths of Azure's deployments are bridged as well.
    pub azure_paths: bool,
    /// The TLS of connections to the provider.
    pub tls: ProviderTls,
    /// Whether upstream requests contain headers with the actor.
    pub send_actor_headers: bool,
    /// The maximum time to establish a connection.
    pub connect_timeout: Duration,
    /// The maximum time until the whole blocking response has arrived, or the head of a stream.
    pub response_timeout: Duration,
    /// The maximum time between two chunks of a response.
    pub stream_idle_timeout: Duration,
    /// The time for which an idle upstream connection stays open.
    pub keep_alive: Duration,
    /// The time for which a response is read on after its client has left; zero to drop it at once.
    pub drain_on_disconnect: Duration,
    /// The directory to which all traffic with the provider is dumped; `None` for no dump.
    pub api_dump_dir: Option<PathBuf>,
    /// The settings of the circuit breaker; `None` for no circuit breaker.
    pub circuit_breaker: Option<CircuitBreaker>,
}

/// The API of a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ProviderKind {
    /// The OpenAI API, or a compatible one.
    OpenAi,
    /// The Anthropic API, or a compatible one.
    Anthropic,
    /// The APIs of GitHub Copilot.
    Copilot,
}

impl ProviderKind {
    pub(crate) const ALL: [Self; 3] = [Self::OpenAi, Self::Anthropic, Self::Copilot];

    /// The value in the settings.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            Self::Anthropic => "anthropic",
            Self::Copilot => "copilot",
        }
    }

    /// The prefix of the routes of the provider `name`, unless the settings contain another.
    pub(crate) fn default_route_prefix(self, name: &str) -> String {
        match self {
            Self::OpenAi => format!("/{name}/v1"),
            // The clients append the version, if any.
            Self::Anthropic | Self::Copilot => format!("/{name}"),
        }
    }
}
