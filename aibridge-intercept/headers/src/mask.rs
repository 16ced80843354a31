//! Masks credentials in requests and responses, for dumps, spans and log lines. A hint of each credential remains.
//!
//! A credential is recognised by the name of its header or query parameter. Access tokens and URL passwords are
//! recognised by their form. Too much masking is better than too little.

mod name;
mod url;

#[cfg(test)]
mod tests;

pub use self::url::{target, text};

use aibridge_keypool::hint;
use http::header::{HeaderMap, HeaderName, HeaderValue};

/// `headers` with hints in place of credentials.
pub fn headers(headers: &HeaderMap) -> HeaderMap {
    let mut masked = HeaderMap::with_capacity(headers.len());
    for (name, value) in headers {
        masked.append(name, header(name, value));
    }
    masked
}

fn header(name: &HeaderName, value: &HeaderValue) -> HeaderValue {
    let name = crate::forwarding::canonical(name.as_str());
    let shown = String::from_utf8_lossy(value.as_bytes());
    let masked = match &*name {
        "cookie" => shown.split(';').map(|pair| cookie(pair.trim())).collect::<Vec<_>>().join("; "),
        "set-cookie" => match shown.split_once(';') {
            Some((first, attributes)) => format!("{};{attributes}", cookie(first)),
            None => cookie(&shown),
        },
        _ if name.ends_with("authorization") => with_scheme(&shown),
        _ if value.is_sensitive() || name::is_secret_header(&name) => hint(&shown),
        _ => match text(&shown) {
            unchanged if unchanged == shown => return value.clone(),
            masked => masked.into_owned(),
        },
    };
    // A hint of a header value is a valid header value, unless it contains U+FFFD for a byte that is not UTF-8.
    HeaderValue::try_from(masked).unwrap_or(HeaderValue::from_static("..."))
}

/// Masks the credential after a scheme: `Bearer sk-a...efgh`.
fn with_scheme(value: &str) -> String {
    match value.split_once(' ') {
        Some((scheme, credential)) => format!("{scheme} {}", hint(credential)),
        None => hint(value),
    }
}

/// Masks the value of a cookie: `name=va...ue`.
fn cookie(pair: &str) -> String {
    match pair.split_once('=') {
        Some((name, value)) => format!("{name}={}", hint(value)),
        None => hint(pair),
    }
}
