//! `[[provider]]`: the providers.

mod circuit_breaker;
mod differences;
mod extra_headers;
mod keys;
mod name;
mod raw;

pub use circuit_breaker::CircuitBreaker;
pub use raw::RawProvider;

use aibridge_values::Environment;
use aibridge_values::base_url::{self, Advice};
use aibridge_values::choice::choice;
use aibridge_values::duration::RawDuration;
use aibridge_values::report::Report;
use aibridge_values::secret::Secret;
use name::Names;
use secrecy::SecretString;
use std::path::PathBuf;
use std::time::Duration;
use url::Url;

/// The settings of a provider.
#[derive(Debug, Clone)]
pub struct Provider {
    /// `type`: the API of the provider.
    pub kind: ProviderKind,
    /// The name: the first segment of the paths of its routes.
    pub name: String,
    /// The base URL of the API; always ends in one slash.
    pub base_url: Url,
    /// The distinct keys, in order of preference. Without keys, the provider is BYOK-only.
    pub keys: Vec<SecretString>,
    /// The names and values of headers to add to every upstream request, sorted by name.
    pub extra_headers: Vec<(String, SecretString)>,
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
    /// The directory to which all traffic with the provider is dumped; `None` for no dump.
    pub api_dump_dir: Option<PathBuf>,
    /// The settings of the circuit breaker; `None` for no circuit breaker.
    pub circuit_breaker: Option<CircuitBreaker>,
}

const BASE_URL: Advice =
    Advice { example: "https://api.openai.com/v1/", credentials: "keys or extra_headers" };

/// The API of a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ProviderKind {
    /// The OpenAI API, or a compatible one.
    OpenAi,
}

impl ProviderKind {
    const ALL: [Self; 1] = [Self::OpenAi];

    /// The value in the settings.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
        }
    }
}

/// Resolves all providers. `None` if any of them has a problem.
pub fn resolve(
    raw: Vec<RawProvider<Secret>>,
    environment: &dyn Environment,
    report: &mut Report<'_>,
) -> Option<Vec<Provider>> {
    let mut names = Names::default();
    let providers: Vec<Option<Provider>> = raw
        .into_iter()
        .enumerate()
        .map(|(index, raw)| resolve_one(raw, &format!("provider[{index}]"), &mut names, environment, report))
        .collect();
    providers.into_iter().collect()
}

fn resolve_one(
    raw: RawProvider<Secret>,
    at: &str,
    names: &mut Names,
    environment: &dyn Environment,
    report: &mut Report<'_>,
) -> Option<Provider> {
    let kind = match &raw.kind {
        Some(kind) => choice(kind, &ProviderKind::ALL, ProviderKind::as_str),
        None => Err("is missing; write type = \"openai\"".to_owned()),
    };
    let kind = report.keep(&format!("{at}.type"), kind);
    let name = raw.name.or_else(|| kind.map(|kind| kind.as_str().to_owned()));
    let name = name.and_then(|name| report.keep(&format!("{at}.name"), names.claim(name, at)));
    let base_url = report.keep(&format!("{at}.base_url"), base_url::parse(&raw.base_url, BASE_URL));
    let keys = keys::resolve(&raw.keys, &format!("{at}.keys"), environment, report);
    let extra_headers = extra_headers::resolve(raw.extra_headers, &format!("{at}.extra_headers"), report);
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
        name: name?,
        base_url: base_url?,
        keys: keys?,
        extra_headers: extra_headers?,
        send_actor_headers: raw.send_actor_headers,
        connect_timeout: connect_timeout?,
        response_timeout: response_timeout?,
        stream_idle_timeout: stream_idle_timeout?,
        keep_alive: keep_alive?,
        api_dump_dir: (!raw.api_dump_dir.is_empty()).then(|| raw.api_dump_dir.into()),
        circuit_breaker: circuit_breaker?,
    })
}
