//! Converts the settings of the store.

use aibridge_config::{Config, Durability, PostgresUrl, SslMode, StoreUrl};
use aibridge_store::{Heartbeat, JournalOptions, Options, PostgresOptions, StoreOptions, Tls};
use std::time::Duration;

/// Returns the options of the store that the settings name.
pub fn store_options(config: &Config) -> StoreOptions {
    let store = &config.store;
    let journal = JournalOptions {
        directory: store.journal.clone(),
        durability: match store.durability {
            Durability::Process => aibridge_store::Durability::Process,
            Durability::Power => aibridge_store::Durability::Power,
            Durability::Database => aibridge_store::Durability::Database,
        },
        max_bytes: store.journal_max_bytes as u64,
        timeout: start_within(config),
    };
    match &store.url {
        StoreUrl::Sqlite(path) => StoreOptions::Sqlite(Options { path: path.clone(), journal }),
        StoreUrl::Postgres(url) => StoreOptions::Postgres(PostgresOptions {
            url: url.connection.clone(),
            display_url: url.to_string(),
            tls: tls(url),
            timeout: start_within(config),
            journal,
            heartbeat: Heartbeat::default(),
        }),
    }
}

/// The time that the store has to record a start or to look up a token: nine tenths of the timeout. The rest is left for
/// the error response.
pub fn start_within(config: &Config) -> Duration {
    config.store.timeout / 10 * 9
}

fn tls(url: &PostgresUrl) -> Tls {
    match url.ssl_mode {
        SslMode::Disable => Tls::Disable,
        SslMode::Prefer => Tls::Prefer,
        SslMode::Require => Tls::Require,
        SslMode::VerifyCa => Tls::VerifyCa { root_cert: url.ssl_root_cert.clone() },
        SslMode::VerifyFull => Tls::VerifyFull { root_cert: url.ssl_root_cert.clone() },
    }
}
