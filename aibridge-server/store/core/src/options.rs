//! The options of a store: its location, its journal, and the connection to a PostgreSQL server.

use secrecy::SecretString;
use std::path::PathBuf;
use std::time::Duration;

/// The kind of store, with its options.
#[derive(Debug, Clone)]
pub enum StoreOptions {
    /// A SQLite file.
    Sqlite(Options),
    /// A database on a PostgreSQL server.
    Postgres(PostgresOptions),
}

impl From<&Options> for StoreOptions {
    fn from(options: &Options) -> Self {
        Self::Sqlite(options.clone())
    }
}

impl From<PostgresOptions> for StoreOptions {
    fn from(options: PostgresOptions) -> Self {
        Self::Postgres(options)
    }
}

/// Options of a store in one SQLite file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// The database file. It is created with mode 0600 if it is missing; its directory must exist.
    pub path: PathBuf,
    /// The journal, in which records wait for the database.
    pub journal: JournalOptions,
}

impl Options {
    /// The options of a store in the file `path`, with its journal beside it and the default of everything else.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        let mut directory = path.clone().into_os_string();
        directory.push(".journal");
        Self { path, journal: JournalOptions::new(directory) }
    }
}

/// Options of the journal, in which every record waits for the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalOptions {
    /// The directory. It is created if it is missing, and one process at a time uses it.
    pub directory: PathBuf,
    /// The point at which a record counts as durable.
    pub durability: Durability,
    /// The number of bytes in the journal from which on start records are refused.
    pub max_bytes: u64,
    /// The time after which a start record that is not durable is refused.
    pub timeout: Duration,
}

impl JournalOptions {
    /// The default of [`Self::max_bytes`].
    const MAX_BYTES: u64 = 1 << 30;
    /// The default of [`Self::timeout`].
    const TIMEOUT: Duration = Duration::from_millis(1800);

    /// The default options of a journal in `directory`.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        let (directory, durability) = (directory.into(), Durability::default());
        Self { directory, durability, max_bytes: Self::MAX_BYTES, timeout: Self::TIMEOUT }
    }
}

/// The point at which a record counts as durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Durability {
    /// The operating system has it in the journal: it survives a crash of the process, `kill -9` included.
    #[default]
    Process,
    /// The disk has it in the journal: it survives a power failure too.
    Power,
    /// The database has committed it.
    Database,
}

/// Options of a store on a PostgreSQL server.
#[derive(Debug, Clone)]
pub struct PostgresOptions {
    /// `postgres://user:password@host:port/database`. A host that begins with `/` (`%2F`) is the directory of a Unix
    /// socket.
    pub url: SecretString,
    /// The URL without its password, for messages.
    pub display_url: String,
    /// Encryption of the connection.
    pub tls: Tls,
    /// Time limit for a query while the database does not respond.
    pub timeout: Duration,
    /// The journal, in which records wait for the database.
    pub journal: JournalOptions,
    /// Intervals for the detection of crashed instances.
    pub heartbeat: Heartbeat,
}

/// Encryption of a connection, after the `sslmode` of libpq.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tls {
    /// No TLS (`sslmode=disable`).
    Disable,
    /// TLS if the server offers it, without verification of the server (`sslmode=prefer`).
    Prefer,
    /// TLS without verification of the server (`sslmode=require`).
    Require,
    /// TLS with verification of the certificate but not of the host name (`sslmode=verify-ca`).
    VerifyCa {
        /// PEM file with the trusted authorities; `None` for the authorities of the system.
        root_cert: Option<PathBuf>,
    },
    /// TLS with verification of the certificate and the host name (`sslmode=verify-full`).
    VerifyFull {
        /// PEM file with the trusted authorities; `None` for the authorities of the system.
        root_cert: Option<PathBuf>,
    },
}

/// Intervals by which the instances on one database detect crashed instances.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heartbeat {
    /// Time between two heartbeats of an instance.
    pub every: Duration,
    /// Time after the last heartbeat from which on an instance counts as crashed, and the others close its
    /// interceptions.
    pub stale_after: Duration,
}

impl Default for Heartbeat {
    /// A heartbeat every 3 s, stale after 15 s: a network hiccup must not count as a crash.
    fn default() -> Self {
        Self { every: Duration::from_secs(3), stale_after: Duration::from_secs(15) }
    }
}
