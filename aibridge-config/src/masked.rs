use crate::Config;
use crate::raw::Raw;

impl Config {
    /// The settings as a file, for an operator to look at: every credential is a hint.
    ///
    /// The file has the shape of the settings and would be read again, but its keys and header values are
    /// hints, of no use to any provider.
    pub fn to_masked_toml(&self) -> String {
        let raw: Raw<String> = Raw {
            server: (&self.server).into(),
            tls: self.tls.as_ref().map(Into::into).unwrap_or_default(),
            admin: (&self.admin).into(),
            auth: (&self.auth).into(),
            limits: (&self.limits).into(),
            store: (&self.store).into(),
            metrics: (&self.metrics).into(),
            telemetry: self.telemetry.as_ref().map(Into::into).unwrap_or_default(),
            log: (&self.log).into(),
            provider: self.providers.iter().map(Into::into).collect(),
        };
        toml::to_string(&raw).unwrap_or_else(|error| format!("# cannot be shown: {error}\n"))
    }
}
