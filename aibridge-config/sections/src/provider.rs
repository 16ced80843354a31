//! `[[provider]]`: the providers.

mod circuit_breaker;
mod differences;
mod extra_headers;
mod keys;
mod name;
mod raw;
mod route_prefix;
mod routes;
mod tls;
mod vendor;

pub use circuit_breaker::CircuitBreaker;
pub use raw::RawProvider;
pub use routes::FurtherRoute;
pub use tls::{Authorities, ProviderTls};

use aibridge_presets::{Preset, UsageChunk};
use aibridge_values::Environment;
use aibridge_values::duration::RawDuration;
use aibridge_values::report::Report;
use aibridge_values::secret::Secret;
use http::HeaderName;
use name::Names;
use route_prefix::Prefixes;
use secrecy::SecretString;
use std::path::PathBuf;
use std::time::Duration;
use url::Url;
use vendor::Vendor;

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
    const ALL: [Self; 3] = [Self::OpenAi, Self::Anthropic, Self::Copilot];

    /// The value in the settings.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            Self::Anthropic => "anthropic",
            Self::Copilot => "copilot",
        }
    }

    /// The prefix of the routes of the provider `name`, unless the settings contain another.
    fn default_route_prefix(self, name: &str) -> String {
        match self {
            Self::OpenAi => format!("/{name}/v1"),
            // The clients append the version, if any.
            Self::Anthropic | Self::Copilot => format!("/{name}"),
        }
    }
}

/// Resolves all providers. `None` if any of them has a problem.
pub fn resolve(
    raw: Vec<RawProvider<Secret>>,
    environment: &dyn Environment,
    report: &mut Report<'_>,
) -> Option<Vec<Provider>> {
    let (mut names, mut prefixes) = (Names::default(), Prefixes::default());
    let providers: Vec<Option<Provider>> = raw
        .into_iter()
        .enumerate()
        .map(|(index, raw)| {
            let at = format!("provider[{index}]");
            resolve_one(raw, &at, (&mut names, &mut prefixes), environment, report)
        })
        .collect();
    providers.into_iter().collect()
}

fn resolve_one(
    raw: RawProvider<Secret>,
    at: &str,
    (names, prefixes): (&mut Names, &mut Prefixes),
    environment: &dyn Environment,
    report: &mut Report<'_>,
) -> Option<Provider> {
    let Vendor { kind, preset, row } = vendor::resolve(&raw, at, report);
    let further_routes =
        routes::resolve(&raw.routes, kind.map_or("", ProviderKind::as_str), &format!("{at}.routes"), report);
    let azure_paths = report.keep(&format!("{at}.azure_paths"), allow_azure_paths(raw.azure_paths, kind));
    let tls = tls::resolve(&raw, at, environment, report);
    let name = raw.name.or_else(|| row.map(|row| row.name.to_owned()));
    let name = name.and_then(|name| report.keep(&format!("{at}.name"), names.claim(name, at)));
    let base_url = vendor::base_url(raw.base_url.as_deref(), row);
    let base_url = report.keep(&format!("{at}.base_url"), base_url);
    let prefix = raw.route_prefix.or_else(|| Some(kind?.default_route_prefix(name.as_deref()?)));
    let prefix =
        prefix.and_then(|prefix| report.keep(&format!("{at}.route_prefix"), prefixes.claim(prefix, at)));
    let auth_header = vendor::auth_header(raw.auth_header.as_deref(), row);
    let auth_header = report.keep(&format!("{at}.auth_header"), auth_header);
    let usage_chunk = vendor::usage_chunk(raw.usage_chunk.as_deref(), row);
    let usage_chunk = report.keep(&format!("{at}.usage_chunk"), usage_chunk);
    report.keep(&format!("{at}.keys"), vendor::allow_keys(raw.keys.len(), row));
    let keys = keys::resolve(&raw.keys, &format!("{at}.keys"), environment, report);
    let extra_headers = extra_headers::resolve(
        raw.extra_headers,
        auth_header.as_ref(),
        &format!("{at}.extra_headers"),
        report,
    );
    let mut timeout = |name, timeout: RawDuration| report.keep(&format!("{at}.{name}"), timeout.positive());
    let connect_timeout = timeout("connect_timeout", raw.connect_timeout);
    let response_timeout = timeout("response_timeout", raw.response_timeout);
    let stream_idle_timeout = timeout("stream_idle_timeout", raw.stream_idle_timeout);
    let keep_alive = timeout("keep_alive", raw.keep_alive);
    let circuit_breaker = match &raw.circuit_breaker {
        Some(raw) => circuit_breaker::resolve(raw, &format!("{at}.circuit_breaker"), report).map(Some),
        None => Some(None),
    };
    Some(Provider {
        kind: kind?,
        preset,
        name: name?,
        base_url: base_url?,
        route_prefix: prefix?,
        auth_header: auth_header?,
        usage_chunk: usage_chunk?,
        subscription: row?.subscription,
        keys: keys?,
        extra_headers: extra_headers?,
        further_routes: further_routes?,
        azure_paths: azure_paths?,
        tls: tls?,
        send_actor_headers: raw.send_actor_headers,
        connect_timeout: connect_timeout?,
        response_timeout: response_timeout?,
        stream_idle_timeout: stream_idle_timeout?,
        keep_alive: keep_alive?,
        drain_on_disconnect: raw.drain_on_disconnect.get(),
        api_dump_dir: (!raw.api_dump_dir.is_empty()).then(|| raw.api_dump_dir.into()),
        circuit_breaker: circuit_breaker?,
    })
}

fn allow_azure_paths(azure_paths: bool, kind: Option<ProviderKind>) -> Result<bool, String> {
    match kind {
        Some(ProviderKind::Anthropic | ProviderKind::Copilot) if azure_paths => {
            Err("is for the type \"openai\" only; remove it".to_owned())
        }
        _ => Ok(azure_paths),
    }
}
