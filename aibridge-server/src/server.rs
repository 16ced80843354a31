//! The gateway as a whole: set up, run, stopped.

use crate::handler::{App, handle};
use crate::listen;
use crate::record_log::RecordLog;
use crate::startup;
use crate::who::Who;
use aibridge_config::{Config, Durability, ProviderKind, StoreUrl};
use aibridge_intercept::Gateway;
use aibridge_intercept::call::Timeouts;
use aibridge_keypool::{KeyPool, KeyPoolError};
use aibridge_provider::{CircuitBreakerSettings, OpenAi, OpenAiConfig, Provider, ProviderError};
use aibridge_recorder::Recorder;
use aibridge_store::{Options, SqliteStore, StoreError};
use axum::Router;
use http::{HeaderMap, HeaderName, HeaderValue};
use secrecy::ExposeSecret;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long answers that were cut may take to record their end, and connections to send theirs.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// A gateway that listens but does not answer yet.
pub struct Server {
    config: Config,
    listener: TcpListener,
    address: SocketAddr,
    store: SqliteStore,
    app: Arc<App>,
}

/// Why a gateway could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}: choose another with --listen or [server] listen")]
    Listen {
        /// Which.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A provider cannot be set up.
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// A provider's keys cannot be used.
    #[error("the keys of provider {name:?} cannot be used: {source}")]
    Keys {
        /// Whose.
        name: String,
        /// Why.
        source: KeyPoolError,
    },
}

impl Server {
    /// Opens the store, sets up the providers and binds the listener. `clock` measures the cooldown of keys.
    ///
    /// # Errors
    ///
    /// When any of these cannot be had.
    pub async fn bind(config: Config, clock: quanta::Clock) -> Result<Self, StartError> {
        let providers = config
            .providers
            .iter()
            .map(|provider| Ok(Arc::new(open_ai(provider, &clock)?) as Arc<dyn Provider>))
            .collect::<Result<Vec<_>, StartError>>()?;
        let store = SqliteStore::open(store_options(&config))?;
        let address = config.server.listen;
        let listen = |source| StartError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        let app = Arc::new(App {
            providers,
            who: Who::new(config.auth.mode, store.clone()),
            byok: config.auth.byok,
            max_body_bytes: config.server.max_body_bytes,
            gateway: Gateway::new(recorder(&config, &store)),
            stopping: CancellationToken::new(),
        });
        Ok(Self { config, listener, address, store, app })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What an operator should see at the start, a line each.
    pub fn introduction(&self) -> Vec<String> {
        startup::introduction(&self.config, self.address, &self.app.providers, self.store.orphans_closed())
    }

    /// Serves until `stop` is ready. Then new requests are refused, open answers may end within the grace period, what
    /// is still open is cut and recorded, and the store is closed.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let router = Router::new().fallback(handle).with_state(self.app.clone());
        let connections = TaskTracker::new();
        let hang_up = CancellationToken::new();
        let serving =
            tokio::spawn(listen::serve(self.listener, router, connections.clone(), hang_up.clone()));

        stop.await;
        let Gateway { tasks, cut, .. } = &self.app.gateway;
        let grace = self.config.server.shutdown_grace;
        tracing::info!(
            open = tasks.len(),
            ?grace,
            "stopping: new requests are refused, open answers may end"
        );
        self.app.stopping.cancel();
        tasks.close();
        if timeout(grace, tasks.wait()).await.is_err() {
            tracing::warn!(open = tasks.len(), "the grace period is over: open answers are cut");
            cut.cancel();
            let _ = timeout(LAST_WORDS, tasks.wait()).await;
        }
        hang_up.cancel();
        let _ = timeout(LAST_WORDS, async {
            let _ = serving.await;
            connections.wait().await;
        })
        .await;
        self.store.close().await;
        tracing::info!("stopped");
    }
}

/// The store, and the log if records are to go there too.
fn recorder(config: &Config, store: &SqliteStore) -> Arc<dyn Recorder> {
    let store = Arc::new(store.clone());
    if config.log.records_to_log { Arc::new(RecordLog::new(store)) } else { store }
}

/// What the store needs to know of the settings.
pub fn store_options(config: &Config) -> Options {
    let StoreUrl::Sqlite(path) = &config.store.url;
    Options {
        path: path.clone(),
        durability: match config.store.durability {
            Durability::Process => aibridge_store::Durability::Process,
            Durability::Power => aibridge_store::Durability::Power,
        },
    }
}

fn open_ai(provider: &aibridge_config::Provider, clock: &quanta::Clock) -> Result<OpenAi, StartError> {
    let ProviderKind::OpenAi = provider.kind;
    let key_pool = if provider.keys.is_empty() {
        None
    } else {
        let pool = KeyPool::new(provider.keys.clone(), clock.clone());
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
        },
        circuit_breaker: provider.circuit_breaker.as_ref().map(circuit_breaker),
        clock: clock.clone(),
    })?)
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
mod tests {
    use super::*;
    use aibridge_config::{Sources, Surroundings};
    use std::io;
    use std::path::Path;

    struct Nowhere;

    impl Surroundings for Nowhere {
        fn var(&self, _: &str) -> Option<String> {
            None
        }

        fn read(&self, _: &Path) -> io::Result<String> {
            Err(io::ErrorKind::NotFound.into())
        }
    }

    #[test]
    fn a_provider_gets_the_circuit_breaker_of_its_settings() {
        let table = [
            ("", None),
            ("[provider.circuit_breaker]", Some(CircuitBreakerSettings::default())),
            (
                "[provider.circuit_breaker]\nfailure_threshold = 1\ninterval = \"2s\"\ntimeout = \"3s\"\n\
                 max_requests = 4\nfailure_statuses = [555]",
                Some(CircuitBreakerSettings {
                    failure_threshold: 1,
                    interval: Duration::from_secs(2),
                    timeout: Duration::from_secs(3),
                    max_requests: 4,
                    failure_statuses: vec![555],
                }),
            ),
        ];
        for (text, expected) in table {
            let file = Some(("test.toml".into(), format!("[[provider]]\ntype = \"openai\"\n{text}")));
            let config = aibridge_config::load(&Sources { file, ..Sources::default() }, &Nowhere).unwrap();
            let provider = open_ai(&config.providers[0], &quanta::Clock::new()).unwrap();
            assert_eq!(provider.circuit_breaker().map(|breaker| breaker.settings().clone()), expected);
        }
    }
}
