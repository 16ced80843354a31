//! Starts the gateway binary for a test: settings, store, environment and arguments. `gateway` has the running server.

use crate::MAX_WAIT;
use crate::process::{ProcessOutput, Running};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::process::Command;

/// The configuration of a gateway process that runs in a temporary directory of its own.
///
/// The process gets only the environment variables set here and `PATH`, so that keys and proxies of a developer do not
/// affect tests.
#[derive(Debug, Clone)]
pub struct Launch {
    binary: PathBuf,
    dir: Arc<TempDir>,
    pub(crate) config: Option<String>,
    store: Option<String>,
    environment: Vec<(OsString, OsString)>,
    pub(crate) arguments: Vec<OsString>,
    pub(crate) start_limit: Duration,
}

impl Launch {
    /// Configures `binary` without settings, in a new temporary directory.
    ///
    /// # Panics
    ///
    /// If no temporary directory can be created.
    pub fn new(binary: impl Into<PathBuf>) -> Self {
        let dir = tempfile::Builder::new().prefix("aibridge-").tempdir().expect("a temporary directory");
        let (environment, arguments) = (Vec::new(), Vec::new());
        Self {
            binary: binary.into(),
            dir: Arc::new(dir),
            config: None,
            store: None,
            environment,
            arguments,
            start_limit: MAX_WAIT,
        }
    }

    /// Sets the URL of the store. The default is a SQLite file in the directory.
    #[must_use]
    pub fn store(mut self, url: impl Into<String>) -> Self {
        self.store = Some(url.into());
        self
    }

    /// Sets the text of the settings file. Without it there is no file.
    #[must_use]
    pub fn config(mut self, toml: impl Into<String>) -> Self {
        self.config = Some(toml.into());
        self
    }

    /// Sets an environment variable of the process.
    #[must_use]
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    /// Sets the time after which a process that does not listen is an error, instead of [`MAX_WAIT`].
    #[must_use]
    pub fn start_limit(mut self, limit: Duration) -> Self {
        self.start_limit = limit;
        self
    }

    /// Adds a command line argument.
    #[must_use]
    pub fn arg(mut self, argument: impl Into<OsString>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// The working directory of the process. It is removed with the last clone of this launch and its gateways.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// The path of the settings file.
    pub fn config_path(&self) -> PathBuf {
        self.dir().join("aibridge.toml")
    }

    /// The path of the SQLite file of a gateway started with [`Launch::start`], unless [`Launch::store`] was set.
    pub fn store_path(&self) -> PathBuf {
        self.dir().join("aibridge.db")
    }

    /// Runs the binary with exactly the given arguments until it exits, as for `aibridge check` or `--help`.
    ///
    /// # Panics
    ///
    /// If it does not exit within [`MAX_WAIT`](crate::MAX_WAIT).
    pub async fn run(&self) -> ProcessOutput {
        self.spawn().wait_exit().await
    }

    pub(crate) fn store_url(&self) -> OsString {
        if let Some(url) = &self.store {
            return url.into();
        }
        let mut url = OsString::from("sqlite:");
        url.push(self.store_path());
        url
    }

    pub(crate) fn spawn(&self) -> Running {
        if let Some(config) = &self.config {
            std::fs::write(self.config_path(), config).expect("the settings file can be written");
        }
        let mut command = Command::new(&self.binary);
        command.args(&self.arguments).current_dir(self.dir()).env_clear();
        #[allow(
            clippy::disallowed_methods,
            reason = "the process finds its libraries by the same path as its parent"
        )]
        command.envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let child = command.spawn().unwrap_or_else(|error| panic!("{}: {error}", self.binary.display()));
        Running::new(child)
    }
}
