use crate::choice::choice;
use crate::report::Report;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::PathBuf;

/// Where records go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Store {
    /// The database.
    pub url: StoreUrl,
    /// What a record survives once it is stored.
    pub durability: Durability,
}

/// A database. Displays as it is written in the settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreUrl {
    /// `sqlite:PATH`: an embedded database in this file.
    Sqlite(PathBuf),
}

impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
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
}

impl Default for RawStore {
    fn default() -> Self {
        Self { url: "sqlite:aibridge.db".into(), durability: Durability::Process.as_str().into() }
    }
}

impl From<&Store> for RawStore {
    fn from(store: &Store) -> Self {
        Self { url: store.url.to_string(), durability: store.durability.as_str().into() }
    }
}

pub(crate) fn resolve(raw: &RawStore, report: &mut Report<'_>) -> Option<Store> {
    let url = report.keep("store.url", url(&raw.url));
    let durability =
        report.keep("store.durability", choice(&raw.durability, &Durability::ALL, Durability::as_str));
    Some(Store { url: url?, durability: durability? })
}

/// A message names no more of the URL than its scheme: the rest may hold a password.
fn url(text: &str) -> Result<StoreUrl, String> {
    const INSTEAD: &str = "write \"sqlite:aibridge.db\"";
    let Some((scheme, rest)) = text.split_once(':') else {
        return Err(format!("is no URL; {INSTEAD}"));
    };
    match scheme {
        "sqlite" => {}
        "postgres" | "postgresql" => {
            return Err(format!("PostgreSQL is not supported by this version; {INSTEAD}"));
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
            ("postgres://user:hunter2@host/db", Err("PostgreSQL is not supported by this version")),
            ("postgresql://user:hunter2@host/db", Err("PostgreSQL is not supported by this version")),
        ];
        for (text, expected) in table {
            match (url(text), expected) {
                (Ok(StoreUrl::Sqlite(actual)), Ok(expected)) => {
                    assert_eq!(actual, PathBuf::from(expected), "{text:?}");
                }
                (Err(actual), Err(expected)) => {
                    assert!(actual.contains(expected), "{text:?}: {actual}");
                    assert!(actual.ends_with("; write \"sqlite:aibridge.db\""), "{text:?}: {actual}");
                    assert!(!actual.contains("hunter2"), "{text:?}: {actual}");
                }
                (actual, _) => panic!("{text:?}: {actual:?}"),
            }
        }
    }

    #[test]
    fn what_is_displayed_reads_the_same() {
        for text in ["sqlite:aibridge.db", "sqlite:/var/lib/aibridge.db"] {
            assert_eq!(url(text).map(|url| url.to_string()), Ok(text.to_owned()));
        }
    }
}
