//! What is refused is refused at once and unread, and who sends nothing keeps nobody out.

use crate::auth::tokens_of;
use crate::harness::{Harness, provider_settings};
use crate::ways::{KEYS, OWN_BEARER, WAYS, Way};
use aibridge_testkit::{Gate, Head, RawClient, ScriptedProvider, Step, request};
use secrecy::ExposeSecret;

const MANY: &str = "62914560"; // 60 MiB

async fn start(settings: &str, keys: &[&str]) -> (ScriptedProvider, Harness) {
    let provider = ScriptedProvider::start(|request| Way::of(request).good_answer()).await;
    let settings = format!("{settings}\n{}", provider_settings(&provider.base_url(), keys));
    (provider, Harness::start(&settings).await)
}

fn told(head: &Head) -> (u16, Option<&str>) {
    (head.status, head.header("x-aibridge-error"))
}

/// Sends the head of a request, and gives that of its answer.
async fn announce(client: &mut RawClient, way: &Way, headers: &[(&str, &str)]) -> Head {
    client.send(&request("POST", way.target, headers, b"")).await;
    let head = client.head().await;
    client.rest().await;
    head
}

#[tokio::test]
async fn what_can_be_decided_without_the_body_is() {
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
            WAYS[0].ask(&gateway, &[]).await;
        }
        let before = provider.received().len();
        for way in &WAYS {
            let framings: [&[(&str, &str)]; 3] = [
                &[("Content-Length", MANY)],
                &[("Transfer-Encoding", "chunked")],
                &[("Content-Length", MANY), ("Expect", "100-continue")],
            ];
            for framing in framings {
                if status == 413 && framing[0].0 != "Content-Length" {
                    continue; // how long it will be is not known yet
                }
                let mut client = RawClient::connect(gateway.address).await;
                let head = announce(&mut client, way, &[headers, framing].concat()).await;
                assert_eq!(told(&head), (status, Some(code)), "{} {settings} {framing:?}", way.name);
            }
        }
        assert_eq!(provider.received().len(), before);
    }
}

#[tokio::test]
async fn a_content_encoding_that_cannot_be_read_is_refused_unread() {
    let (_provider, gateway) = start("", &KEYS[..1]).await;
    for way in WAYS.iter().filter(|way| way.is_recorded) {
        let mut client = RawClient::connect(gateway.address).await;
        let headers = [("Content-Length", MANY), ("Content-Encoding", "deflate")];
        let head = announce(&mut client, way, &headers).await;
        assert_eq!(told(&head), (415, Some("unsupported_encoding")));
    }
}

#[tokio::test]
async fn a_refusal_comes_before_the_body_and_the_connection_lives_on() {
    let (_provider, gateway) = start("", &[]).await;
    for way in &WAYS {
        let mut client = RawClient::connect(gateway.address).await;
        for _ in 0..3 {
            let head = announce(&mut client, way, &[("Content-Length", "1000000")]).await;
            assert_eq!(told(&head), (401, Some("no_credential")), "{}", way.name);
            client.send(&[b'x'; 1_000_000]).await;
        }
    }
}

#[tokio::test]
async fn who_announces_a_body_and_sends_none_keeps_nobody_out() {
    for keys in [1, 2] {
        let (_provider, gateway) = start("[limits]\nmax_concurrent_requests = 2", &KEYS[..keys]).await;
        for way in &WAYS {
            let mut silent = Vec::new();
            for framing in
                [("Content-Length", way.body.len().to_string()), ("Transfer-Encoding", "chunked".into())]
            {
                let mut client = RawClient::connect(gateway.address).await;
                client.send(&request("POST", way.target, &[(framing.0, &framing.1)], b"")).await;
                silent.push(client);
            }
            for other in WAYS.iter().chain(&WAYS) {
                assert_eq!(
                    other.ask(&gateway, &[]).await.status(),
                    200,
                    "{} beside {}",
                    other.name,
                    way.name
                );
            }
            silent[0].send(way.body.as_bytes()).await;
            assert_eq!(silent[0].head().await.status, 200, "{}", way.name);
            assert_eq!(silent[0].rest().await.0, way.answer, "{}", way.name);
            let chunk = format!("{:x}\r\n{}\r\n0\r\n\r\n", way.body.len(), way.body);
            silent[1].send(chunk.as_bytes()).await;
            assert_eq!(silent[1].head().await.status, 200, "{}", way.name);
            assert_eq!(silent[1].rest().await.0, way.answer, "{}", way.name);
        }
    }
}

#[tokio::test]
async fn when_the_body_is_there_a_request_counts() {
    for keys in [1, 2] {
        for way in &WAYS {
            let gate = Gate::new();
            let held = gate.clone();
            let provider = ScriptedProvider::start(move |request| {
                let mut script = Way::of(request).good_answer();
                script.steps.insert(1, Step::Await(held.clone()));
                script
            })
            .await;
            let settings = format!(
                "[limits]\nmax_concurrent_requests = 1\n{}",
                provider_settings(&provider.base_url(), &KEYS[..keys])
            );
            let gateway = Harness::start(&settings).await;
            let length = way.body.len().to_string();
            let mut late = RawClient::connect(gateway.address).await;
            late.send(&request("POST", way.target, &[("Content-Length", &length)], b"")).await;
            let mut first = RawClient::connect(gateway.address).await;
            first.send(&request("POST", way.target, &[], way.body.as_bytes())).await;
            gate.reached(1).await;

            late.send(way.body.as_bytes()).await;
            let head = late.head().await;
            assert_eq!(told(&head), (503, Some("overloaded")), "{} {keys}", way.name);
            assert_eq!(head.header("retry-after"), Some("1"));
            gate.open();
            assert_eq!(first.head().await.status, 200, "{}", way.name);
            first.rest().await;
            assert_eq!(way.ask(&gateway, &[]).await.status(), 200, "{}: there is room again", way.name);
        }
    }
}

#[tokio::test]
async fn a_malformed_chunk_is_the_clients_fault() {
    for keys in [1, 2] {
        let (_provider, gateway) = start("", &KEYS[..keys]).await;
        for way in &WAYS {
            for chunks in ["zz\r\n{}\r\n0\r\n\r\n", "2\r\n{}xx0\r\n\r\n"] {
                let mut client = RawClient::connect(gateway.address).await;
                client.send(&request("POST", way.target, &[("Transfer-Encoding", "chunked")], b"")).await;
                client.send(chunks.as_bytes()).await;
                let head = client.head().await;
                assert_eq!(told(&head), (400, Some("request_incomplete")), "{} {keys} {chunks:?}", way.name);
                client.closed().await;
            }
        }
    }
}

#[tokio::test]
async fn who_has_to_log_in_is_told_how() {
    let (_provider, gateway) = start("[auth]\nmode = \"tokens\"", &[]).await;
    let token = tokens_of(&gateway).create("ann", None).unwrap().1;
    for (headers, code) in [
        (&[][..], "invalid_gateway_token"),
        (&[("X-AIBridge-Token", token.expose_secret())], "no_credential"),
    ] {
        for way in &WAYS {
            let answer = way.ask(&gateway, headers).await;
            assert_eq!(
                (answer.status(), answer.header("x-aibridge-error")),
                (401, Some(code)),
                "{}",
                way.name
            );
            assert_eq!(answer.header("www-authenticate"), Some("Bearer"), "{}", way.name);
        }
    }
}
