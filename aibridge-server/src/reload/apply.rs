use super::{Reloader, restart};
use crate::current::RuntimeSnapshot;
use crate::origin::OriginPolicy;
use crate::providers::Changes;
use crate::server::StartError;
use crate::tls;
use aibridge_config::{Auth, Config, Retention, Server, Store};

/// What came of new settings.
pub(super) struct Applied {
    pub(super) changes: Changes,
    /// The settings beside the providers that have changed.
    pub(super) settings: Vec<&'static str>,
    /// The settings that have changed in vain.
    pub(super) needs_restart: Vec<&'static str>,
}

impl Reloader {
    /// Puts in force what can be, all or nothing.
    pub(super) fn apply(&mut self, new: &Config) -> Result<Applied, StartError> {
        let now = self.current.load();
        let (providers, changes) = now.providers.renewed(&new.providers)?;
        let needs_restart = restart::needed(&self.settings, new);
        let auth = Auth { mode: restart::mode_beside(&self.settings, new), ..new.auth };
        let tls = match (&self.settings.tls, &new.tls) {
            (Some(old), Some(new)) if old != new => Some(new),
            _ => None, // switching it on or off needs a restart
        };
        let server = Server { listen: self.settings.server.listen, ..new.server.clone() };
        let store = Store { retention: new.store.retention, ..self.settings.store.clone() };
        let next = Config {
            server,
            auth,
            limits: new.limits.clone(),
            store,
            tls: tls.or(self.settings.tls.as_ref()).cloned(),
            ..self.settings.clone()
        };
        let settings = changed(&self.settings, &next);
        if !changes.is_empty() || !settings.is_empty() {
            self.current.replace(RuntimeSnapshot {
                providers,
                who: now.who.with_mode(next.auth.mode),
                origins: OriginPolicy::new(&next.server, &next.admin),
                byok: next.auth.byok,
                limits: now.limits.renewed(next.limits.clone()),
                max_body_bytes: next.server.max_body_bytes,
                shutdown_grace: next.server.shutdown_grace,
                tls: tls.map(tls::server_config).transpose()?.or_else(|| now.tls.clone()),
                connections: (&next).into(),
                retention: next.store.retention.map(Retention::get),
            });
        }
        if let Some(tls) = tls {
            tls::warn(tls);
        }
        self.settings = next;
        Ok(Applied { changes, settings, needs_restart })
    }
}

/// The settings beside the providers that differ.
fn changed(old: &Config, new: &Config) -> Vec<&'static str> {
    let table = [
        ("auth.mode", old.auth.mode != new.auth.mode),
        ("auth.byok", old.auth.byok != new.auth.byok),
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
