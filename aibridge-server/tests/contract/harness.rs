//! A gateway in the test process, with a mocked clock. No tests.

use aibridge_config::{Config, Environment, Flags, Sources};
use aibridge_server::Server;
use aibridge_testkit::{Response, Store, within};
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// Headers of requests that a proxy forwards.
pub(crate) const PROXIED: [(&str, &str); 3] =
    [("X-Forwarded-For", "127.0.0.1"), ("Forwarded", "for=127.0.0.1"), ("X-Real-IP", "127.0.0.1")];

/// Settings with which requests and responses wait for the database.
pub(crate) const WAITS_FOR_DATABASE: &str = "[store]\ndurability = \"database\"\n";

/// A gateway under test. It serves in this process, on a free port, with a store of its own.
pub(crate) struct Harness {
    pub(crate) address: SocketAddr,
    /// The address of the admin listener, if there is one.
    pub(crate) admin: Option<SocketAddr>,
    pub(crate) store: Store,
    clock: Arc<quanta::Mock>,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<()>,
    _dir: TempDir,
}

/// An environment without variables and files: settings come only from the text of a test.
struct EmptyEnvironment;

impl Environment for EmptyEnvironment {
    fn var(&self, _: &str) -> Option<String> {
        None
    }

    fn read(&self, _: &Path) -> io::Result<String> {
        Err(io::ErrorKind::NotFound.into())
    }
}

impl Harness {
    /// Starts a gateway with `settings`. Its address and its store are set by the harness.
    pub(crate) async fn start(settings: &str) -> Self {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join("aibridge.db");
        let (clock, mock) = quanta::Clock::mock();
        let server = Server::bind(config(settings, &path), clock).await.unwrap();
        let (address, admin) = (server.address(), server.admin_address());
        let (stop, stopped) = oneshot::channel();
        let serving = tokio::spawn(server.run(async {
            let _ = stopped.await;
        }));
        Self { address, admin, store: Store::new(path), clock: mock, stop, serving, _dir: dir }
    }

    /// Starts a gateway with a provider of each vendor at `base_url`, with these keys.
    pub(crate) async fn with_keys(base_url: &str, keys: &[&str]) -> Self {
        Self::start(&(provider_settings(base_url, keys) + &anthropic_settings(base_url, keys))).await
    }

    /// Advances the clock of cooldowns and limits.
    pub(crate) fn advance(&self, by: Duration) {
        self.clock.increment(by);
    }

    /// Stops the gateway and waits for its end.
    pub(crate) async fn stop(self) -> Store {
        let _ = self.stop.send(());
        within(self.serving, "the gateway stops").await.unwrap();
        self.store
    }
}

/// The status of `response`, and its error code if it is an error of the gateway.
pub(crate) fn status_and_code(response: &Response) -> (u16, Option<&str>) {
    (response.status(), response.header("x-aibridge-error"))
}

/// The settings of one provider `openai`.
pub(crate) fn provider_settings(base_url: &str, keys: &[&str]) -> String {
    format!("[[provider]]\ntype = \"openai\"\nbase_url = \"{base_url}\"\nkeys = {keys:?}\n")
}

/// The settings of one provider `anthropic`, whose base URL is `base_url` without the version.
pub(crate) fn anthropic_settings(base_url: &str, keys: &[&str]) -> String {
    let base_url = base_url.trim_end_matches("v1/");
    format!("[[provider]]\ntype = \"anthropic\"\nbase_url = \"{base_url}\"\nkeys = {keys:?}\n")
}

fn config(settings: &str, store: &Path) -> Config {
    let sources = Sources {
        file: Some((PathBuf::from("test.toml"), settings.to_owned())),
        env: Vec::new(),
        flags: Flags {
            listen: Some("127.0.0.1:0".into()),
            store: Some(format!("sqlite:{}", store.display())),
            ..Flags::default()
        },
    };
    aibridge_config::load(&sources, &EmptyEnvironment).unwrap()
}
