//! `[store]`: the database for records.

mod postgres;
mod retention;

pub use postgres::{PostgresUrl, SslMode};
pub use retention::Retention;

use aibridge_values::choice::choice;
use aibridge_values::duration::RawDuration;
use aibridge_values::report::Report;
use aibridge_values::size::RawSize;
use retention::RawRetention;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// The database for records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Store {
    /// The URL of the database.
    pub url: StoreUrl,
    /// The point at which a record counts as durable.
    pub durability: Durability,
    /// The maximum time that a request waits until its start records are durable.
    pub timeout: Duration,
    /// The directory of the journal.
    pub journal: PathBuf,
    /// The number of bytes in the journal from which on requests are rejected.
    pub journal_max_bytes: usize,
    /// The age at which records are deleted; `None` keeps all records.
    pub retention: Option<Retention>,
}

/// The URL of a database. Displays in the format of the settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreUrl {
    /// `sqlite:PATH`: an embedded database in the file.
    Sqlite(PathBuf),
    /// `postgres://…`: a PostgreSQL database, which several instances may share.
    Postgres(PostgresUrl),
}

impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Self::Postgres(url) => url.fmt(f),
        }
    }
}

/// The point at which a record counts as durable. A request is sent when its start records are durable, and the end of a
/// response when its end records are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Durability {
    /// The journal has it, and it survives the end of the process, e.g. after `kill -9`.
    Process,
    /// The journal has it on its disk, and it survives a power failure of the machine.
    Power,
    /// The database has committed it.
    Database,
}

impl Durability {
    const ALL: [Self; 3] = [Self::Process, Self::Power, Self::Database];

    /// The value in the settings.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Process => "process",
            Self::Power => "power",
            Self::Database => "database",
        }
    }
}

/// The mirror of `[store]`.
#[derive(Deserialize, Serialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub struct RawStore {
    url: String,
    durability: String,
    timeout: RawDuration,
    journal: String,
    journal_max_bytes: RawSize,
    /// The name of `journal` in earlier versions.
    #[serde(skip_serializing_if = "String::is_empty")]
    spool: String,
    /// The name of `journal_max_bytes` in earlier versions.
    #[serde(skip_serializing_if = "Option::is_none")]
    spool_max_bytes: Option<RawSize>,
    retention: RawRetention,
}

/// The smallest limit of the journal, in bytes. The records of one request may not fit into less.
const MIN_JOURNAL_BYTES: usize = 16 << 10;

/// The default of `store.journal`. With SQLite, the journal is beside the database file.
const DEFAULT_JOURNAL: &str = "aibridge.journal";

/// The extension of the directory of the journal beside a SQLite file.
const JOURNAL_SUFFIX: &str = ".journal";

impl Default for RawStore {
    fn default() -> Self {
        Self {
            url: "sqlite:aibridge.db".into(),
            durability: Durability::Process.as_str().into(),
            timeout: RawDuration::from_secs(2),
            journal: DEFAULT_JOURNAL.into(),
            journal_max_bytes: RawSize::from_mib(1024),
            spool: String::new(),
            spool_max_bytes: None,
            retention: RawRetention::default(),
        }
    }
}

impl From<&Store> for RawStore {
    fn from(store: &Store) -> Self {
        let journal = match &store.url {
            StoreUrl::Sqlite(_) => DEFAULT_JOURNAL.to_owned(),
            StoreUrl::Postgres(_) => store.journal.display().to_string(),
        };
        Self {
            url: store.url.to_string(),
            durability: store.durability.as_str().into(),
            timeout: store.timeout.into(),
            journal,
            journal_max_bytes: store.journal_max_bytes.into(),
            retention: RawRetention(store.retention),
            ..Self::default()
        }
    }
}

/// Validates `[store]`. `None` if it has a problem.
pub fn resolve(raw: &RawStore, report: &mut Report<'_>) -> Option<Store> {
    let url = report.keep("store.url", url(&raw.url));
    let durability =
        report.keep("store.durability", choice(&raw.durability, &Durability::ALL, Durability::as_str));
    let timeout = report.keep("store.timeout", raw.timeout.positive());
    let journal_max_bytes = match raw.spool_max_bytes {
        Some(renamed) => report.keep("store.spool_max_bytes", renamed.at_least(MIN_JOURNAL_BYTES)),
        None => report.keep("store.journal_max_bytes", raw.journal_max_bytes.at_least(MIN_JOURNAL_BYTES)),
    };
    let journal = report.keep("store.journal", journal(raw));
    let directory = match (&url, journal?) {
        (Some(StoreUrl::Sqlite(path)), None) => {
            let mut beside = path.clone().into_os_string();
            beside.push(JOURNAL_SUFFIX);
            beside.into()
        }
        (Some(StoreUrl::Sqlite(_)), Some(_)) => {
            let setting = if raw.spool.is_empty() { "store.journal" } else { "store.spool" };
            let message = "has no effect on an embedded database, whose journal is beside its file; remove it, or write \
                           store.url = \"postgres://user@host/db\"";
            report.problem(setting, message.to_owned());
            return None;
        }
        (_, named) => named.unwrap_or_else(|| DEFAULT_JOURNAL.into()),
    };
    Some(Store {
        url: url?,
        durability: durability?,
        timeout: timeout?,
        journal: directory,
        journal_max_bytes: journal_max_bytes?,
        retention: raw.retention.0,
    })
}

/// The directory in the settings; `None` if they name none. `spool` is the former name of the setting: the journal then
/// replaces the spool, and takes over its records.
fn journal(raw: &RawStore) -> Result<Option<PathBuf>, String> {
    let is_named = raw.journal != DEFAULT_JOURNAL;
    match (raw.journal.as_str(), raw.spool.as_str()) {
        ("", _) => Err(format!("is empty; write the path of a directory, e.g. \"{DEFAULT_JOURNAL}\"")),
        (journal, "") => Ok(is_named.then(|| journal.into())),
        (_, spool) if !is_named => Ok(Some(spool.into())),
        (..) => {
            Err("and store.spool, its name in earlier versions, are both set; remove store.spool".to_owned())
        }
    }
}

/// Parses the URL. Messages contain no part of the URL but its scheme: the rest may contain a password.
fn url(text: &str) -> Result<StoreUrl, String> {
    const ADVICE: &str = "write \"sqlite:aibridge.db\" or \"postgres://user@host/db\"";
    let Some((scheme, rest)) = text.split_once(':') else {
        return Err(format!("is not a URL; {ADVICE}"));
    };
    match scheme {
        "sqlite" => {}
        "postgres" | "postgresql" => {
            let url = postgres::parse(text).map_err(|problem| format!("{problem}; {ADVICE}"))?;
            return Ok(StoreUrl::Postgres(url));
        }
        _ => return Err(format!("{scheme:?} is not a supported database; {ADVICE}")),
    }
    let path = rest.strip_prefix("//").unwrap_or(rest);
    if path.is_empty() {
        return Err(format!("contains no path; {ADVICE}"));
    }
    if path == ":memory:" {
        return Err(format!("would lose all records with the process; {ADVICE}"));
    }
    if path.contains(['?', '#']) {
        return Err(format!("has a query or a fragment; {ADVICE}"));
    }
    Ok(StoreUrl::Sqlite(path.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sqlite_urls_contain_a_path() {
        let table = [
            ("sqlite:aibridge.db", Ok("aibridge.db")),
            ("sqlite://aibridge.db", Ok("aibridge.db")),
            ("sqlite:./data/aibridge.db", Ok("./data/aibridge.db")),
            ("sqlite:/var/lib/aibridge.db", Ok("/var/lib/aibridge.db")),
            ("sqlite:///var/lib/aibridge.db", Ok("/var/lib/aibridge.db")),
            ("sqlite:with space.db", Ok("with space.db")),
            ("sqlite:", Err("contains no path")),
            ("sqlite://", Err("contains no path")),
            ("sqlite::memory:", Err("would lose all records")),
            ("sqlite:aibridge.db?mode=memory", Err("has a query")),
            ("aibridge.db", Err("is not a URL")),
            ("", Err("is not a URL")),
            ("mysql://root:hunter2@host/db", Err("\"mysql\" is not a supported database")),
            ("postgres://user:hunter2@host", Err("contains no database")),
        ];
        for (text, expected) in table {
            match (url(text), expected) {
                (Ok(StoreUrl::Sqlite(actual)), Ok(expected)) => {
                    assert_eq!(actual, PathBuf::from(expected), "{text:?}");
                }
                (Err(actual), Err(expected)) => {
                    assert!(actual.contains(expected), "{text:?}: {actual}");
                    assert!(
                        actual.ends_with("; write \"sqlite:aibridge.db\" or \"postgres://user@host/db\""),
                        "{text:?}: {actual}"
                    );
                    assert!(!actual.contains("hunter2"), "{text:?}: {actual}");
                }
                (actual, _) => panic!("{text:?}: {actual:?}"),
            }
        }
    }

    #[test]
    fn a_displayed_url_reads_the_same() {
        for text in ["sqlite:aibridge.db", "sqlite:/var/lib/aibridge.db", "postgres://ann@db/aibridge"] {
            assert_eq!(url(text).map(|url| url.to_string()), Ok(text.to_owned()));
        }
    }
}
