//! Puts new settings in force, all or none.

use crate::reload::restart;
use crate::start_error::StartError;
use aibridge_admission::origin::OriginPolicy;
use aibridge_config::{Auth, Config, Retention, Server, Store};
use aibridge_handler::providers::ProviderChanges;
use aibridge_handler::runtime_config::{RuntimeConfig, RuntimeSnapshot};
use aibridge_listen::ListenerSettings;
use aibridge_listen::certificate;
use jiff::Timestamp;
use std::sync::Arc;

/// The settings in force, and the runtime configuration that was created from them.
pub(super) struct ActiveSettings {
    runtime_config: RuntimeConfig,
    /// Settings that need a restart have the values of the start.
    config: Config,
}

/// The changes of a reload that succeeded.
pub(super) struct ReloadOutcome {
    pub(super) providers: ProviderChanges,
    /// The names of changed settings outside of `[[provider]]` that are in force.
    pub(super) settings: Vec<&'static str>,
    /// The names of changed settings that a restart would put in force.
    pub(super) needs_restart: Vec<&'static str>,
}

impl ActiveSettings {
    pub(super) fn new(runtime_config: RuntimeConfig, config: Config) -> Self {
        Self { runtime_config, config }
    }

    /// Puts `new` in force, except for the settings that need a restart. Changes nothing if it fails.
    pub(super) fn apply(&mut self, new: &Config) -> Result<ReloadOutcome, StartError> {
        let snapshot = self.runtime_config.load();
        let (providers, changes) = snapshot.providers.updated(&new.providers)?;
        let needs_restart = restart::required(&self.config, new);
        let auth = Auth { mode: restart::reloadable_mode(&self.config, new), ..new.auth };
        let tls = match (&self.config.tls, &new.tls) {
            (Some(old), Some(new)) if old != new => Some(new),
            _ => None, // switching it on or off needs a restart
        };
        let server = Server { listen: self.config.server.listen, ..new.server.clone() };
        let store = Store { retention: new.store.retention, ..self.config.store.clone() };
        let next = Config {
            server,
            auth,
            limits: new.limits.clone(),
            budgets: new.budgets.with_time_zone_of(&self.config.budgets),
            prices: new.prices.clone(),
            store,
            tls: tls.or(self.config.tls.as_ref()).cloned(),
            ..self.config.clone()
        };
        let settings = differences(&self.config, &next);
        if !changes.is_empty() || !settings.is_empty() {
            let server_config = tls.map(certificate::server_config).transpose()?;
            let listener = ListenerSettings {
                bounds: (&next).into(),
                tls: server_config.or_else(|| snapshot.listener.tls.clone()),
            };
            self.runtime_config.replace(RuntimeSnapshot {
                providers,
                authenticator: snapshot.authenticator.with_mode(next.auth.mode),
                origin_policy: OriginPolicy::new(&next.server, &next.admin),
                byok_enabled: next.auth.byok,
                limits: snapshot.limits.with_settings(next.limits.clone()),
                accounting: snapshot.accounting.with_settings(&next, &new.providers, Timestamp::now()),
                max_body_bytes: next.server.max_body_bytes,
                shutdown_grace: next.server.shutdown_grace,
                listener: Arc::new(listener),
                retention: next.store.retention.map(Retention::get),
            });
        }
        if let Some(tls) = tls {
            certificate::warn(tls);
        }
        self.config = next;
        Ok(ReloadOutcome { providers: changes, settings, needs_restart })
    }
}

/// Returns the names of the settings outside of `[[provider]]` that differ.
fn differences(old: &Config, new: &Config) -> Vec<&'static str> {
    let table = [
        ("auth.mode", old.auth.mode != new.auth.mode),
        ("auth.byok", old.auth.byok != new.auth.byok),
        ("budgets", old.budgets != new.budgets),
        ("prices", old.prices != new.prices),
        (
            "limits.max_concurrent_requests",
            old.limits.max_concurrent_requests != new.limits.max_concurrent_requests,
        ),
        ("limits.requests_per_minute", old.limits.requests_per_minute != new.limits.requests_per_minute),
        ("limits.tokens_per_minute", old.limits.tokens_per_minute != new.limits.tokens_per_minute),
        ("limits.max_connections", old.limits.max_connections != new.limits.max_connections),
        ("limits.max_header_bytes", old.limits.max_header_bytes != new.limits.max_header_bytes),
        ("limits.header_timeout", old.limits.header_timeout != new.limits.header_timeout),
        ("server.keep_alive", old.server.keep_alive != new.server.keep_alive),
        ("server.max_body_bytes", old.server.max_body_bytes != new.server.max_body_bytes),
        ("server.allowed_hosts", old.server.allowed_hosts != new.server.allowed_hosts),
        ("server.cors_origins", old.server.cors_origins != new.server.cors_origins),
        ("server.shutdown_grace", old.server.shutdown_grace != new.server.shutdown_grace),
        ("store.retention", old.store.retention != new.store.retention),
        ("tls", old.tls != new.tls),
    ];
    table.into_iter().filter_map(|(setting, differs)| differs.then_some(setting)).collect()
}
