//! How to open a store: its location, its durability, and the behaviour while a PostgreSQL server is unavailable.

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
    /// The failures that a stored record survives.
    pub durability: Durability,
}

/// The failures that a stored record survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Durability {
    /// A crash of the process, `kill -9` included: the commit has been handed to the operating system.
    #[default]
    Process,
    /// A power failure too: every (shared) commit waits for the disk.
    Power,
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
    /// Time limit for a call while the database does not respond. With a spool, the database gets half of it.
    pub timeout: Duration,
    /// The spool that takes records while the database is unavailable. `None`: such records are refused.
    pub spool: Option<SpoolOptions>,
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

/// Options of the spool, which takes records while the database is unavailable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpoolOptions {
    /// The directory. It is created if it is missing, and one process at a time uses it.
    pub dir: PathBuf,
    /// Size in bytes from which on start records are refused. End records may exceed it by an eighth.
    pub max_bytes: u64,
    /// The failures that a record in the spool survives.
    pub durability: Durability,
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
