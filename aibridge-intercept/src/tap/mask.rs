//! What may be shown of a head: everything but credentials, of which a hint is.

use aibridge_keypool::hint;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::Url;

/// `headers` with hints for credentials.
pub(super) fn headers(headers: &HeaderMap) -> HeaderMap {
    let shown = headers.iter().map(|(name, value)| (name.clone(), shown(name, value)));
    let mut masked = HeaderMap::with_capacity(headers.len());
    shown.for_each(|(name, value)| {
        masked.append(name, value);
    });
    masked
}

fn shown(name: &HeaderName, value: &HeaderValue) -> HeaderValue {
    let name = name.as_str();
    let text = String::from_utf8_lossy(value.as_bytes());
    let masked = match name {
        "cookie" => text.split(';').map(|pair| cookie(pair.trim())).collect::<Vec<_>>().join("; "),
        "set-cookie" => match text.split_once(';') {
            Some((first, attributes)) => format!("{};{attributes}", cookie(first)),
            None => cookie(&text),
        },
        _ if name.ends_with("authorization") => with_scheme(&text),
        _ if value.is_sensitive() || is_credential(name) => hint(&text),
        _ => return value.clone(),
    };
    // A hint of what was a header's value may be one; if its characters were no text, nothing is shown.
    HeaderValue::try_from(masked).unwrap_or(HeaderValue::from_static("..."))
}

/// By its name, as vendors name such headers and query parameters.
fn is_credential(name: &str) -> bool {
    let name = name.to_ascii_lowercase().replace('_', "-");
    name == "key"
        || name == "token"
        || ["api-key", "apikey", "-token"].iter().any(|end| name.ends_with(end))
        || ["secret", "password", "credential"].iter().any(|word| name.contains(word))
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

/// Path and query of `url`.
pub(super) fn target(url: &Url) -> String {
    let Some(query) = url.query() else { return url.path().to_owned() };
    let shown = query.split('&').map(|pair| match pair.split_once('=') {
        Some((name, value)) if is_credential(name) => format!("{name}={}", hint(value)),
        _ => pair.to_owned(),
    });
    format!("{}?{}", url.path(), shown.collect::<Vec<_>>().join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_show_hints_of_credentials() {
        let table = [
            ("authorization", "Bearer sk-abcdefghijklmnopqrstuvwxyzefgh", "Bearer sk-a...efgh"),
            ("authorization", "sk-abcdefghijklmnopqrstuvwxyzefgh", "sk-a...efgh"),
            ("proxy-authorization", "Basic dXNlcjpzZWNyZXQ=", "Basic dX...Q="),
            ("x-api-key", "abc", "..."),
            ("x-goog-api-key", "abcdefghij", "ab...ij"),
            ("cookie", "a=secret; b=0123456789; lone-secret", "a=s...t; b=01...89; lo...et"),
            ("set-cookie", "sid=0123456789; Path=/; HttpOnly", "sid=01...89; Path=/; HttpOnly"),
            ("x-ratelimit-remaining-tokens", "149984", "149984"),
            ("content-type", "application/json", "application/json"),
        ];
        for (name, value, expected) in table {
            let map =
                HeaderMap::from_iter([(HeaderName::from_static(name), HeaderValue::from_static(value))]);
            let shown = headers(&map);
            assert_eq!(shown[name], expected, "{name}: {value}");
        }
    }

    #[test]
    fn what_is_marked_sensitive_is_masked_whatever_its_name() {
        let mut value = HeaderValue::from_bytes(b"s\xffcret-0123456789-0123").unwrap();
        value.set_sensitive(true);
        let map = HeaderMap::from_iter([(HeaderName::from_static("x-team"), value)]);
        let shown = headers(&map);
        assert_eq!(shown["x-team"], "s\u{fffd}cr...0123");
    }

    #[test]
    fn queries_show_hints_of_credentials() {
        let url = Url::parse("http://host/v1/models?limit=3&api_key=0123456789&key=ab&x").unwrap();
        assert_eq!(target(&url), "/v1/models?limit=3&api_key=01...89&key=...&x");
        assert_eq!(target(&Url::parse("http://host/v1/models").unwrap()), "/v1/models");
    }
}
