//! The mirror of `[[provider]]`.

use crate::Provider;
use crate::circuit_breaker::RawCircuitBreaker;
use aibridge_keypool::hint;
use aibridge_sections::Tls;
use aibridge_values::duration::RawDuration;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The mirror of `[[provider]]`. `S` is the type of a credential: a
/// [`Secret`](aibridge_values::secret::Secret) when the file is read, a hint when it is written.
#[derive(Deserialize, Serialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub struct RawProvider<S> {
    #[serde(rename = "type")]
    pub(crate) kind: Option<String>,
    pub(crate) preset: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) base_url: Option<String>,
    pub(crate) route_prefix: Option<String>,
    pub(crate) auth_header: Option<String>,
    pub(crate) usage_chunk: Option<String>,
    pub(crate) keys: Vec<S>,
    pub(crate) routes: Vec<String>,
    pub(crate) azure_paths: bool,
    pub(crate) tls_ca: String,
    pub(crate) tls_client_cert: String,
    pub(crate) tls_client_key: String,
    pub(crate) send_actor_headers: bool,
    pub(crate) connect_timeout: RawDuration,
    pub(crate) response_timeout: RawDuration,
    pub(crate) stream_idle_timeout: RawDuration,
    pub(crate) keep_alive: RawDuration,
    pub(crate) drain_on_disconnect: RawDuration,
    pub(crate) api_dump_dir: String,
    pub(crate) extra_headers: BTreeMap<String, S>,
    pub(crate) circuit_breaker: Option<RawCircuitBreaker>,
}

impl<S> Default for RawProvider<S> {
    fn default() -> Self {
        Self {
            kind: None,
            preset: None,
            name: None,
            base_url: None,
            route_prefix: None,
            auth_header: None,
            usage_chunk: None,
            keys: Vec::new(),
            routes: Vec::new(),
            azure_paths: false,
            tls_ca: String::new(),
            tls_client_cert: String::new(),
            tls_client_key: String::new(),
            send_actor_headers: false,
            connect_timeout: RawDuration::from_secs(10),
            response_timeout: RawDuration::from_secs(600),
            stream_idle_timeout: RawDuration::from_secs(300),
            keep_alive: RawDuration::from_secs(15),
            drain_on_disconnect: RawDuration::from_secs(0),
            api_dump_dir: String::new(),
            extra_headers: BTreeMap::new(),
            circuit_breaker: None,
        }
    }
}

impl From<&Provider> for RawProvider<String> {
    fn from(provider: &Provider) -> Self {
        let masked = |secret: &SecretString| hint(secret.expose_secret());
        let header = |(name, value): &(String, SecretString)| (name.clone(), masked(value));
        let client = |path: fn(&Tls) -> &PathBuf| {
            provider.tls.client.as_ref().map(|client| path(client).display().to_string()).unwrap_or_default()
        };
        Self {
            kind: Some(provider.kind.as_str().into()),
            preset: provider.preset.map(|preset| preset.name.into()),
            name: Some(provider.name.clone()),
            base_url: Some(provider.base_url.to_string()),
            route_prefix: Some(provider.route_prefix.clone()),
            auth_header: Some(provider.auth_header.to_string()),
            usage_chunk: Some(provider.usage_chunk.as_str().into()),
            keys: provider.keys.iter().map(masked).collect(),
            routes: provider.further_routes.iter().map(ToString::to_string).collect(),
            azure_paths: provider.azure_paths,
            tls_ca: provider.tls.ca.as_ref().map(|ca| ca.path.display().to_string()).unwrap_or_default(),
            tls_client_cert: client(|client| &client.cert),
            tls_client_key: client(|client| &client.key),
            send_actor_headers: provider.send_actor_headers,
            connect_timeout: provider.connect_timeout.into(),
            response_timeout: provider.response_timeout.into(),
            stream_idle_timeout: provider.stream_idle_timeout.into(),
            keep_alive: provider.keep_alive.into(),
            drain_on_disconnect: provider.drain_on_disconnect.into(),
            api_dump_dir: provider
                .api_dump_dir
                .as_ref()
                .map(|dir| dir.display().to_string())
                .unwrap_or_default(),
            extra_headers: provider.extra_headers.iter().map(header).collect(),
            circuit_breaker: provider.circuit_breaker.as_ref().map(Into::into),
        }
    }
}
