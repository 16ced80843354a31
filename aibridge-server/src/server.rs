//! Wires a gateway together, runs it and stops it.

use crate::admin::{self, Admin};
use crate::cooldown_sync;
use crate::health::Health;
use crate::page;
use crate::reload::Reloader;
use crate::retention::Retention;
use crate::rollup_task;
use crate::spending::SpendingSync;
use crate::start_error::StartError;
use crate::startup;
use crate::store_options::{start_within, store_options};
use aibridge_accounting::Accounting;
use aibridge_admission::auth::Authenticator;
use aibridge_admission::origin::OriginPolicy;
use aibridge_api::Api;
use aibridge_config::Config;
use aibridge_dashboard::{BrowserSessions, LoginThrottle};
use aibridge_dump::Dumps;
use aibridge_handler::App;
use aibridge_handler::handle;
use aibridge_handler::isolation::Isolation;
use aibridge_handler::providers::Providers;
use aibridge_handler::runtime_config::{RuntimeConfig, RuntimeSnapshot};
use aibridge_handler::token_charging::TokenCharging;
use aibridge_intercept::Gateway;
use aibridge_intercept::events::{EventSink, NoopEventSink};
use aibridge_limits::RequestLimits;
use aibridge_listen::certificate;
use aibridge_listen::{ConnectionLimit, Listener, ListenerSettings, ShutdownSignals};
use aibridge_metrics::Metrics;
use aibridge_recorder::Recorder;
use aibridge_store::{Store, StoreOptions};
use aibridge_telemetry::RecordLog;
use jiff::Timestamp;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::{AbortOnDropHandle, TaskTracker};

/// The time that cut responses have to record their end, and then again for connections to write their last bytes.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// A gateway whose sockets are bound but do not accept connections yet.
pub struct Server {
    config: Config,
    listener: TcpListener,
    address: SocketAddr,
    admin: Option<(TcpListener, SocketAddr)>,
    store: Store,
    app: Arc<App>,
    dumps: Arc<Dumps>,
    metrics: Option<Arc<Metrics>>,
    spending: Arc<SpendingSync>,
    clock: quanta::Clock,
}

impl Server {
    /// Opens the store, creates the providers and binds the sockets. `clock` measures the cooldown of keys.
    ///
    /// # Errors
    ///
    /// If any of these fails.
    pub async fn bind(config: Config, clock: quanta::Clock) -> Result<Self, StartError> {
        if let Some(tls) = &config.tls {
            certificate::warn(tls);
        }
        let dumps = Arc::new(Dumps::new(clock.clone()));
        let limits = RequestLimits::new(config.limits.clone(), clock.clone());
        let providers = Providers::new(&config.providers, clock.clone(), dumps.clone())?;
        let store = Store::open(store_options(&config)).await?;
        let start_within = start_within(&config);
        let (listener, address) = bind(config.server.listen, "--listen or [server] listen").await?;
        let admin = match config.admin.listen {
            Some(address) => Some(bind(address, "[admin] listen").await?),
            None => None,
        };
        let metrics = metrics(&config, &store)?;
        let accounting = Accounting::new(&config, event_sink(metrics.as_ref()), Timestamp::now());
        let spending = Arc::new(SpendingSync::new(&store, store_options(&config)));
        spending.load(&accounting, &store).await;
        let tls = config.tls.as_ref().map(certificate::server_config).transpose()?;
        let runtime_config = RuntimeConfig::new(RuntimeSnapshot {
            providers,
            authenticator: Authenticator::new(config.auth.mode, store.clone(), start_within),
            origin_policy: OriginPolicy::new(&config.server, &config.admin),
            byok_enabled: config.auth.byok,
            limits,
            accounting,
            max_body_bytes: config.server.max_body_bytes,
            shutdown_grace: config.server.shutdown_grace,
            listener: Arc::new(ListenerSettings { bounds: (&config).into(), tls }),
            retention: config.store.retention.map(aibridge_config::Retention::get),
        });
        let app = app(&config, &store, runtime_config, metrics.as_ref());
        Ok(Self { config, listener, address, admin, store, app, dumps, metrics, spending, clock })
    }

    /// Returns the address of the client listener.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the address of the admin listener, if there is one.
    pub fn admin_address(&self) -> Option<SocketAddr> {
        self.admin.as_ref().map(|(_, address)| *address)
    }

    /// Returns the lines that the gateway prints when it starts.
    pub fn introduction(&self) -> Vec<String> {
        let snapshot = self.app.runtime_config.load();
        let (providers, orphans) = (snapshot.providers.all(), self.store.orphans_closed());
        let mut lines = startup::introduction(&self.config, self.address, providers, orphans);
        lines.extend(self.admin_address().map(|address| format!("admin    http://{address}")));
        let page = self.admin_address().map_or(self.client_url(), |address| format!("http://{address}"));
        lines.push(format!("dashboard {page}/dashboard"));
        lines
    }

    /// Returns the URL of the client listener.
    fn client_url(&self) -> String {
        let scheme = if self.config.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// Creates the state of the routes for operators.
    fn operators(&self, connections: ConnectionLimit) -> Admin {
        let (tasks, stopping) = (self.app.gateway.tasks.clone(), self.app.stopping.clone());
        let clock = self.clock.clone();
        Admin {
            app: self.app.clone(),
            store: self.store.clone(),
            metrics: self.metrics.clone(),
            spending: self.spending.clone(),
            connections,
            api: Api::new(
                store_options(&self.config),
                tasks,
                stopping,
                self.config.budgets.time_zone.clone(),
            ),
            sessions: BrowserSessions::new(clock.clone()),
            throttle: LoginThrottle::new(clock),
            shared: self.admin.is_none(),
            client_url: self.client_url(),
        }
    }

    /// Returns the task that reloads the settings while the gateway runs.
    pub fn reloader(&self) -> Reloader {
        Reloader::new(self.app.runtime_config.clone(), self.config.clone())
    }

    /// Serves until `stop` completes. Then it refuses new requests, waits for open responses within the grace period, cuts
    /// and records the rest, and closes the store.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let health = Health::new(self.store.clone(), self.app.stopping.clone());
        let mut router = health.clone().router().fallback(handle).with_state(self.app.clone());
        let connections = TaskTracker::new();
        let close = CancellationToken::new();
        let connection_limit = ConnectionLimit::default();
        let listener = |socket, router, connection_limit| Listener {
            socket,
            router,
            connection_limit,
            refuse: page::refusal(self.app.runtime_config.clone()),
            settings: self.app.runtime_config.listener_settings(),
            tasks: connections.clone(),
            shutdown: ShutdownSignals { stopping: self.app.stopping.clone(), close: close.clone() },
        };
        let admin = Arc::new(self.operators(connection_limit.clone()));
        let admin_routes = admin::routes(admin.clone()).merge(page::routes(admin));
        let admin_listener = if let Some((socket, _)) = self.admin {
            let router = admin_routes.merge(health.router()).fallback(admin::unknown);
            Some(tokio::spawn(listener(socket, router, None).serve()))
        } else {
            router = router.merge(admin_routes);
            None
        };
        let client_listener = tokio::spawn(listener(self.listener, router, Some(connection_limit)).serve());
        let background = background_tasks(
            &self.store,
            &self.app.runtime_config,
            self.metrics,
            self.spending,
            store_options(&self.config),
        );

        stop.await;
        drop(background);
        end_requests(&self.app).await;
        close.cancel();
        let _ = timeout(CLOSE_TIMEOUT, async {
            let _ = client_listener.await;
            if let Some(admin_listener) = admin_listener {
                let _ = admin_listener.await;
            }
            connections.wait().await;
        })
        .await;
        self.store.close().await;
        self.dumps.close().await;
        tracing::info!("stopped");
    }
}

async fn bind(address: SocketAddr, setting: &'static str) -> Result<(TcpListener, SocketAddr), StartError> {
    let failed = |source| StartError::Listen { address, setting, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok((listener, address))
}

fn app(
    config: &Config,
    store: &Store,
    runtime_config: RuntimeConfig,
    metrics: Option<&Arc<Metrics>>,
) -> Arc<App> {
    let start_within = start_within(config);
    let events = Arc::new(TokenCharging::new(runtime_config.clone(), event_sink(metrics)));
    let recorder = recorder(config, store);
    let isolation = Arc::new(Isolation::new(recorder, store.clone(), runtime_config.clone(), start_within));
    let gateway = Gateway { start_timeout: start_within, events, ..Gateway::new(isolation.clone()) };
    Arc::new(App { runtime_config, gateway, isolation, stopping: CancellationToken::new() })
}

/// Returns the metrics as an event sink.
fn event_sink(metrics: Option<&Arc<Metrics>>) -> Arc<dyn EventSink> {
    match metrics {
        Some(metrics) => metrics.clone(),
        None => Arc::new(NoopEventSink),
    }
}

/// Creates the metrics, if the settings enable them.
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

/// Returns the store, behind a [`RecordLog`] if the settings enable it.
fn recorder(config: &Config, store: &Store) -> Arc<dyn Recorder> {
    let store = Arc::new(store.clone());
    if config.log.records_to_log { Arc::new(RecordLog::new(store)) } else { store }
}

/// Starts the tasks that run beside the listeners. They end when the handles are dropped.
fn background_tasks(
    store: &Store,
    runtime_config: &RuntimeConfig,
    metrics: Option<Arc<Metrics>>,
    spending: Arc<SpendingSync>,
    options: StoreOptions,
) -> Vec<AbortOnDropHandle<()>> {
    let retention = Retention::new(store, runtime_config.clone(), metrics);
    let sums = rollup_task::run(options);
    let following = runtime_config.clone();
    let following = {
        let store = store.clone();
        async move { spending.run(following, store).await }
    };
    let mut tasks = vec![
        AbortOnDropHandle::new(tokio::spawn(retention.run())),
        AbortOnDropHandle::new(tokio::spawn(sums)),
        AbortOnDropHandle::new(tokio::spawn(following)),
    ];
    if let Store::Postgres(store) = store {
        let sync = cooldown_sync::run(store.clone(), runtime_config.clone());
        tasks.push(AbortOnDropHandle::new(tokio::spawn(sync)));
    }
    tasks
}

/// Refuses new requests, waits for open responses within the grace period, and cuts the rest.
async fn end_requests(app: &App) {
    let Gateway { tasks, abort, .. } = &app.gateway;
    let grace = app.runtime_config.load().shutdown_grace;
    app.stopping.cancel();
    tracing::info!(open = tasks.len(), ?grace, "stopping: new requests are refused, open responses may end");
    tasks.close();
    if timeout(grace, tasks.wait()).await.is_err() {
        tracing::warn!(open = tasks.len(), "the grace period is over: open responses are cut");
        abort.cancel();
        let _ = timeout(CLOSE_TIMEOUT, tasks.wait()).await;
    }
}
