//! The providers in force: creates them from settings, and recreates those whose settings change.

use aibridge_config::ProviderKind;
use aibridge_dump::Dumps;
use aibridge_intercept::ClientTls;
use aibridge_intercept::call::Timeouts;
use aibridge_keypool::{KeyPool, KeyPoolError};
use aibridge_provider::{
    Anthropic, ApiDump, CircuitBreakerSettings, Copilot, FurtherRoute, OpenAi, Provider, ProviderConfig,
    ProviderError,
};
use http::{HeaderMap, HeaderName, HeaderValue};
use secrecy::ExposeSecret;
use std::io;
use std::sync::Arc;

/// The providers in force, each with the settings that created it.
pub struct Providers {
    settings: Vec<aibridge_config::Provider>,
    providers: Vec<Arc<dyn Provider>>,
    clock: quanta::Clock,
    dumps: Arc<Dumps>,
}

/// The difference between two sets of providers, for the log. Holds names and masked keys only.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct ProviderChanges {
    /// New providers, each with its masked keys.
    pub added: Vec<String>,
    /// The names of removed providers.
    pub removed: Vec<String>,
    /// Providers with changed settings, each with its masked keys and the names of these settings.
    pub changed: Vec<String>,
}

/// The reason why the providers of the settings cannot be created.
#[derive(Debug, thiserror::Error)]
pub enum ProvidersError {
    /// A provider cannot be created.
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// The directory for dumps cannot be used.
    #[error("cannot dump the traffic of provider {name:?}: {source}")]
    Dump {
        /// The provider's configured name.
        name: String,
        /// The error of the file system.
        source: io::Error,
    },
    /// The keys of a provider cannot be used.
    #[error("cannot use the keys of provider {name:?}: {source}")]
    Keys {
        /// The provider's configured name.
        name: String,
        /// The error of the key pool.
        source: KeyPoolError,
    },
}

impl Providers {
    /// Creates the providers. `clock` measures the cooldown of keys; `dumps` writes the traffic of providers with
    /// `api_dump_dir`.
    ///
    /// # Errors
    ///
    /// If one of them cannot be created.
    pub fn new(
        settings: &[aibridge_config::Provider],
        clock: quanta::Clock,
        dumps: Arc<Dumps>,
    ) -> Result<Self, ProvidersError> {
        let empty = Self { settings: Vec::new(), providers: Vec::new(), clock, dumps };
        Ok(empty.updated(settings)?.0)
    }

    /// Returns the providers, in their order, whose upstream is that of the provider called `name`, itself included.
    pub fn sharing_upstream(&self, name: &str) -> impl Iterator<Item = &Arc<dyn Provider>> {
        let base_url =
            self.all().iter().find(|provider| provider.name() == name).map(|found| found.base_url());
        self.all().iter().filter(move |provider| Some(provider.base_url()) == base_url)
    }

    /// Returns the providers for other settings. A provider with unchanged settings stays, with its connections and its
    /// circuit; a changed one is created again, but keys that it had before keep their state.
    ///
    /// # Errors
    ///
    /// If one of them cannot be created.
    pub fn updated(
        &self,
        settings: &[aibridge_config::Provider],
    ) -> Result<(Self, ProviderChanges), ProvidersError> {
        let mut changes = ProviderChanges::default();
        let mut providers = Vec::new();
        for new in settings {
            let old = self.settings.iter().zip(&self.providers).find(|(old, _)| old.name == new.name);
            providers.push(match old {
                None => {
                    let provider = self.create(new, None)?;
                    changes.added.push(describe(&*provider));
                    provider
                }
                Some((old_settings, old)) => match old_settings.differences(new) {
                    same if same.is_empty() => old.clone(),
                    differences => {
                        let provider = self.create(new, old.key_failover().pool())?;
                        changes.changed.push(format!("{}: {}", describe(&*provider), differences.join(", ")));
                        provider
                    }
                },
            });
        }
        let is_removed = |old: &&Arc<dyn Provider>| settings.iter().all(|new| new.name != old.name());
        changes.removed = self.providers.iter().filter(is_removed).map(|old| old.name().to_owned()).collect();
        Ok((
            Self {
                settings: settings.to_owned(),
                providers,
                clock: self.clock.clone(),
                dumps: self.dumps.clone(),
            },
            changes,
        ))
    }

    /// Returns all providers, in the order of the settings.
    pub fn all(&self) -> &[Arc<dyn Provider>] {
        &self.providers
    }

    /// Returns the provider with this configured name.
    pub fn find(&self, name: &str) -> Option<&Arc<dyn Provider>> {
        self.providers.iter().find(|provider| provider.name() == name)
    }

    fn create(
        &self,
        settings: &aibridge_config::Provider,
        previous: Option<&KeyPool>,
    ) -> Result<Arc<dyn Provider>, ProvidersError> {
        let config = self.config(settings, previous)?;
        Ok(match settings.kind {
            ProviderKind::OpenAi => Arc::new(OpenAi::new(config)?),
            ProviderKind::Anthropic => Arc::new(Anthropic::new(config)?),
            ProviderKind::Copilot => Arc::new(Copilot::new(config)?),
        })
    }

    fn config(
        &self,
        provider: &aibridge_config::Provider,
        previous: Option<&KeyPool>,
    ) -> Result<ProviderConfig, ProvidersError> {
        let key_pool = if provider.keys.is_empty() {
            None
        } else {
            let keys = provider.keys.clone();
            let pool = match previous {
                Some(previous) => previous.with_keys(keys),
                None => KeyPool::new(keys, self.clock.clone()),
            };
            Some(pool.map_err(|source| ProvidersError::Keys { name: provider.name.clone(), source })?)
        };
        Ok(ProviderConfig {
            name: provider.name.clone(),
            enabled: true,
            base_url: provider.base_url.to_string(),
            route_prefix: provider.route_prefix.clone(),
            auth_header: Some(provider.auth_header.clone()),
            usage_chunk: provider.usage_chunk,
            subscription: provider.subscription,
            further_routes: provider.further_routes.iter().map(further_route).collect(),
            azure_paths: provider.azure_paths,
            key: None,
            key_pool,
            extra_headers: extra_headers(provider),
            send_actor_headers: provider.send_actor_headers,
            tls: client_tls(&provider.tls),
            timeouts: Timeouts {
                connect: provider.connect_timeout,
                response: provider.response_timeout,
                stream_idle: provider.stream_idle_timeout,
                keep_alive: provider.keep_alive,
                drain_on_disconnect: provider.drain_on_disconnect,
            },
            circuit_breaker: provider.circuit_breaker.as_ref().map(circuit_breaker),
            api_dump: self.api_dump(provider)?,
            clock: self.clock.clone(),
        })
    }

    fn api_dump(&self, provider: &aibridge_config::Provider) -> Result<Option<ApiDump>, ProvidersError> {
        let Some(dir) = provider.api_dump_dir.clone() else { return Ok(None) };
        let tap = self
            .dumps
            .tap(&dir, &provider.name)
            .map_err(|source| ProvidersError::Dump { name: provider.name.clone(), source })?;
        Ok(Some(ApiDump { dir, tap }))
    }
}

impl ProviderChanges {
    /// Whether no provider was added, removed or changed.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Returns the name and the masked keys.
fn describe(provider: &dyn Provider) -> String {
    let keys = provider.key_failover().pool().map(KeyPool::statuses).unwrap_or_default();
    let hints: Vec<String> = keys.into_iter().map(|key| key.hint).collect();
    let keys = if hints.is_empty() { "no keys".to_owned() } else { hints.join(", ") };
    format!("{} ({keys})", provider.name())
}

fn further_route(route: &aibridge_config::FurtherRoute) -> FurtherRoute {
    let aibridge_config::FurtherRoute { method, path, matches_rest } = route.clone();
    FurtherRoute { method, path, matches_rest }
}

fn client_tls(settings: &aibridge_config::ProviderTls) -> ClientTls {
    ClientTls {
        authorities: settings.ca.as_ref().map(|ca| ca.certificates.clone()).unwrap_or_default(),
        certificate: settings.client.as_ref().map(|client| client.certified.clone()),
    }
}

fn circuit_breaker(settings: &aibridge_config::CircuitBreaker) -> CircuitBreakerSettings {
    CircuitBreakerSettings {
        failure_threshold: settings.failure_threshold,
        interval: settings.interval,
        timeout: settings.timeout,
        max_requests: settings.max_requests,
        failure_statuses: settings.failure_statuses.clone(),
    }
}

/// Converts the headers. The settings validated their names and values.
fn extra_headers(provider: &aibridge_config::Provider) -> HeaderMap {
    let valid = provider.extra_headers.iter().filter_map(|(name, value)| {
        let mut value = HeaderValue::from_str(value.expose_secret()).ok()?;
        value.set_sensitive(true);
        Some((HeaderName::try_from(name).ok()?, value))
    });
    valid.collect()
}

#[cfg(test)]
mod tests;
