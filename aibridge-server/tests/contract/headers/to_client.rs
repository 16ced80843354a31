//! What of a provider's headers reaches the client.

use super::sorted;
use crate::harness::Harness;
use crate::ways::{KEYS, OWN_BEARER, WAYS, Way, recorded};
use aibridge_testkit::{Framing, RawClient, Script, ScriptedProvider, Step};

/// Relayed as they are.
const RELAYED: [(&str, &str); 11] = [
    ("Date", "Sun, 06 Nov 1994 08:49:37 GMT"),
    ("Server", "cloudflare"),
    ("X-Request-Id", "req_1"),
    ("OpenAI-Version", "2020-10-01"),
    ("OpenAI-Processing-Ms", "17"),
    ("X-RateLimit-Remaining-Tokens", "149998"),
    ("Retry-After-Ms", "1.5"),
    ("Vary", "Origin"),
    ("Vary", "Accept"),
    ("CF-Ray", "0123-FRA"),
    ("X-Empty", ""),
];

/// Of the other hop, about the provider's host, or the gateway's to say.
const DROPPED: [(&str, &str); 15] = [
    ("Connection", "keep-alive, X-Hop"),
    ("X-Hop", "1"),
    ("Keep-Alive", "timeout=5"),
    ("Proxy-Authenticate", "Basic"),
    ("Proxy-Connection", "keep-alive"),
    ("Trailer", "X-Checksum"),
    ("Upgrade", "h2"),
    ("Set-Cookie", "__cf_bm=secret; path=/"),
    ("set-cookie", "_cfuvid=secret"),
    ("Alt-Svc", "h3=\":443\""),
    ("Strict-Transport-Security", "max-age=31536000"),
    ("Access-Control-Allow-Origin", "*"),
    ("Access-Control-Expose-Headers", "X-Request-ID"),
    ("X-AIBridge-Error", "rate_limit_exceeded"),
    ("X-AIBridge-Interception-Id", "00000000-0000-0000-0000-000000000000"),
];

const BILLING: [(&str, &str); 2] = [("OpenAI-Organization", "org-1"), ("OpenAI-Project", "proj_1")];

fn with_headers(script: Script) -> Script {
    let all = [&RELAYED[..], &DROPPED, &BILLING].concat();
    all.into_iter().fold(script, |script, (name, value)| script.header(name, value))
}

#[tokio::test]
async fn the_client_gets_what_is_the_answers_own_and_nothing_else() {
    for status in [200, 500] {
        let provider = ScriptedProvider::start(move |request| {
            with_headers(match status {
                200 => Way::of(request).good_answer(),
                _ => Script::json(status, "{}"),
            })
        })
        .await;
        for keys in [&KEYS[..1], &[]] {
            let gateway = Harness::with_keys(&provider.base_url(), keys).await;
            for way in &WAYS {
                let about = format!("{} {status} {keys:?}", way.name);
                let answer = way.ask(&gateway, &[("Authorization", OWN_BEARER)]).await;
                assert_eq!(answer.status(), status, "{about}");
                let (id, length) =
                    (answer.header("x-aibridge-interception-id"), answer.body.len().to_string());
                let mut expected = RELAYED.to_vec();
                if keys.is_empty() {
                    expected.extend(BILLING);
                }
                if way.is_recorded {
                    recorded(&gateway, &answer); // it is the id of what was recorded, not the provider's
                    expected.extend(id.map(|id| ("X-AIBridge-Interception-Id", id)));
                }
                if way.name.ends_with("stream") && status == 200 {
                    expected.extend([
                        ("Content-Type", "text/event-stream; charset=utf-8"),
                        ("Transfer-Encoding", "chunked"),
                        ("Cache-Control", "no-cache"),
                        ("X-Accel-Buffering", "no"),
                    ]);
                } else {
                    expected.extend([("Content-Type", "application/json"), ("Content-Length", &length)]);
                }
                assert_eq!(sorted(&answer.head.headers), sorted(&expected), "{about}");
            }
        }
    }
}

#[tokio::test]
async fn values_keep_their_order_and_their_bytes() {
    let provider = ScriptedProvider::start(|_| {
        Script::new().then(Step::Bytes(
            (&b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Name: caf\xe9 \xc3\xa9\r\nX-Many: b\r\nX-Many: a\r\n\r\n{}"[..])
                .into(),
        ))
    })
    .await;
    let gateway = Harness::with_keys(&provider.base_url(), &KEYS[..1]).await;
    for way in &WAYS {
        let head = way.ask(&gateway, &[]).await.head;
        let many: Vec<_> = head
            .headers
            .iter()
            .filter(|(name, _)| name == "x-many")
            .map(|(_, value)| value.as_str())
            .collect();
        assert_eq!(many, ["b", "a"], "{}", way.name);
        assert!(head.raw.windows(8).any(|window| window == b"caf\xe9 \xc3\xa9\r"), "{} {head:?}", way.name);
    }
}

#[tokio::test]
async fn every_stream_asks_not_to_be_held_back() {
    // Also the stream of a stored response, which is passed through.
    let provider = ScriptedProvider::start(|_| Script::sse("data: {}\n\ndata: [DONE]\n\n")).await;
    let gateway = Harness::with_keys(&provider.base_url(), &KEYS[..1]).await;
    let streamed = RawClient::get(gateway.address, "/openai/v1/responses/resp_1?stream=true").await;
    assert_eq!(streamed.text(), "data: {}\n\ndata: [DONE]\n\n");
    let mut answers = vec![("stored", streamed)];
    for way in WAYS.iter().filter(|way| way.name.ends_with("stream")) {
        answers.push((way.name, way.ask(&gateway, &[]).await));
    }
    for (name, answer) in answers {
        assert_eq!(answer.header("cache-control"), Some("no-cache"), "{name}");
        assert_eq!(answer.header("x-accel-buffering"), Some("no"), "{name}");
        assert_eq!(answer.header("content-length"), None, "{name}");
    }
}

#[tokio::test]
async fn every_answer_names_its_interception_once_it_is_recorded() {
    let table: [(&str, Script); 6] = [
        ("good", Script::json(200, "{}")),
        ("refused", Script::json(400, "{}")),
        ("exhausted", Script::json(429, "{}")),
        ("redirected", Script::json(307, "{}").header("Location", "/elsewhere")),
        ("unreachable", Script::new().then(Step::Reset)),
        ("broken", Script::head(200, Framing::ContentLength(99)).chunk("{").then(Step::Close)),
    ];
    for (about, script) in table {
        let provider = ScriptedProvider::start(move |_| script.clone()).await;
        let gateway = Harness::with_keys(&provider.base_url(), &KEYS[..1]).await;
        for way in &WAYS {
            let answer = way.ask(&gateway, &[]).await;
            if way.is_recorded {
                recorded(&gateway, &answer);
            } else {
                assert_eq!(answer.header("x-aibridge-interception-id"), None, "{about}");
            }
        }
    }
}
