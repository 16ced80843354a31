//! Recognises requests that a page of another origin makes in the browser of a user.

use http::header::{HOST, ORIGIN};
use http::request::Parts;
use http::{HeaderName, HeaderValue};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Whether a page of this origin makes the request: `Sec-Fetch-Site` is `same-origin`; without that header, `Origin` names
/// the host of the request. False without both headers.
pub fn is_same_origin(request: &Parts) -> bool {
    let mut sites = request.headers.get_all(SEC_FETCH_SITE).iter().peekable();
    if sites.peek().is_some() {
        return sites.all(|site| site == "same-origin");
    }
    let mut origins = request.headers.get_all(ORIGIN).iter();
    match (origins.next(), origins.next()) {
        (Some(origin), None) => host(request).is_some_and(|host| names(origin, host)),
        _ => false,
    }
}

/// Whether a browser marked the request. Programs send neither `Origin` nor `Sec-Fetch-Site`.
pub fn is_from_browser(request: &Parts) -> bool {
    request.headers.contains_key(SEC_FETCH_SITE) || request.headers.contains_key(ORIGIN)
}

/// The host that the request names.
fn host(request: &Parts) -> Option<&str> {
    let mut hosts = request.headers.get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(host), None) => host.to_str().ok(),
        (None, None) => request.uri.authority().map(http::uri::Authority::as_str),
        _ => None,
    }
}

fn names(origin: &HeaderValue, host: &str) -> bool {
    let origin = origin.to_str().ok().and_then(|origin| origin.split_once("://"));
    origin.is_some_and(|(scheme, named)| {
        matches!(scheme, "http" | "https") && !named.is_empty() && named.eq_ignore_ascii_case(host)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pages_of_this_origin_are_admitted() {
        let table: &[(&[(&str, &str)], bool)] = &[
            (&[("sec-fetch-site", "same-origin")], true),
            (&[("sec-fetch-site", "same-origin"), ("origin", "https://evil.test")], true),
            (&[("sec-fetch-site", "same-site"), ("origin", "http://gw.test:80")], false),
            (&[("sec-fetch-site", "cross-site")], false),
            (&[("sec-fetch-site", "none")], false),
            (&[("sec-fetch-site", "same-origin"), ("sec-fetch-site", "cross-site")], false),
            (&[("origin", "http://gw.test:80")], true),
            (&[("origin", "HTTPS://GW.test:80")], false),
            (&[("origin", "https://GW.test:80")], true),
            (&[("origin", "http://gw.test")], false),
            (&[("origin", "http://gw.test:80"), ("origin", "http://gw.test:80")], false),
            (&[("origin", "null")], false),
            (&[("origin", "gw.test:80")], false),
            (&[], false),
        ];
        for (headers, expected) in table {
            let mut builder = http::Request::post("/x").header("host", "gw.test:80");
            for (name, value) in *headers {
                builder = builder.header(*name, *value);
            }
            let (parts, ()) = builder.body(()).expect("a request").into_parts();
            assert_eq!(is_same_origin(&parts), *expected, "{headers:?}");
        }
    }
}
