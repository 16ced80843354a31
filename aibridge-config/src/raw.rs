//! The mirror of the settings file: the names, types and defaults of all settings, without validation.

use aibridge_provider_section::RawProvider;
use aibridge_sections::admin::RawAdmin;
use aibridge_sections::auth::RawAuth;
use aibridge_sections::budgets::{RawBudget, RawBudgets};
use aibridge_sections::limits::RawLimits;
use aibridge_sections::log::RawLog;
use aibridge_sections::metrics::RawMetrics;
use aibridge_sections::prices::RawPrices;
use aibridge_sections::server::RawServer;
use aibridge_sections::store::RawStore;
use aibridge_sections::telemetry::RawTelemetry;
use aibridge_sections::tls::RawTls;
use serde::{Deserialize, Serialize};

/// The whole settings file. `S` is the type of a credential: a [`Secret`](aibridge_values::secret::Secret) when the file
/// is read, a hint when it is written.
#[derive(Deserialize, Serialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub(crate) struct Raw<S> {
    pub(crate) server: RawServer,
    pub(crate) tls: RawTls,
    pub(crate) admin: RawAdmin,
    pub(crate) auth: RawAuth,
    pub(crate) limits: RawLimits,
    pub(crate) budgets: RawBudgets,
    pub(crate) budget: Vec<RawBudget>,
    pub(crate) prices: RawPrices,
    pub(crate) store: RawStore,
    pub(crate) metrics: RawMetrics,
    pub(crate) telemetry: RawTelemetry,
    pub(crate) log: RawLog,
    pub(crate) provider: Vec<RawProvider<S>>,
}

impl<S> Default for Raw<S> {
    fn default() -> Self {
        Self {
            server: RawServer::default(),
            tls: RawTls::default(),
            admin: RawAdmin::default(),
            auth: RawAuth::default(),
            limits: RawLimits::default(),
            budgets: RawBudgets::default(),
            budget: Vec::new(),
            prices: RawPrices::default(),
            store: RawStore::default(),
            metrics: RawMetrics::default(),
            telemetry: RawTelemetry::default(),
            log: RawLog::default(),
            provider: Vec::new(),
        }
    }
}
