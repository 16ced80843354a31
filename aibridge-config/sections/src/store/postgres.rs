//! URLs of PostgreSQL databases.

use secrecy::{ExposeSecret, SecretString};
use std::fmt;
use std::path::PathBuf;
use url::Url;

/// The URL of a PostgreSQL database. Displays in the format of the settings, without the password.
#[derive(Debug, Clone)]
pub struct PostgresUrl {
    /// The URL with its password and the parameters of the session, without those of the other fields.
    pub connection: SecretString,
    /// The parameter `sslmode`: the use of TLS.
    pub ssl_mode: SslMode,
    /// The parameter `sslrootcert`: a PEM file with root certificates that replace those of the system.
    pub ssl_root_cert: Option<PathBuf>,
    masked: String,
}

/// The use of TLS for a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SslMode {
    /// No TLS at all.
    Disable,
    /// TLS if the server supports it.
    Prefer,
    /// TLS, without verification of the certificate.
    Require,
    /// TLS, with verification of the certificate but not of the host name.
    VerifyCa,
    /// TLS, with verification of the certificate and the host name.
    VerifyFull,
}

impl SslMode {
    const ALL: [Self; 5] = [Self::Disable, Self::Prefer, Self::Require, Self::VerifyCa, Self::VerifyFull];

    /// The value in the URL.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Disable => "disable",
            Self::Prefer => "prefer",
            Self::Require => "require",
            Self::VerifyCa => "verify-ca",
            Self::VerifyFull => "verify-full",
        }
    }
}

impl fmt::Display for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked)
    }
}

impl PartialEq for PostgresUrl {
    fn eq(&self, other: &Self) -> bool {
        self.connection.expose_secret() == other.connection.expose_secret()
            && (self.ssl_mode, &self.ssl_root_cert) == (other.ssl_mode, &other.ssl_root_cert)
    }
}

impl Eq for PostgresUrl {}

/// Replaces the password in a displayed URL.
const MASK: &str = "...";

/// The `sslrootcert` that stands for the roots of the system, as in libpq.
const SYSTEM_ROOTS: &str = "system";

/// The known parameters, for messages.
const PARAMETERS: &str =
    "sslmode, sslrootcert, application_name, connect_timeout, target_session_attrs and channel_binding";

/// Parses the whole URL. The caller has checked the scheme.
///
/// # Errors
///
/// A message that contains nothing that may be a password.
pub(super) fn parse(text: &str) -> Result<PostgresUrl, String> {
    let mut url = Url::parse(text).map_err(|error| format!("is not a URL ({error})"))?;
    if url.username().is_empty() {
        return Err("contains no user".to_owned());
    }
    if url.fragment().is_some() {
        return Err("has a fragment (\"#\"); in a password, write %23".to_owned());
    }
    if url.path().trim_matches('/').is_empty() {
        return Err("contains no database".to_owned());
    }
    let (mut ssl_mode, mut ssl_root_cert, mut session) = (SslMode::Prefer, None, Vec::new());
    for (name, value) in url.query_pairs() {
        match &*name {
            "sslmode" => ssl_mode = mode(&value)?,
            "sslrootcert" => ssl_root_cert = Some(value.into_owned()),
            _ => session.push((name.clone().into_owned(), session_parameter(&name, &value)?)),
        }
    }
    let requires_binding = session.contains(&("channel_binding".to_owned(), "require".to_owned()));
    if requires_binding && ssl_mode == SslMode::Disable {
        return Err("has channel_binding=require, which needs TLS; remove sslmode=disable".to_owned());
    }
    if ssl_root_cert.is_some() {
        ssl_mode = match ssl_mode {
            // As in libpq: a root certificate that is named is used.
            SslMode::Require => SslMode::VerifyCa,
            SslMode::VerifyCa | SslMode::VerifyFull => ssl_mode,
            _ => return Err("has an sslrootcert, which requires sslmode=verify-full".to_owned()),
        };
    }
    let ssl_root_cert = ssl_root_cert.filter(|path| path != SYSTEM_ROOTS).map(PathBuf::from);
    let masked = mask(url.clone());
    url.set_query(None);
    if !session.is_empty() {
        url.query_pairs_mut().extend_pairs(session);
    }
    Ok(PostgresUrl { connection: String::from(url).into(), ssl_mode, ssl_root_cert, masked })
}

/// The value of a parameter of the session, in the spelling of the driver.
fn session_parameter(name: &str, value: &str) -> Result<String, String> {
    match name {
        "application_name" => Ok(value.to_owned()),
        "connect_timeout" => value
            .parse::<u32>()
            .map(|seconds| seconds.to_string())
            .map_err(|_| format!("has the connect_timeout {value:?}; write a number of seconds")),
        "target_session_attrs" => match value {
            "any" | "read-write" => Ok(value.to_owned()),
            "primary" => Ok("read-write".to_owned()),
            "read-only" | "standby" | "prefer-standby" => Err(format!(
                "has target_session_attrs={value}, but records are written; write read-write or primary"
            )),
            _ => Err(format!(
                "has the unknown target_session_attrs {value:?}; the known ones are any, read-write and primary"
            )),
        },
        "channel_binding" => match value {
            "disable" | "prefer" | "require" => Ok(value.to_owned()),
            _ => Err(format!(
                "has the unknown channel_binding {value:?}; the known ones are disable, prefer and require"
            )),
        },
        _ => Err(format!("has the unknown parameter {name:?}; the known ones are {PARAMETERS}")),
    }
}

fn mode(text: &str) -> Result<SslMode, String> {
    let known = || SslMode::ALL.map(SslMode::as_str).join(", ");
    let mode = SslMode::ALL.into_iter().find(|mode| mode.as_str() == text);
    mode.ok_or_else(|| format!("has the unknown sslmode {text:?}; the known ones are {}", known()))
}

fn mask(mut url: Url) -> String {
    if url.password().is_some() && url.set_password(Some(MASK)).is_err() {
        return format!("{}:{MASK}", url.scheme());
    }
    url.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_contain_a_user_a_host_and_a_database() {
        let table = [
            ("postgres://ann@db/aibridge", Ok(("postgres://ann@db/aibridge", SslMode::Prefer))),
            (
                "postgresql://ann:hunter2@db:6432/aibridge?sslmode=verify-full",
                Ok(("postgresql://ann:hunter2@db:6432/aibridge", SslMode::VerifyFull)),
            ),
            (
                "postgres://ann:p%40ss@[::1]/a?sslmode=disable&application_name=gw",
                Ok(("postgres://ann:p%40ss@[::1]/a?application_name=gw", SslMode::Disable)),
            ),
            (
                "postgres://ann@%2Frun%2Fpostgresql/a?sslmode=require",
                Ok(("postgres://ann@%2Frun%2Fpostgresql/a", SslMode::Require)),
            ),
            ("postgres://db/aibridge", Err("contains no user")),
            ("postgres://ann:hunter2@db", Err("contains no database")),
            ("postgres://ann:hunter2@db/", Err("contains no database")),
            ("postgres://ann:hunter2@/a", Err("is not a URL")),
            ("postgres:a", Err("contains no user")),
            ("postgres://ann:hunter2@db:port/a", Err("is not a URL")),
            ("postgres://ann:hunter2@db/a#b", Err("has a fragment")),
            (
                "postgres://ann@db/a?sslmode=require&channel_binding=require&connect_timeout=10",
                Ok(("postgres://ann@db/a?channel_binding=require&connect_timeout=10", SslMode::Require)),
            ),
            (
                "postgres://ann@db/a?target_session_attrs=primary&sslmode=verify-ca",
                Ok(("postgres://ann@db/a?target_session_attrs=read-write", SslMode::VerifyCa)),
            ),
            (
                "postgres://ann@db/a?sslmode=require&sslrootcert=ca.pem",
                Ok(("postgres://ann@db/a", SslMode::VerifyCa)),
            ),
            ("postgres://ann@db/a?sslrootcert=ca.pem", Err("requires sslmode=verify-full")),
            (
                "postgres://ann@db/a?sslmode=verify",
                Err("the known ones are disable, prefer, require, verify-ca, verify-full"),
            ),
            ("postgres://ann@db/a?connect_timeout=1s", Err("write a number of seconds")),
            ("postgres://ann@db/a?target_session_attrs=standby", Err("write read-write or primary")),
            ("postgres://ann@db/a?target_session_attrs=x", Err("the known ones are any")),
            ("postgres://ann@db/a?channel_binding=x", Err("the known ones are disable, prefer and require")),
            ("postgres://ann@db/a?channel_binding=require&sslmode=disable", Err("remove sslmode=disable")),
            (
                "postgres://ann:hunter2@db/a?timeout=1",
                Err("has the unknown parameter \"timeout\"; the known ones are sslmode"),
            ),
        ];
        for (text, expected) in table {
            match (parse(text), expected) {
                (Ok(url), Ok((connection, ssl_mode))) => {
                    assert_eq!((url.connection.expose_secret(), url.ssl_mode), (connection, ssl_mode));
                }
                (Err(message), Err(expected)) => {
                    assert!(message.contains(expected), "{text:?}: {message}");
                    assert!(!message.contains("hunter2"), "{text:?}: {message}");
                }
                (actual, _) => panic!("{text:?}: {actual:?}"),
            }
        }
    }

    #[test]
    fn a_displayed_url_has_no_password_and_is_valid() {
        let text = "postgres://ann:hunter2@db/a?sslmode=verify-full&sslrootcert=ca.pem";
        let url = parse(text).expect("a URL");
        assert_eq!(url.to_string(), "postgres://ann:...@db/a?sslmode=verify-full&sslrootcert=ca.pem");
        assert_eq!(url.ssl_root_cert.as_deref(), Some("ca.pem".as_ref()));
        let system = parse("postgres://ann@db/a?sslmode=verify-full&sslrootcert=system").expect("a URL");
        assert_eq!(system.ssl_root_cert, None);
        assert!(!format!("{url:?}").contains("hunter2"));
        let again = parse(&url.to_string()).expect("a URL");
        assert_eq!(again.to_string(), url.to_string());
        assert_ne!(again, url, "the password differs");
        assert_eq!(parse(text).expect("a URL"), url);
    }
}
