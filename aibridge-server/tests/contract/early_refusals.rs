//! Refusals before the request body: they come at once, and an unsent body takes no permit.

use crate::auth::tokens_of;
use crate::endpoints::{ENDPOINTS, Endpoint, KEYS, OWN_BEARER};
use crate::harness::{Harness, provider_settings};
use aibridge_testkit::{Gate, Head, RawClient, ScriptedProvider, request};
use secrecy::ExposeSecret;

const MANY: &str = "62914560"; // 60 MiB

async fn start(settings: &str, keys: &[&str]) -> (ScriptedProvider, Harness) {
    let provider = ScriptedProvider::start(|request| Endpoint::of(request).good_response()).await;
    let settings = format!("{settings}\n{}", provider_settings(&provider.base_url(), keys));
    (provider, Harness::start(&settings).await)
}

fn status_and_code(head: &Head) -> (u16, Option<&str>) {
    (head.status, head.header("x-aibridge-error"))
}

/// Sends the head of a request, and reads the head of its response.
async fn announce(client: &mut RawClient, endpoint: &Endpoint, headers: &[(&str, &str)]) -> Head {
    client.send(&request("POST", endpoint.target, headers, b"")).await;
    let head = client.head().await;
    client.read_to_end().await;
    head
}

#[tokio::test]
async fn a_provider_without_keys_and_without_byok_needs_its_operator() {
    let (provider, gateway) = start("[auth]\nbyok = false", &[]).await;
    let own: &[(&str, &str)] = &[("Authorization", OWN_BEARER)];
    for (headers, expected) in [(&[][..], (401, Some("no_credential"))), (own, (403, Some("byok_disabled")))]
    {
        for endpoint in &ENDPOINTS {
            let response = endpoint.call(&gateway, headers).await;
            assert_eq!(status_and_code(&response.head), expected, "{}", endpoint.name);
            let text = response.text();
            assert!(text.contains("ask its operator"), "{text}");
            assert!(!text.contains("send your own") && !text.contains("leave it out"), "{text}");
        }
    }
    assert!(provider.received().is_empty());
}

#[tokio::test]
async fn refusals_that_need_no_body_do_not_wait_for_it() {
    let own = ("Authorization", OWN_BEARER);
    let table: [(&str, &[&str], &[(&str, &str)], u16, &str); 7] = [
        ("", &[], &[], 401, "no_credential"),
        ("[auth]\nbyok = false", &[], &[own], 403, "byok_disabled"),
        ("[auth]\nmode = \"tokens\"", &KEYS[..1], &[own], 401, "invalid_gateway_token"),
        ("", &KEYS[..1], &[("Origin", "https://evil.example")], 403, "origin_not_allowed"),
        ("", &KEYS[..1], &[("Sec-Fetch-Site", "cross-site")], 403, "origin_not_allowed"),
        ("[server]\nmax_body_bytes = 10", &KEYS[..2], &[], 413, "request_too_large"),
        ("[limits]\nrequests_per_minute = 1", &KEYS[..2], &[], 429, "rate_limit_exceeded"),
    ];
    for (settings, keys, headers, status, code) in table {
        let (provider, gateway) = start(settings, keys).await;
        if status == 429 {
            ENDPOINTS[0].call(&gateway, &[]).await;
        }
        let before = provider.received().len();
        for endpoint in &ENDPOINTS {
            let framings: [&[(&str, &str)]; 3] = [
                &[("Content-Length", MANY)],
                &[("Transfer-Encoding", "chunked")],
                &[("Content-Length", MANY), ("Expect", "100-continue")],
            ];
            for framing in framings {
                if status == 413 && framing[0].0 != "Content-Length" {
                    continue; // its length is not known yet
                }
                let mut client = RawClient::connect(gateway.address).await;
                let head = announce(&mut client, endpoint, &[headers, framing].concat()).await;
                assert_eq!(
                    status_and_code(&head),
                    (status, Some(code)),
                    "{} {settings} {framing:?}",
                    endpoint.name
                );
            }
        }
        assert_eq!(provider.received().len(), before);
    }
}

#[tokio::test]
async fn an_unsupported_content_encoding_is_refused_before_the_body() {
    let (_provider, gateway) = start("", &KEYS[..1]).await;
    for endpoint in ENDPOINTS.iter().filter(|endpoint| endpoint.is_recorded) {
        let mut client = RawClient::connect(gateway.address).await;
        let headers = [("Content-Length", MANY), ("Content-Encoding", "deflate")];
        let head = announce(&mut client, endpoint, &headers).await;
        assert_eq!(status_and_code(&head), (415, Some("unsupported_encoding")));
    }
}

#[tokio::test]
async fn after_an_early_refusal_the_connection_is_reusable() {
    let (_provider, gateway) = start("", &[]).await;
    for endpoint in &ENDPOINTS {
        let mut client = RawClient::connect(gateway.address).await;
        for _ in 0..3 {
            let head = announce(&mut client, endpoint, &[("Content-Length", "1000000")]).await;
            assert_eq!(status_and_code(&head), (401, Some("no_credential")), "{}", endpoint.name);
            client.send(&[b'x'; 1_000_000]).await;
        }
    }
}

#[tokio::test]
async fn an_announced_body_that_never_arrives_takes_no_permit() {
    for keys in [1, 2] {
        let (_provider, gateway) = start("[limits]\nmax_concurrent_requests = 2", &KEYS[..keys]).await;
        for endpoint in &ENDPOINTS {
            let mut silent = Vec::new();
            for framing in
                [("Content-Length", endpoint.body.len().to_string()), ("Transfer-Encoding", "chunked".into())]
            {
                let mut client = RawClient::connect(gateway.address).await;
                client.send(&request("POST", endpoint.target, &[(framing.0, &framing.1)], b"")).await;
                silent.push(client);
            }
            for other in ENDPOINTS.iter().chain(&ENDPOINTS) {
                assert_eq!(
                    other.call(&gateway, &[]).await.status(),
                    200,
                    "{} beside {}",
                    other.name,
                    endpoint.name
                );
            }
            silent[0].send(endpoint.body.as_bytes()).await;
            assert_eq!(silent[0].head().await.status, 200, "{}", endpoint.name);
            assert_eq!(silent[0].read_to_end().await.0, endpoint.response, "{}", endpoint.name);
            let chunk = format!("{:x}\r\n{}\r\n0\r\n\r\n", endpoint.body.len(), endpoint.body);
            silent[1].send(chunk.as_bytes()).await;
            assert_eq!(silent[1].head().await.status, 200, "{}", endpoint.name);
            assert_eq!(silent[1].read_to_end().await.0, endpoint.response, "{}", endpoint.name);
        }
    }
}

#[tokio::test]
async fn a_request_takes_its_permit_when_its_body_is_complete() {
    for keys in [1, 2] {
        for endpoint in &ENDPOINTS {
            let gate = Gate::new();
            let script_gate = gate.clone();
            let provider = ScriptedProvider::start(move |request| {
                Endpoint::of(request).good_response().wait_after(1, &script_gate)
            })
            .await;
            let settings = format!(
                "[limits]\nmax_concurrent_requests = 1\n{}",
                provider_settings(&provider.base_url(), &KEYS[..keys])
            );
            let gateway = Harness::start(&settings).await;
            let length = endpoint.body.len().to_string();
            let mut late = RawClient::connect(gateway.address).await;
            late.send(&request("POST", endpoint.target, &[("Content-Length", &length)], b"")).await;
            let mut first = RawClient::connect(gateway.address).await;
            first.send(&request("POST", endpoint.target, &[], endpoint.body.as_bytes())).await;
            gate.wait_reached(1).await;

            late.send(endpoint.body.as_bytes()).await;
            let head = late.head().await;
            assert_eq!(status_and_code(&head), (503, Some("overloaded")), "{} {keys}", endpoint.name);
            assert_eq!(head.header("retry-after"), Some("1"));
            gate.open();
            assert_eq!(first.head().await.status, 200, "{}", endpoint.name);
            first.read_to_end().await;
            assert_eq!(
                endpoint.call(&gateway, &[]).await.status(),
                200,
                "{}: there is room again",
                endpoint.name
            );
        }
    }
}

#[tokio::test]
async fn a_401_has_a_challenge() {
    let (_provider, gateway) = start("[auth]\nmode = \"tokens\"", &[]).await;
    let token = tokens_of(&gateway).create("ann", None).unwrap().1;
    for (headers, code) in [
        (&[][..], "invalid_gateway_token"),
        (&[("X-AIBridge-Token", token.expose_secret())], "no_credential"),
    ] {
        for endpoint in &ENDPOINTS {
            let response = endpoint.call(&gateway, headers).await;
            assert_eq!(
                (response.status(), response.header("x-aibridge-error")),
                (401, Some(code)),
                "{}",
                endpoint.name
            );
            assert_eq!(response.header("www-authenticate"), Some("Bearer"), "{}", endpoint.name);
        }
    }
}
