use crate::gateway::Gateway;
use crate::output::Output;
use crate::within;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;

/// How a gateway is to be started: which binary, with which settings, in a directory of its own.
///
/// The child sees no environment but what it is given here (and `PATH`), so that a developer's keys and
/// proxies stay out of tests.
#[derive(Debug, Clone)]
pub struct Launch {
    binary: PathBuf,
    dir: Arc<TempDir>,
    config: Option<String>,
    store: Option<String>,
    environment: Vec<(OsString, OsString)>,
    arguments: Vec<OsString>,
}

/// A gateway that is no more.
#[derive(Debug, Clone)]
pub struct Exited {
    /// How it ended.
    pub status: ExitStatus,
    /// All that it printed.
    pub stdout: String,
    /// All that it logged.
    pub stderr: String,
}

/// A started child and its captured output.
pub(crate) struct Running {
    pub(crate) child: Child,
    pub(crate) stdout: Output,
    pub(crate) stderr: Output,
    readers: [JoinHandle<()>; 2],
}

impl Launch {
    /// A launch of `binary` without settings, in a new temporary directory.
    ///
    /// # Panics
    ///
    /// If no temporary directory can be made.
    pub fn new(binary: impl Into<PathBuf>) -> Self {
        let dir = tempfile::Builder::new().prefix("aibridge-").tempdir().expect("a temporary directory");
        let (environment, arguments) = (Vec::new(), Vec::new());
        Self { binary: binary.into(), dir: Arc::new(dir), config: None, store: None, environment, arguments }
    }

    /// The URL of the store, if it is not to be a file in the directory.
    #[must_use]
    pub fn store(mut self, url: impl Into<String>) -> Self {
        self.store = Some(url.into());
        self
    }

    /// The text of the settings file.
    #[must_use]
    pub fn config(mut self, toml: impl Into<String>) -> Self {
        self.config = Some(toml.into());
        self
    }

    /// Sets an environment variable of the child.
    #[must_use]
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    /// Adds a command line argument.
    #[must_use]
    pub fn arg(mut self, argument: impl Into<OsString>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// The directory that the child runs in. It goes away with the last clone of this launch and its gateways.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// The settings file.
    pub fn config_path(&self) -> PathBuf {
        self.dir().join("aibridge.toml")
    }

    /// The store of a gateway started with [`Launch::start`], if it is a file.
    pub fn store_path(&self) -> PathBuf {
        self.dir().join("aibridge.db")
    }

    /// Starts `aibridge serve` on a free port with its store in the directory, and waits until it listens.
    /// A further start finds the store as the last gateway left it.
    ///
    /// # Panics
    ///
    /// With its output, if it ends or stays silent instead.
    pub async fn start(&self) -> Gateway {
        let mut launch = self.clone();
        let own = ["--listen".into(), "127.0.0.1:0".into(), "--store".into(), self.store_url()];
        launch.arguments = [OsString::from("serve")].into_iter().chain(own).chain(launch.arguments).collect();
        if self.config.is_some() {
            launch = launch.arg("--config").arg(self.config_path());
        }
        Gateway::listening(launch.spawn(), self.clone()).await
    }

    /// Runs the binary with exactly the given arguments until it exits: `aibridge check`, bad settings, `--help`.
    ///
    /// # Panics
    ///
    /// If it does not exit.
    pub async fn run(&self) -> Exited {
        self.spawn().exited().await
    }

    fn store_url(&self) -> OsString {
        if let Some(url) = &self.store {
            return url.into();
        }
        let mut url = OsString::from("sqlite:");
        url.push(self.store_path());
        url
    }

    fn spawn(&self) -> Running {
        if let Some(config) = &self.config {
            std::fs::write(self.config_path(), config).expect("the settings file can be written");
        }
        let mut command = Command::new(&self.binary);
        command.args(&self.arguments).current_dir(self.dir()).env_clear();
        #[allow(
            clippy::disallowed_methods,
            reason = "a child finds its libraries by the same path as its parent"
        )]
        command.envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let child = command.spawn().unwrap_or_else(|error| panic!("{}: {error}", self.binary.display()));
        Running::new(child)
    }
}

impl Running {
    fn new(mut child: Child) -> Self {
        let (stdout, stdout_reader) = Output::capture(child.stdout.take().expect("stdout is piped"));
        let (stderr, stderr_reader) = Output::capture(child.stderr.take().expect("stderr is piped"));
        Self { child, stdout, stderr, readers: [stdout_reader, stderr_reader] }
    }

    /// Waits for its end and for all that it said.
    pub(crate) async fn exited(mut self) -> Exited {
        let status =
            within(self.child.wait(), "the gateway to exit").await.expect("a child can be waited for");
        for reader in self.readers {
            within(reader, "the gateway's output to end").await.expect("reading output does not panic");
        }
        Exited { status, stdout: self.stdout.text(), stderr: self.stderr.text() }
    }
}
