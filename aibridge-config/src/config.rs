//! All settings of the gateway.

use crate::{Admin, Auth, Budgets, Limits, Log, Metrics, Prices, Provider, Server, Store, Telemetry, Tls};

/// All settings, resolved and validated.
#[derive(Debug, Clone)]
pub struct Config {
    /// `[server]`: the listener for clients.
    pub server: Server,
    /// `[tls]`: the certificate of the listener; `None` for plain HTTP.
    pub tls: Option<Tls>,
    /// `[admin]`: the listener for operators.
    pub admin: Admin,
    /// `[auth]`: the authentication of clients.
    pub auth: Auth,
    /// `[limits]`: the limits of requests, tokens and connections.
    pub limits: Limits,
    /// `[budgets]` and `[[budget]]`: who may spend how much.
    pub budgets: Budgets,
    /// `[prices]`: the prices of models.
    pub prices: Prices,
    /// `[store]`: the database for records.
    pub store: Store,
    /// `[metrics]`: the metrics for Prometheus.
    pub metrics: Metrics,
    /// `[telemetry]`: the export of traces; `None` without an endpoint.
    pub telemetry: Option<Telemetry>,
    /// `[log]`: the format of log lines.
    pub log: Log,
    /// `[[provider]]`: at least one provider, each with its own name.
    pub providers: Vec<Provider>,
}
