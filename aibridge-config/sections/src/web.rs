//! Parsers for hosts and origins, as browsers send them in `Host` and `Origin`.

use aibridge_values::report::Report;
use http::uri::Authority;
use std::net::IpAddr;

/// The entry of `server.cors_origins` that allows pages of every origin.
pub const ANY_ORIGIN: &str = "*";

/// Resolves `server.allowed_hosts` to lower case.
pub(crate) fn hosts(raw: &[String], report: &mut Report<'_>) -> Option<Vec<String>> {
    list("server.allowed_hosts", raw, parse_host, report)
}

/// Resolves `server.cors_origins` to lower case.
pub(crate) fn origins(raw: &[String], report: &mut Report<'_>) -> Option<Vec<String>> {
    list("server.cors_origins", raw, parse_origin, report)
}

fn list(
    setting: &str,
    raw: &[String],
    parse: fn(&str) -> Result<String, String>,
    report: &mut Report<'_>,
) -> Option<Vec<String>> {
    let each = raw.iter().enumerate().map(|(at, text)| report.keep(&format!("{setting}[{at}]"), parse(text)));
    let each: Vec<Option<String>> = each.collect(); // collects first, so that all problems are reported
    each.into_iter().collect()
}

fn parse_host(text: &str) -> Result<String, String> {
    let bare = text.parse::<IpAddr>().ok().filter(IpAddr::is_ipv6).map(|address| format!("[{address}]"));
    let host = bare.unwrap_or_else(|| text.to_ascii_lowercase());
    if is_authority(&host) {
        return Ok(host);
    }
    Err(format!(
        "{text:?} is not a host; write a name or an address without scheme and path, e.g. \"gateway.example\""
    ))
}

fn parse_origin(text: &str) -> Result<String, String> {
    let is_origin =
        text.split_once("://").is_some_and(|(scheme, host)| is_scheme(scheme) && is_authority(host));
    if text == ANY_ORIGIN || is_origin {
        return Ok(text.to_ascii_lowercase());
    }
    Err(format!(
        "{text:?} is not an origin; write scheme and host without path, e.g. \"https://app.example\""
    ))
}

/// Whether `text` is a URI scheme (RFC 3986 §3.1).
fn is_scheme(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
}

/// Whether `text` is a host, with or without a port.
fn is_authority(text: &str) -> bool {
    let parsed = text.parse::<Authority>().ok();
    parsed.is_some_and(|parsed| !parsed.host().is_empty()) && !text.contains(['@', '*'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_names_and_addresses() {
        for (text, expected) in [
            ("gateway.example", Some("gateway.example")),
            ("Gateway.Example", Some("gateway.example")),
            ("gateway", Some("gateway")),
            ("gateway.example:8443", Some("gateway.example:8443")),
            ("192.0.2.1", Some("192.0.2.1")),
            ("FD00::1", Some("[fd00::1]")),
            ("[fd00::1]:80", Some("[fd00::1]:80")),
            ("", None),
            ("*", None),
            ("*.example", None),
            ("http://gateway.example", None),
            ("gateway.example/x", None),
            ("user@gateway.example", None),
            ("two hosts", None),
            (":80", None),
        ] {
            assert_eq!(parse_host(text).ok().as_deref(), expected, "{text:?}");
        }
    }

    #[test]
    fn origins_have_a_scheme_and_no_path() {
        for (text, expected) in [
            ("https://app.example", Some("https://app.example")),
            ("HTTPS://App.Example:8443", Some("https://app.example:8443")),
            ("app://obsidian.md", Some("app://obsidian.md")),
            ("vscode-file://vscode-app", Some("vscode-file://vscode-app")),
            ("*", Some("*")),
            ("", None),
            ("null", None),
            ("app.example", None),
            ("https://", None),
            ("https://app.example/", None),
            ("https://*.example", None),
            ("https://user@app.example", None),
            ("1x://app", None),
            ("://app", None),
        ] {
            assert_eq!(parse_origin(text).ok().as_deref(), expected, "{text:?}");
        }
    }
}
