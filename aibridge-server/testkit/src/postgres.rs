use crate::store::Row;
use crate::{wait_for, within};
use parking_lot::Mutex;
use rustix::process::{Pid, Signal, kill_process};
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Write;
use std::net::TcpListener;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;
use tokio::time::{sleep, timeout};
use tokio_postgres::{Client, NoTls};

/// A PostgreSQL server of a test's own, in a directory of its own. It is reached by a socket there; dropping it ends it.
///
/// It forgets nothing when it is stopped or crashes, but a power cut it would not survive.
pub struct Postgres {
    bin: PathBuf,
    dir: TempDir,
    /// The user that it runs as: it refuses to be root.
    user: Option<Ids>,
    /// Where it listens, if other than by the socket.
    port: Option<u16>,
    child: Mutex<Option<Child>>,
}

#[derive(Clone, Copy)]
struct Ids {
    user: u32,
    group: u32,
}

/// Where Debian's package puts its programs, by version.
const INSTALLED: &str = "/usr/lib/postgresql";

/// The user that Debian's package makes for it.
const USER: &str = "postgres";

/// The port that the name of the socket holds; no other server has that directory.
const SOCKET_PORT: u16 = 5432;

/// Where directories of data are kept to be copied.
const TEMPLATES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target");

/// How often a condition is looked at.
const GLANCE: Duration = Duration::from_millis(20);

/// How many free ports are tried: another process may take one in between.
const PORTS: usize = 5;

impl Postgres {
    /// A server that is ready. `None` if this machine has no PostgreSQL, which it says.
    ///
    /// # Panics
    ///
    /// If there is one and it does not start.
    pub async fn start() -> Option<Self> {
        let server = Self::prepare()?;
        server.start_again().await;
        Some(server)
    }

    /// The same with TLS, on a port of `localhost`, which its certificate names. That is returned too, in PEM; nobody
    /// else signed it.
    ///
    /// # Panics
    ///
    /// If it does not start.
    pub async fn start_with_tls() -> Option<(Self, String)> {
        let mut server = Self::prepare()?;
        let [certificate, key] = ["server.crt", "server.key"].map(|name| server.data().join(name));
        let mut openssl = Command::new("openssl"); // which the package of PostgreSQL needs too
        openssl.args([
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-subj",
            "/CN=localhost",
            "-days",
            "2",
        ]);
        openssl.args(["-addext", "subjectAltName=DNS:localhost"]);
        openssl.args(["-addext", "basicConstraints=critical,CA:FALSE"]);
        let made = openssl.arg("-keyout").arg(&key).arg("-out").arg(&certificate).output();
        let made = made.expect("openssl starts");
        assert!(made.status.success(), "openssl: {}", String::from_utf8_lossy(&made.stderr));
        for path in [&certificate, &key] {
            own(path, server.user);
            fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).expect("a mode");
        }
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
        let Some(bin) = find() else {
            // Past the capture of the test runner: who reads that all tests passed should know.
            let _ =
                writeln!(std::io::stderr(), "left out a test: no PostgreSQL in /usr/lib/postgresql/*/bin");
            return None;
        };
        let dir = tempfile::Builder::new().prefix("aibridge-pg-").tempdir().expect("a temporary directory");
        let user = rustix::process::geteuid().is_root().then(Ids::of_package);
        own(dir.path(), user);
        let server = Self { bin, dir, user, port: None, child: Mutex::default() };
        server.fill();
        Some(server)
    }

    /// Makes the directory of its data, as a copy of one that was made before: that takes seconds.
    fn fill(&self) {
        let version = self.bin.parent().and_then(Path::file_name).and_then(OsStr::to_str).unwrap_or("any");
        let template = Path::new(TEMPLATES).join(format!("postgres-{version}"));
        if copied(&template, &self.data()) {
            return;
        }
        let mut initdb = self.command("initdb");
        initdb.args(["--auth=trust", "--no-sync", "--no-instructions", "--encoding=UTF8", "--locale=C"]);
        initdb.args(["--username", USER, "--pgdata"]).arg(self.data());
        let done = initdb.output().expect("initdb starts");
        assert!(done.status.success(), "initdb: {}", String::from_utf8_lossy(&done.stderr));
        // Several may do this at once: each has a copy of its own, and one of them gets the name.
        let mine = template.with_extension(std::process::id().to_string());
        if !copied(&self.data(), &mine) || fs::rename(&mine, &template).is_err() {
            let _ = fs::remove_dir_all(mine);
        }
    }

    /// Where it is, for a user without a password.
    pub fn url(&self) -> String {
        let port = self.port.unwrap_or(SOCKET_PORT);
        format!("postgres://{USER}@{}:{port}/{USER}", self.socket_dir().replace('/', "%2F"))
    }

    /// The port on which it listens, if it was started with TLS.
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// Starts it again, after it was stopped.
    ///
    /// # Panics
    ///
    /// If it does not start.
    pub async fn start_again(&self) {
        if let Err(log) = self.try_start().await {
            panic!("no server: {log}");
        }
    }

    /// Ends it as an administrator does: whoever is connected is thrown out.
    ///
    /// # Panics
    ///
    /// If it does not run or does not end.
    pub async fn stop(&self) {
        self.end(Signal::INT).await;
    }

    /// Ends it as a crash does.
    ///
    /// # Panics
    ///
    /// If it does not run or does not end.
    pub async fn crash(&self) {
        self.end(Signal::QUIT).await;
    }

    /// A connection, as any other program would have it.
    ///
    /// # Panics
    ///
    /// If there is none.
    pub async fn client(&self) -> Client {
        self.try_client().await.expect("a connection")
    }

    /// What `sql` finds now.
    ///
    /// # Panics
    ///
    /// If the query is no good, or the server away.
    pub async fn query(&self, sql: &str) -> Vec<Row> {
        let client = self.client().await;
        let as_json = format!("SELECT row_to_json(found)::text FROM ({sql}) found");
        let rows = within(client.query(&as_json, &[]), sql)
            .await
            .unwrap_or_else(|error| panic!("{error:?} in {sql:?}"));
        let row = |text: String| serde_json::from_str(&text).expect("an object");
        rows.iter().map(|found| row(found.get(0))).collect()
    }

    /// All rows of `table`, oldest first: ids are UUIDv7.
    ///
    /// # Panics
    ///
    /// If there is no such table.
    pub async fn rows(&self, table: &str) -> Vec<Row> {
        self.query(&format!("SELECT * FROM {table} ORDER BY id")).await
    }

    /// Does what `sql` says.
    ///
    /// # Panics
    ///
    /// If that cannot be done.
    pub async fn execute(&self, sql: &str) {
        let done = self.client().await.batch_execute(sql).await;
        done.unwrap_or_else(|error| panic!("{error:?} in {sql:?}"));
    }

    /// Waits until `condition` holds there, for as long as `timeout_scope`.
    ///
    /// # Panics
    ///
    /// After that, naming `what` was waited for; or if the condition is no good.
    pub async fn until(&self, condition: &str, timeout_scope: Duration, what: &str) {
        let (client, sql) = (self.client().await, format!("SELECT {condition}"));
        let held = timeout(timeout_scope, async {
            while !client.query_one(&sql, &[]).await.expect("a condition").get::<_, bool>(0) {
                sleep(GLANCE).await;
            }
        });
        assert!(held.await.is_ok(), "waited {timeout_scope:?} in vain for {what}");
    }

    async fn try_start(&self) -> Result<(), String> {
        let mut postgres = self.command("postgres");
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
        let mut child = self.child.lock().take().expect("it runs");
        kill(&child, signal);
        wait_for(|| child.try_wait().expect("a child"), "PostgreSQL to end").await;
    }

    fn command(&self, program: &str) -> Command {
        let program = self.bin.join(program);
        let mut command = match self.user {
            None => Command::new(program),
            Some(Ids { user, group }) => {
                let mut command = Command::new("setpriv");
                let ids =
                    [format!("--reuid={user}"), format!("--regid={group}"), "--clear-groups".to_owned()];
                command.args(ids).arg(program);
                command
            }
        };
        command.current_dir(self.dir.path());
        command
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
            let _ = child.wait(); // it cleans up before it ends
        }
    }
}

impl Ids {
    fn of_package() -> Self {
        let id = |flag: &str| {
            let output = Command::new("id").args([flag, USER]).output().expect("id starts");
            String::from_utf8_lossy(&output.stdout).trim().parse().expect("the user postgres")
        };
        Self { user: id("-u"), group: id("-g") }
    }
}

/// Copies a directory with its owners and modes.
fn copied(from: &Path, to: &Path) -> bool {
    let copy = || Command::new("cp").arg("-a").args([from, to]).stderr(Stdio::null()).status();
    from.exists() && copy().is_ok_and(|status| status.success())
}

fn own(path: &Path, ids: Option<Ids>) {
    if let Some(Ids { user, group }) = ids {
        chown(path, Some(user), Some(group)).expect("root may do that");
    }
}

fn kill(child: &Child, signal: Signal) {
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw).expect("a process");
    kill_process(pid, signal).expect("a child can be signalled");
}

/// The programs of the latest version that is installed.
fn find() -> Option<PathBuf> {
    let version =
        |dir: &PathBuf| dir.file_name().and_then(OsStr::to_str).and_then(|name| name.parse::<u32>().ok());
    let dirs = fs::read_dir(INSTALLED).ok()?.filter_map(|entry| Some(entry.ok()?.path()));
    let mut versions: Vec<_> = dirs.filter_map(|dir| Some((version(&dir)?, dir.join("bin")))).collect();
    versions.sort();
    versions.into_iter().rev().map(|(_, bin)| bin).find(|bin| bin.join("initdb").exists())
}
