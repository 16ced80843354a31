use crate::report::Report;
use crate::secret::Secret;
use http::{HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use std::collections::BTreeMap;

/// Headers that say how this one connection or this one body is to be read (RFC 9110 §7.6.1, RFC 9112 §6).
/// They are the gateway's to write: a false one would corrupt the message, or let one request end in another.
const HOP_BY_HOP_AND_FRAMING: [&str; 15] = [
    "accept-encoding",
    "connection",
    "content-encoding",
    "content-length",
    "expect",
    "host",
    "http2-settings",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// The headers to add, by lower-case name; `None` if any is a problem. No problem shows a value.
pub(super) fn resolve(
    headers: BTreeMap<String, Secret>,
    at: &str,
    report: &mut Report<'_>,
) -> Option<Vec<(String, SecretString)>> {
    let mut resolved: BTreeMap<String, SecretString> = BTreeMap::new();
    let mut whole = true;
    for (name, Secret(value)) in headers {
        let header = check(&name, value.expose_secret()).and_then(|checked| {
            if resolved.contains_key(checked.as_str()) {
                return Err("is there twice, in different cases; take one of them out".to_owned());
            }
            Ok(checked)
        });
        match report.keep(&format!("{at}.{name}"), header) {
            Some(checked) => drop(resolved.insert(checked.as_str().to_owned(), value)),
            None => whole = false,
        }
    }
    whole.then(|| resolved.into_iter().collect())
}

fn check(name: &str, value: &str) -> Result<HeaderName, String> {
    let name = HeaderName::from_bytes(name.as_bytes())
        .map_err(|_| "is no header name; write letters, digits and hyphens, e.g. X-Team".to_owned())?;
    if HOP_BY_HOP_AND_FRAMING.contains(&name.as_str()) {
        return Err("is a header of the connection, which only the gateway can write; take it out".to_owned());
    }
    if name == http::header::AUTHORIZATION {
        return Err("is what a key is sent in; write the key into keys instead".to_owned());
    }
    // RFC 9110 §5.5: bytes beyond ASCII are obsolete, and read differently by everyone.
    if HeaderValue::from_str(value).is_err() || !value.is_ascii() {
        return Err("has a value that no header can carry; write one line of ASCII".to_owned());
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_names_and_values() {
        let table = [
            ("X-Team", "red", Ok("x-team")),
            ("x-empty", "", Ok("x-empty")),
            ("api-key", "a b", Ok("api-key")),
            ("OpenAI-Organization", "org-1", Ok("openai-organization")),
            ("", "x", Err("is no header name")),
            ("X Team", "x", Err("is no header name")),
            ("X-Team:", "x", Err("is no header name")),
            ("X-Täm", "x", Err("is no header name")),
            ("X-Team", "hunter2\nX-Spy: 1", Err("has a value that no header can carry")),
            ("X-Team", "hünter2", Err("has a value that no header can carry")),
            ("Host", "x", Err("is a header of the connection")),
            ("Content-Length", "0", Err("is a header of the connection")),
            ("TRANSFER-ENCODING", "chunked", Err("is a header of the connection")),
            ("Connection", "close", Err("is a header of the connection")),
            ("Accept-Encoding", "gzip", Err("is a header of the connection")),
            ("Authorization", "Bearer hunter2", Err("is what a key is sent in")),
        ];
        for (name, value, expected) in table {
            match (check(name, value), expected) {
                (Ok(actual), Ok(expected)) => assert_eq!(actual.as_str(), expected, "{name:?}"),
                (Err(actual), Err(expected)) => {
                    assert!(actual.starts_with(expected), "{name:?}: {actual}");
                    assert!(!actual.contains("nter2"), "{name:?}: {actual}");
                }
                (actual, _) => panic!("{name:?}: {actual:?}"),
            }
        }
    }

    #[test]
    fn the_refused_are_spelt_as_they_are_compared() {
        for name in HOP_BY_HOP_AND_FRAMING {
            assert_eq!(HeaderName::from_bytes(name.as_bytes()).expect("a name").as_str(), name);
        }
    }
}
