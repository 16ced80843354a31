use crate::{Admin, Auth, Limits, Log, Metrics, Provider, Server, Store, Telemetry, Tls};

/// All settings, resolved and valid.
#[derive(Debug, Clone)]
pub struct Config {
    /// `[server]`: the listener.
    pub server: Server,
    /// `[tls]`: how its connections are protected; not at all without.
    pub tls: Option<Tls>,
    /// `[admin]`: the listener for operators.
    pub admin: Admin,
    /// `[auth]`: who may use the gateway, and with whose keys.
    pub auth: Auth,
    /// `[limits]`: how much clients may ask of it.
    pub limits: Limits,
    /// `[store]`: where records go.
    pub store: Store,
    /// `[metrics]`: what is counted.
    pub metrics: Metrics,
    /// `[telemetry]`: where traces go; nowhere without an endpoint.
    pub telemetry: Option<Telemetry>,
    /// `[log]`: how it is logged.
    pub log: Log,
    /// `[[provider]]`: at least one, with different names.
    pub providers: Vec<Provider>,
}
