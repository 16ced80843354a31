//! What dumps, spans and log lines may show of a request or an answer: of each credential only a hint.
//!
//! A credential is recognised by the name of the header or query parameter that carries it. Access tokens and URL
//! passwords are recognised by their form. It is better to mask too much than too little.

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
    let name = crate::headers::canonical(name.as_str());
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
    // A hint of a header value is a header value, except where it holds U+FFFD for a byte that was no text.
    HeaderValue::try_from(masked).unwrap_or(HeaderValue::from_static("..."))
}

/// `Bearer sk-a...efgh`
fn with_scheme(value: &str) -> String {
    match value.split_once(' ') {
        Some((scheme, credential)) => format!("{scheme} {}", hint(credential)),
        None => hint(value),
    }
}

/// `name=va...ue`
fn cookie(pair: &str) -> String {
    match pair.split_once('=') {
        Some((name, value)) => format!("{name}={}", hint(value)),
        None => hint(pair),
    }
}
