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
    /// The failures that a stored record survives.
    pub durability: Durability,
    /// The maximum time that a request waits until its start records are stored.
    pub timeout: Duration,
    /// The spool for records while the database is unavailable.
    pub spool: Option<Spool>,
    /// The age at which records are deleted; `None` keeps all records.
    pub retention: Option<Retention>,
}

/// A directory that holds records while the database is unavailable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spool {
    /// The path of the directory.
    pub dir: PathBuf,
    /// The maximum size of the spool, in bytes. Beyond it, requests are rejected.
    pub max_bytes: usize,
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

/// The failures that a stored record survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Durability {
    /// The end of the process, e.g. after `kill -9`.
    Process,
    /// A power failure of the machine.
    Power,
}

impl Durability {
    const ALL: [Self; 2] = [Self::Process, Self::Power];

    /// The value in the settings.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Process => "process",
            Self::Power => "power",
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
    spool: String,
    spool_max_bytes: RawSize,
    retention: RawRetention,
}

impl Default for RawStore {
    fn default() -> Self {
        Self {
            url: "sqlite:aibridge.db".into(),
            durability: Durability::Process.as_str().into(),
            timeout: RawDuration::from_secs(2),
            spool: String::new(),
            spool_max_bytes: RawSize::from_mib(1024),
            retention: RawRetention::default(),
        }
    }
}

impl From<&Store> for RawStore {
    fn from(store: &Store) -> Self {
        let raw = Self {
            url: store.url.to_string(),
            durability: store.durability.as_str().into(),
            timeout: store.timeout.into(),
            retention: RawRetention(store.retention),
            ..Self::default()
        };
        match &store.spool {
            None => raw,
            Some(spool) => Self {
                spool: spool.dir.display().to_string(),
                spool_max_bytes: spool.max_bytes.into(),
                ..raw
            },
        }
    }
}

/// Validates `[store]`. `None` if it has a problem.
pub fn resolve(raw: &RawStore, report: &mut Report<'_>) -> Option<Store> {
    let url = report.keep("store.url", url(&raw.url));
    let durability =
        report.keep("store.durability", choice(&raw.durability, &Durability::ALL, Durability::as_str));
    let timeout = report.keep("store.timeout", raw.timeout.positive());
    let max_bytes = report.keep("store.spool_max_bytes", raw.spool_max_bytes.positive());
    if let Some(StoreUrl::Sqlite(_)) = url
        && !raw.spool.is_empty()
    {
        let message = "has no effect on an embedded database, which is always available; remove it, or write \
                       store.url = \"postgres://user@host/db\"";
        report.problem("store.spool", message.to_owned());
        return None;
    }
    let max_bytes = max_bytes?;
    let spool = (!raw.spool.is_empty()).then(|| Spool { dir: raw.spool.as_str().into(), max_bytes });
    Some(Store { url: url?, durability: durability?, timeout: timeout?, spool, retention: raw.retention.0 })
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
