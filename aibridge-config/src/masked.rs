//! The settings without secrets, as TOML.

use crate::Config;
use crate::raw::Raw;

impl Config {
    /// Returns the settings as a settings file in which hints replace all credentials.
    ///
    /// The file is valid, but its keys and header values cannot authenticate requests.
    pub fn to_masked_toml(&self) -> String {
        let raw: Raw<String> = Raw {
            server: (&self.server).into(),
            tls: self.tls.as_ref().map(Into::into).unwrap_or_default(),
            admin: (&self.admin).into(),
            auth: (&self.auth).into(),
            limits: (&self.limits).into(),
            budgets: (&self.budgets).into(),
            budget: self.budgets.budgets.iter().map(Into::into).collect(),
            prices: (&self.prices).into(),
            store: (&self.store).into(),
            metrics: (&self.metrics).into(),
            telemetry: self.telemetry.as_ref().map(Into::into).unwrap_or_default(),
            log: (&self.log).into(),
            provider: self.providers.iter().map(Into::into).collect(),
        };
        toml::to_string(&raw)
            .unwrap_or_else(|error| format!("# the settings cannot be written as TOML: {error}\n"))
    }
}
