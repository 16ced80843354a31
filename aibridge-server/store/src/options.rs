use secrecy::SecretString;
use std::path::PathBuf;
use std::time::Duration;

/// Which store, and how it is kept.
#[derive(Debug, Clone)]
pub enum StoreOptions {
    /// In one file.
    Sqlite(Options),
    /// On a PostgreSQL server.
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

/// Where an embedded store lives, and what its records survive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// The database file. It is created, readable by its owner alone, if it is missing; its directory is not.
    pub path: PathBuf,
    /// What a record survives once it is called durable.
    pub durability: Durability,
}

/// What a record survives once it is called durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Durability {
    /// The death of the process, `kill -9` included: a commit has been handed to the operating system.
    #[default]
    Process,
    /// A power cut too: every (shared) commit waits for the disk.
    Power,
}

/// Where a PostgreSQL store lives, and what happens while it is away.
#[derive(Debug, Clone)]
pub struct PostgresOptions {
    /// `postgres://user:password@host:port/database`. A host that begins with `/` (`%2F`) is the folder of a socket.
    pub url: SecretString,
    /// The URL as messages show it.
    pub display_url: String,
    /// How the connection is protected.
    pub tls: Tls,
    /// How long a caller waits for a database that does not answer.
    pub timeout: Duration,
    /// Where records wait while the database is away. Without, they are refused.
    pub spool: Option<SpoolOptions>,
    /// How the instances of a database look after each other.
    pub heartbeat: Heartbeat,
}

/// How a connection is protected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tls {
    /// Not at all.
    Disable,
    /// By TLS if the server has it, whoever the server is.
    Prefer,
    /// By TLS, whoever the server is.
    Require,
    /// By TLS, with the server that the URL names.
    VerifyFull {
        /// The PEM file with the authorities that may say so; `None` for the system's.
        root_cert: Option<PathBuf>,
    },
}

/// Where records wait while the database is away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpoolOptions {
    /// The directory, made if it is missing. It belongs to one process at a time.
    pub dir: PathBuf,
    /// How many bytes may wait before starts are refused.
    pub max_bytes: u64,
    /// What a record in it survives.
    pub durability: Durability,
}

/// How the instances of a database look after each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heartbeat {
    /// How often an instance says that it lives.
    pub every: Duration,
    /// How long after that it is taken for dead, and what it had open is closed.
    pub stale_after: Duration,
}

impl Default for Heartbeat {
    /// Every 3 s, and 15 s: a hiccup of the network is no death.
    fn default() -> Self {
        Self { every: Duration::from_secs(3), stale_after: Duration::from_secs(15) }
    }
}
