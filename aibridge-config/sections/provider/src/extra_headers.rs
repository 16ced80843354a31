//! `extra_headers`: the headers to add to upstream requests.

use aibridge_values::report::Report;
use aibridge_values::secret::Secret;
use http::{HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use std::collections::BTreeMap;

/// Headers of the connection and of the message framing (RFC 9110 §7.6.1, RFC 9112 §6). Only the gateway may write them:
/// a wrong value would corrupt the message, or allow request smuggling.
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

const CARRIES_THE_KEY: &str = "carries the provider key; add the key to keys instead";

/// Whether only the gateway may write the header `name`, in any spelling.
pub(crate) fn belongs_to_the_connection(name: &HeaderName) -> bool {
    HOP_BY_HOP_AND_FRAMING.contains(&hyphenated(name).as_str())
}

/// `name` with `_` replaced by `-`: CGI-style servers read both spellings as one header.
pub(crate) fn hyphenated(name: &HeaderName) -> String {
    name.as_str().replace('_', "-")
}

/// Resolves the headers, sorted by lower-case name. `None` if any has a problem. No problem contains a value.
/// The header of the keys, `auth_header`, is not among them.
pub(crate) fn resolve(
    headers: BTreeMap<String, Secret>,
    auth_header: Option<&HeaderName>,
    at: &str,
    report: &mut Report<'_>,
) -> Option<Vec<(String, SecretString)>> {
    let mut resolved: BTreeMap<String, SecretString> = BTreeMap::new();
    let mut is_complete = true;
    for (name, Secret(value)) in headers {
        let header = check(&name, value.expose_secret()).and_then(|checked| {
            if auth_header.is_some_and(|key| hyphenated(key) == hyphenated(&checked)) {
                return Err(CARRIES_THE_KEY.to_owned());
            }
            if resolved.contains_key(checked.as_str()) {
                return Err("is a duplicate in another case; remove one of them".to_owned());
            }
            Ok(checked)
        });
        match report.keep(&format!("{at}.{name}"), header) {
            Some(checked) => drop(resolved.insert(checked.as_str().to_owned(), value)),
            None => is_complete = false,
        }
    }
    is_complete.then(|| resolved.into_iter().collect())
}

fn check(name: &str, value: &str) -> Result<HeaderName, String> {
    let name = HeaderName::from_bytes(name.as_bytes())
        .map_err(|_| "is not a header name; write letters, digits and hyphens, e.g. X-Team".to_owned())?;
    if belongs_to_the_connection(&name) {
        return Err("is a header of the connection, which only the gateway may write; remove it".to_owned());
    }
    if hyphenated(&name) == http::header::AUTHORIZATION.as_str() {
        return Err(CARRIES_THE_KEY.to_owned());
    }
    // RFC 9110 §5.5: non-ASCII bytes are obsolete, and recipients differ in their interpretation.
    if HeaderValue::from_str(value).is_err() || !value.is_ascii() {
        return Err("has a value that is not valid in a header; write one line of ASCII".to_owned());
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
            ("", "x", Err("is not a header name")),
            ("X Team", "x", Err("is not a header name")),
            ("X-Team:", "x", Err("is not a header name")),
            ("X-Täm", "x", Err("is not a header name")),
            ("X-Team", "hunter2\nX-Spy: 1", Err("has a value that is not valid in a header")),
            ("X-Team", "hünter2", Err("has a value that is not valid in a header")),
            ("Host", "x", Err("is a header of the connection")),
            ("Content-Length", "0", Err("is a header of the connection")),
            ("TRANSFER-ENCODING", "chunked", Err("is a header of the connection")),
            ("Connection", "close", Err("is a header of the connection")),
            ("Accept-Encoding", "gzip", Err("is a header of the connection")),
            ("content_length", "5", Err("is a header of the connection")),
            ("Proxy_Authorization", "x", Err("is a header of the connection")),
            ("X_Team", "red", Ok("x_team")),
            ("Authorization", "Bearer hunter2", Err("carries the provider key")),
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
    fn rejected_names_are_lower_case() {
        for name in HOP_BY_HOP_AND_FRAMING {
            assert_eq!(HeaderName::from_bytes(name.as_bytes()).expect("a name").as_str(), name);
        }
    }
}
