mod postgres;
mod retention;

pub use postgres::{PostgresUrl, SslMode};
pub use retention::Retention;

use crate::choice::choice;
use crate::duration::RawDuration;
use crate::report::Report;
use crate::size::RawSize;
use retention::RawRetention;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// Where records go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Store {
    /// The database.
    pub url: StoreUrl,
    /// What a record survives once it is stored.
    pub durability: Durability,
    /// How long a request may wait for its start to be stored.
    pub timeout: Duration,
    /// Where records wait while the database is down.
    pub spool: Option<Spool>,
    /// How old records get before they are deleted; `None` if they are kept.
    pub retention: Option<Retention>,
}

/// A directory in which records wait while the database is down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spool {
    /// The directory.
    pub dir: PathBuf,
    /// How much may wait in it, in bytes, before requests are refused.
    pub max_bytes: usize,
}

/// A database. Displays as it is written in the settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreUrl {
    /// `sqlite:PATH`: an embedded database in this file.
    Sqlite(PathBuf),
    /// `postgres://…`: a PostgreSQL database, which several gateways may share.
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

/// What a record survives once it is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Durability {
    /// The end of the process, e.g. by `kill -9`.
    Process,
    /// A power cut.
    Power,
}

impl Durability {
    const ALL: [Self; 2] = [Self::Process, Self::Power];

    /// How it is written in the settings.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Process => "process",
            Self::Power => "power",
        }
    }
}

#[derive(Deserialize, Serialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub(crate) struct RawStore {
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

pub(crate) fn resolve(raw: &RawStore, report: &mut Report<'_>) -> Option<Store> {
    let url = report.keep("store.url", url(&raw.url));
    let durability =
        report.keep("store.durability", choice(&raw.durability, &Durability::ALL, Durability::as_str));
    let timeout = report.keep("store.timeout", raw.timeout.positive());
    let max_bytes = report.keep("store.spool_max_bytes", raw.spool_max_bytes.positive());
    if let Some(StoreUrl::Sqlite(_)) = url
        && !raw.spool.is_empty()
    {
        let message = "is of no use to an embedded database, which cannot be away; leave it out, or write \
                       store.url = \"postgres://user@host/db\"";
        report.problem("store.spool", message.to_owned());
        return None;
    }
    let max_bytes = max_bytes?;
    let spool = (!raw.spool.is_empty()).then(|| Spool { dir: raw.spool.as_str().into(), max_bytes });
    Some(Store { url: url?, durability: durability?, timeout: timeout?, spool, retention: raw.retention.0 })
}

/// A message names no more of the URL than its scheme: the rest may hold a password.
fn url(text: &str) -> Result<StoreUrl, String> {
    const INSTEAD: &str = "write \"sqlite:aibridge.db\" or \"postgres://user@host/db\"";
    let Some((scheme, rest)) = text.split_once(':') else {
        return Err(format!("is no URL; {INSTEAD}"));
    };
    match scheme {
        "sqlite" => {}
        "postgres" | "postgresql" => {
            let url = postgres::parse(text).map_err(|problem| format!("{problem}; {INSTEAD}"))?;
            return Ok(StoreUrl::Postgres(url));
        }
        _ => return Err(format!("{scheme:?} is no kind of store; {INSTEAD}")),
    }
    let path = rest.strip_prefix("//").unwrap_or(rest);
    if path.is_empty() {
        return Err(format!("names no file; {INSTEAD}"));
    }
    if path == ":memory:" {
        return Err(format!("records in memory would not survive the gateway; {INSTEAD}"));
    }
    if path.contains(['?', '#']) {
        return Err(format!("takes a path without a query or a fragment; {INSTEAD}"));
    }
    Ok(StoreUrl::Sqlite(path.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_name_a_file() {
        let table = [
            ("sqlite:aibridge.db", Ok("aibridge.db")),
            ("sqlite://aibridge.db", Ok("aibridge.db")),
            ("sqlite:./data/aibridge.db", Ok("./data/aibridge.db")),
            ("sqlite:/var/lib/aibridge.db", Ok("/var/lib/aibridge.db")),
            ("sqlite:///var/lib/aibridge.db", Ok("/var/lib/aibridge.db")),
            ("sqlite:with space.db", Ok("with space.db")),
            ("sqlite:", Err("names no file")),
            ("sqlite://", Err("names no file")),
            ("sqlite::memory:", Err("would not survive")),
            ("sqlite:aibridge.db?mode=memory", Err("without a query")),
            ("aibridge.db", Err("is no URL")),
            ("", Err("is no URL")),
            ("mysql://root:hunter2@host/db", Err("\"mysql\" is no kind of store")),
            ("postgres://user:hunter2@host", Err("names no database")),
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
    fn what_is_displayed_reads_the_same() {
        for text in ["sqlite:aibridge.db", "sqlite:/var/lib/aibridge.db", "postgres://ann@db/aibridge"] {
            assert_eq!(url(text).map(|url| url.to_string()), Ok(text.to_owned()));
        }
    }
}
