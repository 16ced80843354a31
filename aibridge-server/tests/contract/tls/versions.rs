//! The same responses in every version of HTTP, and the differences.

use super::{TLS, gateway_and_client, launch};
use crate::dialects::{CHAT, Dialect, KEY, OPENAI_DIALECTS};
use crate::harness::provider_settings;
use aibridge_testkit::{Authority, H2Client, H2End, ScriptedProvider};
use http::{HeaderMap, Version};
use serde_json::Value;

/// A client as real programs use it.
fn reqwest(authority: &Authority, protocols: &[&str]) -> reqwest::Client {
    let builder = reqwest::Client::builder().tls_backend_preconfigured(authority.client_config(protocols));
    let builder = if protocols == ["http/1.1"] { builder.http1_only() } else { builder };
    builder.no_proxy().build().unwrap()
}

#[tokio::test]
async fn clients_negotiate_the_highest_common_version() {
    let provider = ScriptedProvider::start(Dialect::respond_to).await;
    let authority = Authority::new();
    let gateway = launch(&authority, &provider_settings(&provider.base_url(), &[KEY])).start().await;
    assert!(gateway.base_url("openai").starts_with("https://"));
    let versions: [(&[&str], Version); 4] = [
        (&["h2", "http/1.1"], Version::HTTP_2),
        (&["http/1.1", "h2"], Version::HTTP_2),
        (&["http/1.1"], Version::HTTP_11),
        (&[], Version::HTTP_11),
    ];
    for (protocols, version) in versions {
        let client = reqwest(&authority, protocols);
        for dialect in OPENAI_DIALECTS {
            for streaming in [false, true] {
                let request = client.post(format!("{}{}", gateway.url(), dialect.target));
                let response = request.body(dialect.request(streaming)).send().await.unwrap();
                assert_eq!((response.version(), response.status().as_u16()), (version, 200), "{protocols:?}");
                assert_eq!(response.text().await.unwrap(), dialect.response(streaming));
            }
        }
        let health = client.get(format!("{}/healthz", gateway.url())).send().await.unwrap();
        assert_eq!((health.version(), health.text().await.unwrap().as_str()), (version, "ok"));
    }
}

/// Headers without those that differ by version or request: framing, dates and ids.
fn comparable(headers: &HeaderMap) -> Vec<(String, String)> {
    let own = ["date", "connection", "x-aibridge-interception-id"];
    let headers = headers.iter().filter(|(name, _)| !own.contains(&name.as_str()));
    let mut headers: Vec<_> =
        headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
    headers.sort();
    headers
}

#[tokio::test]
async fn refusals_are_equal_in_every_version() {
    let authority = Authority::new();
    let settings =
        "[server]\nmax_body_bytes = 100\n".to_owned() + &provider_settings("http://127.0.0.1:9/v1", &[KEY]);
    let gateway = launch(&authority, &settings).start().await;
    let mut second = H2Client::connect(gateway.address(), &authority).await;
    let first = reqwest(&authority, &["http/1.1"]);
    let large = "x".repeat(5_000_000);
    for (method, target, body, status) in [
        ("GET", "/nowhere", "", 404),
        ("GET", "/openai/v1/responses/../models", "", 400),
        ("GET", "/openai/v1/a%2fb", "", 400),
        ("GET", CHAT.target, "", 405),
        ("POST", CHAT.target, "[]", 400),
        ("POST", CHAT.target, &large, 413),
        ("POST", CHAT.target, "{\"model\":\"m\"}", 502),
        ("HEAD", "/healthz", "", 200),
        ("POST", "/healthz", "", 405),
    ] {
        // Sent unchanged, because a URL library would normalise the path.
        let (head, text, end) = second.call(method, target, &[], body).await;
        assert_eq!((head.status().as_u16(), end), (status, H2End::Clean), "{method} {target}");
        if target.contains("..") {
            continue;
        }
        let request = first.request(method.parse().unwrap(), format!("{}{target}", gateway.url()));
        let response = request.body(body.to_owned()).send().await.unwrap();
        assert_eq!(response.status().as_u16(), status, "{method} {target}");
        assert_eq!(comparable(head.headers()), comparable(response.headers()), "{method} {target}");
        assert_eq!(text, response.bytes().await.unwrap(), "{method} {target}");
    }
}

#[tokio::test]
async fn websockets_are_refused_in_every_version() {
    let authority = Authority::new();
    let settings = provider_settings("http://127.0.0.1:9/v1", &[KEY]);
    let gateway = launch(&authority, &settings).start().await;
    let client = reqwest(&authority, &["http/1.1"]);
    let upgrade = client.get(format!("{}/openai/v1/responses", gateway.url()));
    let response =
        upgrade.header("Connection", "Upgrade").header("Upgrade", "websocket").send().await.unwrap();
    assert_eq!(response.status(), 426);
    let body: Value = serde_json::from_str(&response.text().await.unwrap()).unwrap();
    assert_eq!(body["error"]["code"], "websocket_unsupported");

    let mut client = H2Client::connect(gateway.address(), &authority).await;
    let mut tunnel = client.begin("CONNECT", "gateway.test:443", &[], false).await;
    assert_eq!(tunnel.head().await.status(), 403, "the authority is another host");
    assert_eq!(client.call("GET", "/healthz", &[], "").await.1, "ok", "the connection goes on");
}

#[tokio::test]
async fn a_head_that_is_too_long_is_refused_and_the_next_is_not() {
    for (limits, fits, too_long) in
        [("", 100_000, 140_000), ("[limits]\nmax_header_bytes = \"2KiB\"\n", 1500, 2100)]
    {
        let authority = Authority::new();
        let gateway = launch(&authority, limits).start().await;
        let mut second = H2Client::connect(gateway.address(), &authority).await;
        let first = reqwest(&authority, &["http/1.1"]);
        for (length, status) in [(fits, 200), (too_long, 431), (fits, 200)] {
            let value = "x".repeat(length);
            let (head, _, end) = second.call("GET", "/healthz", &[("x-long", &value)], "").await;
            assert_eq!((head.status().as_u16(), end), (status, H2End::Clean), "{limits} {length}");
            let request = first.get(format!("{}/healthz", gateway.url())).header("x-long", &value);
            assert_eq!(request.send().await.unwrap().status().as_u16(), status, "{limits} {length}");
        }
    }
}

#[tokio::test]
async fn the_admin_listener_has_no_tls() {
    let authority = Authority::new();
    let gateway = launch(&authority, "[admin]\nlisten = \"127.0.0.1:0\"\n").start().await;
    gateway.wait_for_output("admin    http://127.0.0.1:").await;
    let output = gateway.stdout();
    let admin = output.split("admin    ").nth(1).unwrap().lines().next().unwrap();
    let response =
        reqwest(&authority, &["h2", "http/1.1"]).get(format!("{admin}/metrics")).send().await.unwrap();
    assert!(response.text().await.unwrap().contains("\naibridge_open_connections 0\n"));
}

#[tokio::test]
async fn check_accepts_tls_settings() {
    let authority = Authority::new();
    let ended = launch(&authority, "").arg("check").run().await;
    assert_eq!((ended.status.code(), ended.stderr.as_str()), (Some(0), ""));
    assert!(ended.stdout.contains(TLS), "{}", ended.stdout);
}

#[tokio::test]
async fn without_tls_there_is_no_http2() {
    let (gateway, _) = gateway_and_client("http://127.0.0.1:9/v1").await;
    drop(gateway);
    let plain = aibridge_testkit::Launch::new(env!("CARGO_BIN_EXE_aibridge")).start().await;
    let mut client = aibridge_testkit::RawClient::connect(plain.address()).await;
    client.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
    client.wait_closed().await;
}
