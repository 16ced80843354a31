//! The gateway as a whole: set up, run, stopped.

use crate::admin::{self, Admin};
use crate::current::{Current, RuntimeSnapshot};
use crate::handler::{App, handle};
use crate::health::Health;
use crate::isolation::Isolation;
use crate::key_news;
use crate::limits::{Charging, Limits};
use crate::listen::{Listener, Places, Stop};
use crate::origin::OriginPolicy;
use crate::providers::Providers;
use crate::record_log::RecordLog;
use crate::reload::Reloader;
use crate::retention::Retention;
use crate::startup;
use crate::store_options::{start_within, store_options};
use crate::tls;
use crate::who::Who;
use aibridge_api::Api;
use aibridge_config::Config;
use aibridge_dump::Dumps;
use aibridge_intercept::Gateway;
use aibridge_intercept::watch::{EventSink, NoopEventSink};
use aibridge_keypool::KeyPoolError;
use aibridge_metrics::{Metrics, MetricsError};
use aibridge_provider::ProviderError;
use aibridge_recorder::Recorder;
use aibridge_store::{Store, StoreError};
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::{AbortOnDropHandle, TaskTracker};

/// How long answers that were cut may take to record their end, and connections to send theirs.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// A gateway that listens but does not answer yet.
pub struct Server {
    config: Config,
    listener: TcpListener,
    address: SocketAddr,
    admin: Option<(TcpListener, SocketAddr)>,
    store: Store,
    app: Arc<App>,
    dumps: Arc<Dumps>,
    metrics: Option<Arc<Metrics>>,
}

/// Why a gateway could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}: choose another with {setting}")]
    Listen {
        /// Which.
        address: SocketAddr,
        /// Where it is set.
        setting: &'static str,
        /// Why.
        source: std::io::Error,
    },
    /// Metrics cannot be set up.
    #[error("metrics cannot be set up: {0}")]
    Metrics(#[from] MetricsError),
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Connections cannot be protected.
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
    /// A provider cannot be set up.
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// Dumps cannot be written.
    #[error("the traffic of provider {name:?} cannot be dumped: {source}")]
    Dump {
        /// Whose.
        name: String,
        /// Why.
        source: std::io::Error,
    },
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
        if let Some(tls) = &config.tls {
            tls::warn(tls);
        }
        let dumps = Arc::new(Dumps::new(clock.clone()));
        let limits = Limits::new(config.limits.clone(), clock.clone());
        let providers = Providers::new(&config.providers, clock, dumps.clone())?;
        let store = Store::open(store_options(&config)).await?;
        let start_within = start_within(&config);
        let (listener, address) = listen(config.server.listen, "--listen or [server] listen").await?;
        let admin = match config.admin.listen {
            Some(address) => Some(listen(address, "[admin] listen").await?),
            None => None,
        };
        let metrics = metrics(&config, &store)?;
        let current = Current::new(RuntimeSnapshot {
            providers,
            who: Who::new(config.auth.mode, store.clone(), start_within),
            origins: OriginPolicy::new(&config.server, &config.admin),
            byok: config.auth.byok,
            limits,
            max_body_bytes: config.server.max_body_bytes,
            shutdown_grace: config.server.shutdown_grace,
            tls: config.tls.as_ref().map(tls::server_config).transpose()?,
            connections: (&config).into(),
            retention: config.store.retention.map(aibridge_config::Retention::get),
        });
        let watch = match &metrics {
            Some(metrics) => metrics.clone() as Arc<dyn EventSink>,
            None => Arc::new(NoopEventSink),
        };
        let watch = Arc::new(Charging::new(current.clone(), watch));
        let isolation =
            Arc::new(Isolation::new(recorder(&config, &store), store.clone(), current.clone(), start_within));
        let gateway = Gateway { start_within, watch, ..Gateway::new(isolation.clone()) };
        let app = Arc::new(App { current, gateway, isolation, stopping: CancellationToken::new() });
        Ok(Self { config, listener, address, admin, store, app, dumps, metrics })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it serves operators, if not there.
    pub fn admin_address(&self) -> Option<SocketAddr> {
        self.admin.as_ref().map(|(_, address)| *address)
    }

    /// What an operator should see at the start, a line each.
    pub fn introduction(&self) -> Vec<String> {
        let now = self.app.current.load();
        let (providers, orphans) = (now.providers.all(), self.store.orphans_closed());
        let mut lines = startup::introduction(&self.config, self.address, providers, orphans);
        lines.extend(self.admin_address().map(|address| format!("admin    http://{address}")));
        lines
    }

    /// What puts new settings in force while it serves.
    pub fn reloader(&self) -> Reloader {
        Reloader::new(self.app.current.clone(), self.config.clone())
    }

    /// Serves until `stop` is ready. Then new requests are refused, open answers may end within the grace period, what
    /// is still open is cut and recorded, and the store is closed.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let health = Health::new(self.store.clone(), self.app.stopping.clone());
        let mut router = health.clone().router().fallback(handle).with_state(self.app.clone());
        let connections = TaskTracker::new();
        let hang_up = CancellationToken::new();
        let retention = Retention::new(&self.store, self.app.current.clone(), self.metrics.clone());
        let places = Places::default();
        let listener = |socket, router, places| Listener {
            socket,
            router,
            places,
            current: self.app.current.clone(),
            tasks: connections.clone(),
            stop: Stop { stopping: self.app.stopping.clone(), hang_up: hang_up.clone() },
        };
        let operators = admin::routes(Admin {
            app: self.app.clone(),
            store: self.store.clone(),
            metrics: self.metrics,
            places: places.clone(),
            api: Api::new(store_options(&self.config), self.app.gateway.tasks.clone()),
            shared: self.admin.is_none(),
        });
        let serving_operators = if let Some((socket, _)) = self.admin {
            let operators = operators.merge(health.router()).fallback(admin::unknown);
            Some(tokio::spawn(listener(socket, operators, None).serve()))
        } else {
            router = router.merge(operators);
            None
        };
        let serving = tokio::spawn(listener(self.listener, router, Some(places)).serve());

        let news = match &self.store {
            Store::Sqlite(_) => None,
            Store::Postgres(store) => {
                Some(tokio::spawn(key_news::share(store.clone(), self.app.current.clone())))
            }
        };
        let _news = news.map(AbortOnDropHandle::new);
        let retention = AbortOnDropHandle::new(tokio::spawn(retention.run()));

        stop.await;
        drop(retention);
        let Gateway { tasks, cut, .. } = &self.app.gateway;
        let grace = self.app.current.load().shutdown_grace;
        self.app.stopping.cancel();
        tracing::info!(
            open = tasks.len(),
            ?grace,
            "stopping: new requests are refused, open answers may end"
        );
        tasks.close();
        if timeout(grace, tasks.wait()).await.is_err() {
            tracing::warn!(open = tasks.len(), "the grace period is over: open answers are cut");
            cut.cancel();
            let _ = timeout(LAST_WORDS, tasks.wait()).await;
        }
        hang_up.cancel();
        let _ = timeout(LAST_WORDS, async {
            let _ = serving.await;
            if let Some(serving) = serving_operators {
                let _ = serving.await;
            }
            connections.wait().await;
        })
        .await;
        self.store.close().await;
        self.dumps.close().await;
        tracing::info!("stopped");
    }
}

async fn listen(address: SocketAddr, setting: &'static str) -> Result<(TcpListener, SocketAddr), StartError> {
    let failed = |source| StartError::Listen { address, setting, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok((listener, address))
}

/// What counts, if that is wanted.
fn metrics(config: &Config, store: &Store) -> Result<Option<Arc<Metrics>>, StartError> {
    let aibridge_config::Metrics { enabled, max_models: models, max_tools: tools } = config.metrics;
    if !enabled {
        return Ok(None);
    }
    let metrics = Arc::new(Metrics::new(aibridge_metrics::LabelLimits { models, tools })?);
    let observer = Arc::clone(&metrics);
    store.observe_commits(move |took| observer.observe_commit(took));
    Ok(Some(metrics))
}

/// The store, and the log if records are to go there too.
fn recorder(config: &Config, store: &Store) -> Arc<dyn Recorder> {
    let store = Arc::new(store.clone());
    if config.log.records_to_log { Arc::new(RecordLog::new(store)) } else { store }
}
