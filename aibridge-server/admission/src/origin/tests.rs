//! Tests of the rules for web pages.

use super::*;
use std::net::SocketAddr;

/// A policy of a gateway that listens on all addresses. The connection of a request is to 192.0.2.7.
fn policy(allowed_hosts: &[&str], cors_origins: &[&str]) -> OriginPolicy {
    let owned = |list: &[&str]| list.iter().map(|&text| text.to_owned()).collect();
    let server = Server {
        listen: "0.0.0.0:8080".parse().unwrap(),
        max_body_bytes: 0,
        keep_alive: std::time::Duration::ZERO,
        shutdown_grace: std::time::Duration::ZERO,
        insecure: true,
        allowed_hosts: owned(allowed_hosts),
        cors_origins: owned(cors_origins),
    };
    OriginPolicy::new(&server, &Admin { listen: None })
}

fn request(version: Version, uri: &str, headers: &[(&str, &str)]) -> Parts {
    let remote: SocketAddr = "192.0.2.9:1".parse().unwrap();
    let peer = Peer { remote, local: "192.0.2.7".parse().unwrap() };
    let request = http::Request::builder().version(version).uri(uri).extension(peer);
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    request.body(()).unwrap().into_parts().0
}

#[test]
fn the_host_must_be_the_gateways_own_or_allowed() {
    let policy = policy(&["gateway.example", "[fd00::1]", "other.example:8443"], &[]);
    for (host, expected) in [
        ("localhost", true),
        ("LOCALHOST:8080", true),
        ("localhost.", true),
        ("app.localhost:1", true),
        ("127.0.0.1", true),
        ("127.1.2.3:65535", true),
        ("[::1]:8080", true),
        ("[::ffff:127.0.0.1]", true),
        ("192.0.2.7:8080", true),
        ("0.0.0.0:8080", true),
        ("gateway.example", true),
        ("Gateway.Example.:8080", true),
        ("[fd00::1]:80", true),
        ("other.example:8443", true),
        ("other.example", false),
        ("other.example:1", false),
        ("evil.example", false),
        ("evil.example:8080", false),
        ("localhost.evil.example", false),
        ("notlocalhost", false),
        ("127.0.0.1.evil.example", false),
        ("192.0.2.8", false),
        ("localhost@evil.example", false),
        ("evil.example@localhost", false),
        ("", false),
        ("::1", false),
        ("local host", false),
    ] {
        let admitted = policy.admit(&request(Version::HTTP_11, "/x", &[("host", host)]));
        assert_eq!(
            admitted.as_ref().map_err(Refusal::code),
            if expected { Ok(&()) } else { Err("host_not_allowed") },
            "{host:?}"
        );
    }
}

#[test]
fn every_host_name_of_a_request_is_checked() {
    let policy = policy(&[], &[]);
    for (version, uri, headers, expected) in [
        (Version::HTTP_2, "https://localhost:8443/x", &[][..], true),
        (Version::HTTP_2, "https://evil.example/x", &[], false),
        (Version::HTTP_2, "https://evil.example/x", &[("host", "localhost")], false),
        (Version::HTTP_2, "https://localhost/x", &[("host", "evil.example")], false),
        (Version::HTTP_2, "/x", &[("host", "localhost")], true),
        (Version::HTTP_2, "/x", &[], false),
        (Version::HTTP_11, "http://evil.example/x", &[("host", "localhost")], false),
        (Version::HTTP_11, "http://localhost/x", &[("host", "localhost")], true),
        (Version::HTTP_11, "http://localhost/x", &[("host", "evil.example")], false),
        (Version::HTTP_11, "/x", &[("host", "localhost"), ("host", "evil.example")], false),
        (Version::HTTP_11, "/x", &[], false),
        (Version::HTTP_10, "/x", &[], true),
        (Version::HTTP_10, "/x", &[("host", "evil.example")], false),
    ] {
        let admitted = policy.admit(&request(version, uri, headers));
        assert_eq!(admitted.is_ok(), expected, "{version:?} {uri} {headers:?}");
    }
}

#[test]
fn the_origin_must_be_the_gateways_own_or_listed() {
    let policy = policy(&["gateway.example"], &["https://app.example", "app://desktop", "*"]);
    for (headers, expected) in [
        (&[][..], true),
        (&[("origin", "http://localhost:3000")], true),
        (&[("origin", "https://127.0.0.1")], true),
        (&[("origin", "http://[::1]:8080")], true),
        (&[("origin", "tauri://localhost")], true),
        (&[("origin", "https://gateway.example:1")], true),
        (&[("origin", "https://app.example")], true),
        (&[("origin", "app://desktop")], true),
        (&[("origin", "http://app.example")], false),
        (&[("origin", "https://app.example:8443")], false),
        (&[("origin", "https://evil.example")], false),
        (&[("origin", "https://localhost.evil.example")], false),
        (&[("origin", "null")], false),
        (&[("origin", "")], false),
        (&[("origin", "localhost")], false),
        (&[("origin", "https://app.example"), ("origin", "https://evil.example")], false),
        (&[("sec-fetch-site", "same-origin")], true),
        (&[("sec-fetch-site", "none")], true),
        (&[("sec-fetch-site", "cross-site")], false),
        (&[("sec-fetch-site", "same-site")], false),
        (&[("sec-fetch-site", "none"), ("sec-fetch-site", "cross-site")], false),
        (&[("sec-fetch-site", "cross-site"), ("origin", "https://app.example")], true),
        (&[("sec-fetch-site", "same-origin"), ("origin", "https://evil.example")], false),
    ] {
        let headers = [&[("host", "localhost")], headers].concat();
        let admitted = policy.admit(&request(Version::HTTP_11, "/x", &headers));
        assert_eq!(
            admitted.as_ref().map_err(Refusal::code),
            if expected { Ok(&()) } else { Err("origin_not_allowed") },
            "{headers:?}"
        );
    }
}
