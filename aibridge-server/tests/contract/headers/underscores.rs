//! Header names with `_` are treated like those with `-`, as CGI-style servers do.

use super::sorted;
use crate::endpoints::{ENDPOINTS, Endpoint, KEYS};
use crate::harness::{Harness, provider_settings};
use aibridge_testkit::{RawClient, Script, ScriptedProvider, request};

/// Headers that are dropped in every spelling.
const DROPPED: [(&str, &str); 25] = [
    ("X_AI_Bridge_Actor_ID", "root"),
    ("X-AI_Bridge-Actor_Metadata-Email", "root@example.org"),
    ("X_AIBridge_Anything", "x"),
    ("X_Coder_Owner", "root"),
    ("OpenAI_Organization", "org-1"),
    ("OpenAI_Project", "proj_1"),
    ("X_Forwarded_For", "192.0.2.1"),
    ("X-Forwarded_Anything", "x"),
    ("X_Real_IP", "192.0.2.1"),
    ("Content_Length", "0"),
    ("Accept_Encoding", "gzip"),
    ("Transfer_Encoding", "chunked"),
    ("Keep_Alive", "timeout=5"),
    ("Proxy_Authorization", "Basic c2VjcmV0"),
    ("X_Api_Key", "secret"),
    ("Api_Key", "secret"),
    ("X-Goog-Api-Key", "secret"),
    ("X_Goog_Api_Key", "secret"),
    ("X-HTTP-Method-Override", "DELETE"),
    ("X_HTTP_Method_Override", "DELETE"),
    ("X-HTTP-Method", "DELETE"),
    ("X-Method-Override", "DELETE"),
    ("X_Method_Override", "DELETE"),
    ("X_Tenant_Id", "theirs"),
    ("X_Hop", "1"),
];

/// Headers that are forwarded in their original spelling.
const OWN: [(&str, &str); 4] =
    [("session_id", "0199"), ("X_Own", "a"), ("User-Agent", "x"), ("Accept", "application/json")];

#[tokio::test]
async fn no_spelling_of_a_dropped_header_reaches_the_provider() {
    let provider = ScriptedProvider::start(|request| Endpoint::of(request).good_response()).await;
    let settings =
        provider_settings(&provider.base_url(), &KEYS[..1]) + "extra_headers = { X-Tenant-Id = \"ours\" }\n";
    let gateway = Harness::start(&settings).await;
    for endpoint in &ENDPOINTS {
        let headers = [&OWN[..], &DROPPED, &[("Connection", "x-hop")]].concat();
        let bytes = request("POST", endpoint.target, &headers, endpoint.body.as_bytes());
        RawClient::connect(gateway.address).await.call(&bytes).await;
        let received = provider.received().pop().unwrap();
        let (host, length) = (provider.address().to_string(), endpoint.body.len().to_string());
        let bearer = format!("Bearer {}", KEYS[0]);
        let added = [
            ("Host", host.as_str()),
            ("Content-Length", &length),
            ("Authorization", &bearer),
            ("X-Tenant-Id", "ours"),
            ("Accept-Encoding", "identity"),
        ];
        assert_eq!(sorted(&received.headers), sorted(&[&OWN[..], &added].concat()), "{}", endpoint.name);
    }
}

#[tokio::test]
async fn a_malformed_connection_option_drops_only_itself() {
    let provider = ScriptedProvider::start(|request| Endpoint::of(request).good_response()).await;
    let gateway = Harness::with_keys(&provider.base_url(), &KEYS[..1]).await;
    for connection in [
        &b"X-Hop, \xe9"[..],
        b"\xe9,x_hop",
        b"keep-alive, in valid(), X-Hop ,,",
        b"\xe9\r\nConnection: x-hop",
    ] {
        let mut head =
            b"POST /openai/v1/responses HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nX-Hop: 1\r\nConnection: "
                .to_vec();
        head.extend_from_slice(connection);
        head.extend_from_slice(b"\r\n\r\n{}");
        let response = RawClient::connect(gateway.address).await.call(&head).await;
        assert_eq!(response.status(), 200);
        let received = provider.received().pop().unwrap();
        assert_eq!(received.header("x-hop"), None, "{:?}", String::from_utf8_lossy(connection));
    }
}

#[tokio::test]
async fn no_spelling_of_a_dropped_header_reaches_a_client() {
    let provider = ScriptedProvider::start(|_| {
        Script::json(200, "{}")
            .header("Set_Cookie", "a=b")
            .header("Alt_Svc", "h3")
            .header("Strict_Transport-Security", "max-age=1")
            .header("OpenAI_Organization", "org")
            .header("OpenAI-Project", "proj")
            .header("X_AIBridge_Error", "invented")
            .header("X_Kept", "1")
    })
    .await;
    let gateway = Harness::with_keys(&provider.base_url(), &KEYS[..1]).await;
    for endpoint in &ENDPOINTS {
        let names = endpoint.call(&gateway, &[]).await.head.names();
        assert!(names.contains(&"x_kept".to_owned()), "{}: {names:?}", endpoint.name);
        for dropped in [
            "set_cookie",
            "alt_svc",
            "strict_transport-security",
            "openai_organization",
            "openai-project",
            "x_aibridge_error",
        ] {
            assert!(!names.contains(&dropped.to_owned()), "{}: {names:?}", endpoint.name);
        }
    }
}
