//! The providers in force: how they are made from settings, and made anew when those change.

use crate::server::StartError;
use aibridge_config::ProviderKind;
use aibridge_dump::Dumps;
use aibridge_intercept::call::Timeouts;
use aibridge_keypool::KeyPool;
use aibridge_provider::{ApiDump, CircuitBreakerSettings, OpenAi, OpenAiConfig, Provider};
use http::{HeaderMap, HeaderName, HeaderValue};
use secrecy::ExposeSecret;
use std::sync::Arc;

/// Some providers, each with the settings that it was made from.
pub struct Providers {
    settings: Vec<aibridge_config::Provider>,
    made: Vec<Arc<dyn Provider>>,
    clock: quanta::Clock,
    dumps: Arc<Dumps>,
}

/// What became of the providers. Holds names and masked keys only.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Those that are new.
    pub added: Vec<String>,
    /// Those that are gone.
    pub removed: Vec<String>,
    /// Those with new settings, each with their names.
    pub changed: Vec<String>,
}

impl Providers {
    /// Makes the providers. `clock` measures the cooldown of keys, `dumps` writes the traffic of those that want it.
    ///
    /// # Errors
    ///
    /// If one of them cannot be made.
    pub fn new(
        settings: &[aibridge_config::Provider],
        clock: quanta::Clock,
        dumps: Arc<Dumps>,
    ) -> Result<Self, StartError> {
        let nothing = Self { settings: Vec::new(), made: Vec::new(), clock, dumps };
        Ok(nothing.renewed(settings)?.0)
    }

    /// The providers of other settings. Those whose settings are the same are the same, with their connections and
    /// circuits; of the others, keys that they had before keep their state.
    ///
    /// # Errors
    ///
    /// If one of them cannot be made.
    pub fn renewed(&self, settings: &[aibridge_config::Provider]) -> Result<(Self, Changes), StartError> {
        let mut changes = Changes::default();
        let mut made = Vec::new();
        for new in settings {
            let old = self.settings.iter().zip(&self.made).find(|(old, _)| old.name == new.name);
            made.push(match old {
                None => {
                    let provider = self.open_ai(new, None)?;
                    changes.added.push(described(&provider));
                    Arc::new(provider)
                }
                Some((old_settings, old)) => match old_settings.differences(new) {
                    same if same.is_empty() => old.clone(),
                    differences => {
                        let provider = self.open_ai(new, old.key_failover().pool())?;
                        changes.changed.push(format!("{}: {}", described(&provider), differences.join(", ")));
                        Arc::new(provider)
                    }
                },
            });
        }
        let is_gone = |old: &&Arc<dyn Provider>| settings.iter().all(|new| new.name != old.name());
        changes.removed = self.made.iter().filter(is_gone).map(|old| old.name().to_owned()).collect();
        Ok((
            Self {
                settings: settings.to_owned(),
                made,
                clock: self.clock.clone(),
                dumps: self.dumps.clone(),
            },
            changes,
        ))
    }

    /// All of them, in the order of the settings.
    pub fn all(&self) -> &[Arc<dyn Provider>] {
        &self.made
    }

    /// The one of this name.
    pub fn find(&self, name: &str) -> Option<&Arc<dyn Provider>> {
        self.made.iter().find(|provider| provider.name() == name)
    }

    fn open_ai(
        &self,
        provider: &aibridge_config::Provider,
        before: Option<&KeyPool>,
    ) -> Result<OpenAi, StartError> {
        let ProviderKind::OpenAi = provider.kind;
        let key_pool = if provider.keys.is_empty() {
            None
        } else {
            let keys = provider.keys.clone();
            let pool = match before {
                Some(before) => before.renewed(keys),
                None => KeyPool::new(keys, self.clock.clone()),
            };
            Some(pool.map_err(|source| StartError::Keys { name: provider.name.clone(), source })?)
        };
        Ok(OpenAi::new(OpenAiConfig {
            name: provider.name.clone(),
            enabled: true,
            base_url: provider.base_url.to_string(),
            key: None,
            key_pool,
            extra_headers: extra_headers(provider),
            send_actor_headers: provider.send_actor_headers,
            timeouts: Timeouts {
                connect: provider.connect_timeout,
                response: provider.response_timeout,
                stream_idle: provider.stream_idle_timeout,
                keep_alive: provider.keep_alive,
            },
            circuit_breaker: provider.circuit_breaker.as_ref().map(circuit_breaker),
            api_dump: self.api_dump(provider)?,
            clock: self.clock.clone(),
        })?)
    }

    fn api_dump(&self, provider: &aibridge_config::Provider) -> Result<Option<ApiDump>, StartError> {
        let Some(dir) = provider.api_dump_dir.clone() else { return Ok(None) };
        let tap = self
            .dumps
            .tap(&dir, &provider.name)
            .map_err(|source| StartError::Dump { name: provider.name.clone(), source })?;
        Ok(Some(ApiDump { dir, tap }))
    }
}

impl Changes {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Its name and its masked keys.
fn described(provider: &dyn Provider) -> String {
    let keys = provider.key_failover().pool().map(KeyPool::statuses).unwrap_or_default();
    let hints: Vec<String> = keys.into_iter().map(|key| key.hint).collect();
    let keys = if hints.is_empty() { "no keys".to_owned() } else { hints.join(", ") };
    format!("{} ({keys})", provider.name())
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

/// The settings hold valid names and values only.
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
