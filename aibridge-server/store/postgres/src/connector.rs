//! Opening connections to the server: TLS, session settings, migration, and notifications.

use crate::error::PgError;
use crate::session::Session;
use crate::{instances, schema, tls};
use aibridge_store_core::{PostgresOptions, StoreError};
use secrecy::ExposeSecret;
use std::future::poll_fn;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Notify;
use tokio::time::timeout;
use tokio_postgres::{AsyncMessage, Client, Config, Connection};
use tokio_postgres_rustls::MakeRustlsConnect;
use uuid::Uuid;

/// Session settings. The server ends a transaction that this process abandoned, so that its locks are released. It sorts and
/// unpacks the rows of a large batch in memory instead of temporary files.
const SETTINGS: &str = "SET idle_in_transaction_session_timeout = '10s'; SET statement_timeout = '30s'; \
                        SET lock_timeout = '10s'; SET work_mem = '64MB'; SET TIME ZONE 'UTC'";

/// The channel on which instances announce changed key cooldowns.
const LISTEN: &str = "LISTEN aibridge_key_cooldowns";
pub(super) const NOTIFY: &str = "NOTIFY aibridge_key_cooldowns";

/// Time limit for the migrations.
const MIGRATE_WITHIN: Duration = Duration::from_secs(60);

/// Time without traffic from the server after which a connection counts as lost.
const SILENCE: Duration = Duration::from_secs(10);

/// Opens connections to one database.
pub(super) struct Connector {
    config: Config,
    tls: MakeRustlsConnect,
    display_url: String,
    limit: Duration,
    /// The time for a connection with its log-in: `connect_timeout` of the URL, else `limit`.
    connect_limit: Duration,
    /// The instance that the connections belong to; `None` for a command.
    instance: Option<Uuid>,
    /// Notified when key cooldowns changed, and by each new connection, because a change may have been missed before
    /// it.
    cooldowns_changed: Arc<Notify>,
    /// Whether the schema has been checked or migrated.
    migrated: AtomicBool,
}

impl Connector {
    /// `limit` bounds the time for opening a connection.
    pub(super) fn new(
        options: &PostgresOptions,
        limit: Duration,
        instance: Option<Uuid>,
    ) -> Result<Self, StoreError> {
        let display_url = options.display_url.clone();
        let (mode, tls) = tls::connector(&options.tls, &display_url)?;
        let mut config = Config::from_str(options.url.expose_secret()).map_err(|error| StoreError::Open {
            store: display_url.clone(),
            problem: error.to_string(),
            advice: "write postgres://user@host/database",
        })?;
        // A database that has to wake up first may take longer than a request waits for it.
        let connect_limit = config.get_connect_timeout().copied().unwrap_or(limit);
        config
            .ssl_mode(mode)
            .connect_timeout(connect_limit)
            .keepalives_idle(SILENCE)
            .tcp_user_timeout(SILENCE);
        if config.get_application_name().is_none() {
            config.application_name("aibridge");
        }
        let (cooldowns_changed, migrated) = (Arc::default(), AtomicBool::new(false));
        Ok(Self { config, tls, display_url, limit, connect_limit, instance, cooldowns_changed, migrated })
    }

    /// The URL of the store without its password.
    pub(super) fn display_url(&self) -> &str {
        &self.display_url
    }

    /// Notified when another instance has changed a cooldown, and after a reconnection.
    pub(super) fn cooldowns_changed(&self) -> Arc<Notify> {
        self.cooldowns_changed.clone()
    }

    /// Opens a connection to a database with the latest schema.
    pub(super) async fn connect(&self) -> Result<Session, PgError> {
        let timed_out = |_| PgError::TimedOut(self.limit);
        let mut client = self.client().await?;
        if !self.migrated.load(Ordering::Acquire) {
            let migrated = timeout(MIGRATE_WITHIN, schema::migrate(&mut client)).await;
            migrated.map_err(|_| PgError::TimedOut(MIGRATE_WITHIN))??;
            self.migrated.store(true, Ordering::Release);
        }
        if let Some(instance) = self.instance {
            // Before any write: the other instances would close the interceptions of an unknown instance.
            timeout(self.limit, instances::beat(&client, instance)).await.map_err(timed_out)??;
            timeout(self.limit, client.batch_execute(LISTEN)).await.map_err(timed_out)??;
            self.cooldowns_changed.notify_one();
        }
        Ok(Session::new(client))
    }

    /// Opens a connection without a check of the schema.
    pub(super) async fn client(&self) -> Result<Client, PgError> {
        let timed_out = |_| PgError::TimedOut(self.limit);
        let connected = timeout(self.connect_limit, self.config.connect(self.tls.clone())).await;
        let (client, connection) = connected.map_err(|_| PgError::TimedOut(self.connect_limit))??;
        tokio::spawn(drive(connection, self.cooldowns_changed.clone())); // lives as long as its client
        timeout(self.limit, client.batch_execute(SETTINGS)).await.map_err(timed_out)??;
        Ok(client)
    }

    /// Cancels the running query of `client` on the server.
    pub(super) async fn cancel(&self, client: &Client) -> Result<(), PgError> {
        Ok(client.cancel_token().cancel_query(self.tls.clone()).await?)
    }
}

/// Drives a connection until its client is dropped. The client receives an error of the connection too.
async fn drive<S, T>(mut connection: Connection<S, T>, cooldowns_changed: Arc<Notify>)
where
    S: AsyncRead + AsyncWrite + Unpin,
    T: AsyncRead + AsyncWrite + Unpin,
{
    loop {
        match poll_fn(|context| connection.poll_message(context)).await {
            None => return,
            Some(Ok(AsyncMessage::Notification(_))) => cooldowns_changed.notify_one(),
            Some(Ok(_)) => {}
            Some(Err(error)) => {
                tracing::debug!(%error, "lost a connection to the store");
                return;
            }
        }
    }
}
