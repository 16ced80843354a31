//! A PostgreSQL server for one test: started, stopped and crashed on demand.

mod installation;
mod processes;

use crate::journal::wait_for_position;
use crate::skip::skip_test;
use crate::store::Row;
use crate::{wait_for, within};
use installation::{Installation, USER};
use parking_lot::Mutex;
use processes::{is_alive, kill, processes};
use rustix::process::{Pid, Signal, kill_process};
use std::fs::{self, File};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Duration;
use tempfile::TempDir;
use tokio::time::{sleep, timeout};
use tokio_postgres::{Client, NoTls};

/// A PostgreSQL server in a temporary directory, reached by a Unix socket there. Dropping it stops the server.
///
/// It does not sync to disk: data survive a crash of the server, but not of the machine.
pub struct Postgres {
    installation: Installation,
    dir: TempDir,
    /// The TCP port with TLS, if there is one.
    port: Option<u16>,
    child: Mutex<Option<Child>>,
    /// The journals of gateways that queries wait for.
    journals: Mutex<Vec<PathBuf>>,
}

/// The port in the name of the socket. The directory is used by this server only, so every server has the same one.
const SOCKET_PORT: u16 = 5432;

/// The time between two checks of a condition.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// The number of free ports to try: another process may take a port before the server binds it.
const PORTS: usize = 5;

impl Postgres {
    /// Starts a server and waits until it accepts connections. Returns `None`, with a note on standard error, if PostgreSQL
    /// is not installed.
    ///
    /// # Panics
    ///
    /// If it is installed and does not start.
    pub async fn start() -> Option<Self> {
        let server = Self::prepare()?;
        server.restart().await;
        Some(server)
    }

    /// Like [`Postgres::start`], with TLS on a port of `localhost`. Also returns the self-signed certificate, as PEM, which
    /// names `localhost`.
    ///
    /// # Panics
    ///
    /// If it does not start.
    pub async fn start_with_tls() -> Option<(Self, String)> {
        let mut server = Self::prepare()?;
        let [certificate, key] = ["server.crt", "server.key"].map(|name| server.data().join(name));
        server.installation.create_certificate(&certificate, &key);
        for _ in 0..PORTS {
            let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
            server.port = Some(free.expect("a free port").port());
            if server.try_start().await.is_ok() {
                return Some((server, fs::read_to_string(certificate).expect("a file")));
            }
        }
        panic!("no server with TLS: {}", server.log());
    }

    fn prepare() -> Option<Self> {
        let Some(installation) = Installation::find() else {
            skip_test("there is no PostgreSQL in /usr/lib/postgresql/*/bin");
            return None;
        };
        let dir = tempfile::Builder::new().prefix("aibridge-pg-").tempdir().expect("a temporary directory");
        installation.own(dir.path());
        let (child, journals) = (Mutex::default(), Mutex::default());
        let server = Self { installation, dir, port: None, child, journals };
        server.installation.create_data(&server.data(), server.dir());
        Some(server)
    }

    /// A directory for files of the test, which is removed with the server.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// The connection URL, for a user without a password.
    pub fn url(&self) -> String {
        let port = self.port.unwrap_or(SOCKET_PORT);
        format!("postgres://{USER}@{}:{port}/{USER}", self.socket_dir().replace('/', "%2F"))
    }

    /// The TCP port on which it listens, if it was started with TLS.
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// Starts the server again, after [`Postgres::stop`] or [`Postgres::crash`].
    ///
    /// # Panics
    ///
    /// If it does not start.
    pub async fn restart(&self) {
        if let Err(log) = self.try_start().await {
            panic!("no server: {log}");
        }
    }

    /// Stops it as an administrator does (`fast` shutdown): connections are closed.
    ///
    /// # Panics
    ///
    /// If it is not running or does not exit.
    pub async fn stop(&self) {
        self.end(Signal::INT).await;
    }

    /// Stops it as a crash does (`immediate` shutdown).
    ///
    /// # Panics
    ///
    /// If it is not running or does not exit.
    pub async fn crash(&self) {
        self.end(Signal::QUIT).await;
    }

    /// Kills all its processes at once (SIGKILL), as the end of a container does.
    ///
    /// # Panics
    ///
    /// If it is not running or does not exit.
    pub async fn kill(&self) {
        self.freeze(); // so that no process reacts to the death of another
        let processes = self.processes();
        for &process in &processes {
            let _ = kill_process(process, Signal::KILL); // it may have ended
        }
        self.wait_ended().await;
        wait_for(|| (!processes.iter().any(is_alive)).then_some(()), "PostgreSQL's processes to end").await;
    }

    /// Stops all its processes (SIGSTOP): connections stay open, and nothing responds.
    ///
    /// # Panics
    ///
    /// If it is not running.
    pub fn freeze(&self) {
        // Twice, because the main process, which is the first in the list, may have started a process meanwhile.
        for process in [self.processes(), self.processes()].concat() {
            let _ = kill_process(process, Signal::STOP);
        }
    }

    /// Ends [`Postgres::freeze`].
    ///
    /// # Panics
    ///
    /// If it is not running.
    pub fn thaw(&self) {
        for process in self.processes() {
            let _ = kill_process(process, Signal::CONT);
        }
    }

    fn processes(&self) -> Vec<Pid> {
        processes(self.child.lock().as_ref().expect("it runs").id())
    }

    /// The path of its socket, for a proxy.
    pub fn socket(&self) -> PathBuf {
        self.dir.path().join(format!(".s.PGSQL.{SOCKET_PORT}"))
    }

    /// Opens a new connection.
    ///
    /// # Panics
    ///
    /// If that fails.
    pub async fn client(&self) -> Client {
        self.try_client().await.expect("a connection")
    }

    /// Makes queries wait a bounded time until the gateway with its journal in `directory` has stored what it has
    /// acknowledged.
    pub fn follow_journal(&self, directory: impl Into<PathBuf>) {
        self.journals.lock().push(directory.into());
    }

    /// Runs the query `sql` and returns its rows.
    ///
    /// # Panics
    ///
    /// If the query is invalid or the server is not running.
    pub async fn query(&self, sql: &str) -> Vec<Row> {
        let client = self.client().await;
        let directories = self.journals.lock().clone();
        wait_for_position(&directories, async |journal| {
            let position = "SELECT position FROM aibridge_journal_positions WHERE journal_id::text = $1";
            let row = client.query_opt(position, &[&journal]).await.ok()?;
            Some(row.map_or(0, |row| row.get::<_, i64>(0).unsigned_abs()))
        })
        .await;
        let as_json = format!("SELECT row_to_json(found)::text FROM ({sql}) found");
        let rows = within(client.query(&as_json, &[]), sql)
            .await
            .unwrap_or_else(|error| panic!("{error:?} in {sql:?}"));
        let parse = |text: String| serde_json::from_str(&text).expect("an object");
        rows.iter().map(|row| parse(row.get(0))).collect()
    }

    /// All rows of `table`, oldest first: ids are UUIDv7.
    ///
    /// # Panics
    ///
    /// If the table does not exist.
    pub async fn rows(&self, table: &str) -> Vec<Row> {
        self.query(&format!("SELECT * FROM {table} ORDER BY id")).await
    }

    /// Executes the statements of `sql`.
    ///
    /// # Panics
    ///
    /// If a statement fails.
    pub async fn execute(&self, sql: &str) {
        let done = self.client().await.batch_execute(sql).await;
        done.unwrap_or_else(|error| panic!("{error:?} in {sql:?}"));
    }

    /// Waits until the SQL expression `condition` is true, for at most `time_limit`.
    ///
    /// # Panics
    ///
    /// After `time_limit`, with a message that names `description` was awaited; or if the condition is invalid.
    pub async fn wait_until(&self, condition: &str, time_limit: Duration, description: &str) {
        let (client, sql) = (self.client().await, format!("SELECT {condition}"));
        let waiting = timeout(time_limit, async {
            while !client.query_one(&sql, &[]).await.expect("a condition").get::<_, bool>(0) {
                sleep(POLL_INTERVAL).await;
            }
        });
        assert!(waiting.await.is_ok(), "waited {time_limit:?} in vain for {description}");
    }

    async fn try_start(&self) -> Result<(), String> {
        let mut postgres = self.installation.command("postgres", self.dir());
        postgres.arg("-D").arg(self.data()).arg("-k").arg(self.dir.path());
        match self.port {
            None => postgres.args(["-h", "", "-p", &SOCKET_PORT.to_string()]),
            Some(port) => postgres.args(["-h", "127.0.0.1", "-c", "ssl=on", "-p", &port.to_string()]),
        };
        postgres.args(["-c", "fsync=off", "-c", "timezone=Asia/Tokyo"]);
        let log = File::options().create(true).append(true).open(self.dir.path().join("log"));
        postgres.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log.expect("a log"));
        *self.child.lock() = Some(postgres.spawn().expect("a server starts"));
        let ended =
            || self.child.lock().as_mut().is_none_or(|child| child.try_wait().is_ok_and(|end| end.is_some()));
        let serves = async {
            loop {
                if self.try_client().await.is_ok() {
                    return Ok(());
                }
                if ended() {
                    return Err(self.log());
                }
                sleep(Duration::from_millis(10)).await;
            }
        };
        within(serves, "PostgreSQL to serve").await
    }

    async fn try_client(&self) -> Result<Client, tokio_postgres::Error> {
        let (client, connection) = tokio_postgres::connect(&self.url(), NoTls).await?;
        tokio::spawn(connection);
        Ok(client)
    }

    async fn end(&self, signal: Signal) {
        kill(self.child.lock().as_ref().expect("it runs"), signal);
        self.wait_ended().await;
    }

    async fn wait_ended(&self) {
        let mut child = self.child.lock().take().expect("it runs");
        wait_for(|| child.try_wait().expect("a child"), "PostgreSQL to end").await;
    }

    fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    fn socket_dir(&self) -> String {
        self.dir.path().to_str().expect("a path in UTF-8").to_owned()
    }

    fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.lock().take() {
            kill(&child, Signal::QUIT);
            let _ = child.wait(); // it removes its shared memory before it exits
        }
    }
}
