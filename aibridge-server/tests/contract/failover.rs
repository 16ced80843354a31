//! Keys and failover: one table of what providers answer, for every kind of call.

use crate::harness::{Harness, provider_settings};
use aibridge_testkit::{Answer, Framing, RawClient, Received, Row, Script, ScriptedProvider, Step};
use std::time::Duration;

const FIRST: &str = "sk-first-key-0123456789";
const SECOND: &str = "sk-second-key-012345678";
const HINTS: [(&str, &str); 2] = [(FIRST, "sk-f...6789"), (SECOND, "sk-s...5678")];

/// One way to call the gateway: target and body.
struct Way {
    name: &'static str,
    target: &'static str,
    body: &'static str,
}

const WAYS: [Way; 5] = [
    Way { name: "chat", target: "/openai/v1/chat/completions", body: r#"{"model":"m"}"# },
    Way {
        name: "chat stream",
        target: "/openai/v1/chat/completions",
        body: r#"{"model":"m","stream":true,"stream_options":{"include_usage":true}}"#,
    },
    Way { name: "responses", target: "/openai/v1/responses", body: r#"{"model":"m"}"# },
    Way { name: "responses stream", target: "/openai/v1/responses", body: r#"{"model":"m","stream":true}"# },
    Way { name: "passthrough", target: "/openai/v1/conversations", body: r#"{"items":[]}"# },
];

impl Way {
    fn is_recorded(&self) -> bool {
        self.name != "passthrough"
    }

    fn good_answer(&self) -> Script {
        match self.name {
            "chat stream" => Script::sse("data: {\"choices\":[]}\n\ndata: [DONE]\n\n"),
            "responses stream" => {
                Script::sse("event: response.completed\ndata: {\"type\":\"response.completed\"}\n\n")
            }
            _ => Script::json(200, r#"{"ok":true}"#),
        }
    }

    async fn ask(&self, gateway: &Harness, headers: &[(&str, &str)]) -> Answer {
        RawClient::post(gateway.address, self.target, headers, self.body).await
    }
}

/// What one key is answered.
#[derive(Debug, Clone, Copy)]
enum Says {
    Well,
    Status(u16),
    Nothing,
}

impl Says {
    fn script(self, way: &Way) -> Script {
        match self {
            Self::Well => way.good_answer(),
            Self::Status(status) => Script::json(status, format!("{{\"error\":{{\"code\":{status}}}}}"))
                .header("X-Request-Id", &format!("req-{status}"))
                .header("Retry-After", "7"),
            Self::Nothing => Script::new().then(Step::Reset),
        }
    }
}

/// What the keys are answered; which of them are tried; the client's status and error code; outcome, error type and
/// hint of the record.
type Case = (
    [Says; 2],
    &'static [&'static str],
    (u16, Option<&'static str>),
    (&'static str, Option<&'static str>, &'static str),
);

use Says::{Nothing, Status, Well};

const CASES: [Case; 12] = [
    ([Well, Well], &[FIRST], (200, None), ("completed", None, FIRST)),
    ([Status(429), Well], &[FIRST, SECOND], (200, None), ("completed", None, SECOND)),
    ([Status(401), Well], &[FIRST, SECOND], (200, None), ("completed", None, SECOND)),
    ([Status(403), Well], &[FIRST, SECOND], (200, None), ("completed", None, SECOND)),
    ([Status(500), Well], &[FIRST], (500, None), ("failed", Some("upstream_5xx"), FIRST)),
    ([Status(404), Well], &[FIRST], (404, None), ("failed", Some("invalid_request"), FIRST)),
    (
        [Nothing, Well],
        &[FIRST],
        (502, Some("upstream_unreachable")),
        ("failed", Some("upstream_unreachable"), FIRST),
    ),
    (
        [Status(429), Status(429)],
        &[FIRST, SECOND],
        (429, Some("rate_limit_exceeded")),
        ("failed", Some("keys_exhausted"), SECOND),
    ),
    (
        [Status(401), Status(429)],
        &[FIRST, SECOND],
        (429, Some("rate_limit_exceeded")),
        ("failed", Some("keys_exhausted"), SECOND),
    ),
    (
        [Status(403), Status(429)],
        &[FIRST, SECOND],
        (429, Some("rate_limit_exceeded")),
        ("failed", Some("keys_exhausted"), SECOND),
    ),
    (
        [Status(401), Status(401)],
        &[FIRST, SECOND],
        (502, Some("server_error")),
        ("failed", Some("keys_exhausted"), SECOND),
    ),
    ([Status(403), Status(401)], &[FIRST, SECOND], (403, None), ("failed", Some("permission"), FIRST)),
];

#[tokio::test]
async fn what_a_provider_answers_decides_about_the_key_and_the_request() {
    for way in &WAYS {
        for case in &CASES {
            check(way, case).await;
        }
    }
}

async fn check(way: &'static Way, (says, tried, client, record): &Case) {
    let about = format!("{} {says:?}", way.name);
    let says = *says;
    let provider = ScriptedProvider::start(move |request| {
        says[usize::from(request.bearer() != Some(FIRST))].script(way)
    })
    .await;
    let gateway = Harness::with_keys(&provider.base_url(), &[FIRST, SECOND]).await;

    let answer = way.ask(&gateway, &[]).await;

    let received = provider.received();
    assert_eq!(received.iter().filter_map(Received::bearer).collect::<Vec<_>>(), *tried, "{about}");
    assert!(received.iter().all(|request| request.body == way.body), "{about}: every key gets the same body");
    let (status, code) = *client;
    assert_eq!((answer.status(), answer.header("x-aibridge-error")), (status, code), "{about}");
    match code {
        Some(code) => assert_eq!(answer.json()["error"]["code"], code, "{about}"),
        None if status >= 400 => {
            assert_eq!(answer.text(), format!("{{\"error\":{{\"code\":{status}}}}}"), "{about}");
            assert_eq!(answer.header("x-request-id"), Some(format!("req-{status}").as_str()), "{about}");
        }
        None => {}
    }
    if status == 429 {
        assert_eq!(answer.header("retry-after"), Some("7"), "{about}");
    }
    if way.is_recorded() {
        let row = recorded(&gateway, &answer);
        let (outcome, error_type, key) = *record;
        let hint = HINTS.iter().find(|(candidate, _)| *candidate == key).unwrap().1;
        assert_eq!((&row["outcome"], &row["credential_hint"]), (&outcome.into(), &hint.into()), "{about}");
        assert_eq!(row["error_type"], error_type.map_or(serde_json::Value::Null, Into::into), "{about}");
    } else {
        assert!(gateway.store.rows("aibridge_interceptions").is_empty(), "{about}");
    }
}

fn recorded(gateway: &Harness, answer: &Answer) -> Row {
    gateway.store.interception(answer.header("x-aibridge-interception-id").unwrap()).unwrap()
}

#[tokio::test]
async fn byok_never_fails_over() {
    for way in &WAYS {
        for status in [401, 403, 429, 500] {
            let provider = ScriptedProvider::start(move |_| Status(status).script(way)).await;
            let gateway = Harness::with_keys(&provider.base_url(), &[]).await;
            let own = ("Authorization", "Bearer sk-the-clients-own-key-1");
            let answer = way.ask(&gateway, &[own]).await;
            assert_eq!((answer.status(), answer.header("x-aibridge-error")), (status, None), "{}", way.name);
            assert_eq!(answer.header("retry-after"), Some("7"), "relayed as it came");
            assert_eq!(provider.received().len(), 1, "{} {status}", way.name);
            if way.is_recorded() {
                let row = recorded(&gateway, &answer);
                assert_eq!(
                    (&row["credential_kind"], &row["credential_hint"]),
                    (&"byok".into(), &"sk-t...ey-1".into())
                );
            }
        }
    }
}

#[tokio::test]
async fn a_key_cools_as_long_as_the_provider_says_and_comes_back() {
    let provider = ScriptedProvider::start(|request| match (request.bearer(), request.number) {
        (Some(FIRST), 0) => {
            Script::json(429, "{}").header("Retry-After-Ms", "2500.5").header("Retry-After", "99")
        }
        _ => Script::json(200, "{}"),
    })
    .await;
    let gateway = Harness::with_keys(&provider.base_url(), &[FIRST, SECOND]).await;
    let tried = |from: usize| -> Vec<String> {
        provider.received()[from..].iter().map(|request| request.bearer().unwrap().to_owned()).collect()
    };
    WAYS[0].ask(&gateway, &[]).await;
    assert_eq!(tried(0), [FIRST, SECOND]);
    gateway.advance(Duration::from_millis(2500));
    WAYS[0].ask(&gateway, &[]).await;
    assert_eq!(tried(2), [SECOND], "still cooling");
    gateway.advance(Duration::from_millis(1));
    WAYS[0].ask(&gateway, &[]).await;
    assert_eq!(tried(3), [FIRST], "the first again");
}

#[tokio::test]
async fn an_exhausted_pool_answers_without_asking_the_provider() {
    let provider = ScriptedProvider::start(|_| Script::json(429, "{}").header("Retry-After", "90")).await;
    let gateway = Harness::with_keys(&provider.base_url(), &[FIRST]).await;
    WAYS[0].ask(&gateway, &[]).await;
    gateway.advance(Duration::from_millis(30_500));
    for way in &WAYS {
        let answer = way.ask(&gateway, &[]).await;
        assert_eq!((answer.status(), answer.header("retry-after")), (429, Some("60")), "{}", way.name);
        assert_eq!(answer.json()["error"]["message"], "all configured keys are rate-limited");
        assert_eq!(answer.json()["error"]["type"], "rate_limit_error");
        if way.is_recorded() {
            let row = recorded(&gateway, &answer);
            assert_eq!((&row["error_type"], &row["credential_hint"]), (&"keys_exhausted".into(), &"".into()));
        }
    }
    assert_eq!(provider.received().len(), 1, "a cooling key is not asked");
}

#[tokio::test]
async fn a_hundred_requests_while_the_first_key_turns_429() {
    let provider = ScriptedProvider::start(|request| match (request.bearer(), request.number) {
        (Some(FIRST), number) if number >= 20 => Script::json(429, "{}").header("Retry-After", "600"),
        _ => Script::json(200, format!("{{\"id\":\"{}\"}}", request.number)),
    })
    .await;
    let gateway = Harness::with_keys(&provider.base_url(), &[FIRST, SECOND]).await;
    let address = gateway.address;
    let requests = (0..100).map(|n| {
        tokio::spawn(async move {
            let body = format!(r#"{{"model":"m","n":{n}}}"#);
            RawClient::post(address, WAYS[0].target, &[], body).await.status()
        })
    });
    for request in requests.collect::<Vec<_>>() {
        assert_eq!(request.await.unwrap(), 200);
    }
    let received = provider.received();
    for n in 0..100 {
        let body = format!(r#"{{"model":"m","n":{n}}}"#);
        let keys: Vec<_> = received.iter().filter(|r| r.body == body).filter_map(Received::bearer).collect();
        assert!(keys == [FIRST] || keys == [SECOND] || keys == [FIRST, SECOND], "request {n}: {keys:?}");
    }
    let asked = received.len();
    WAYS[0].ask(&gateway, &[]).await;
    assert_eq!(provider.received()[asked].bearer(), Some(SECOND), "the cooling key is left alone");
    let rows = gateway.store.rows("aibridge_interceptions");
    assert_eq!(rows.iter().filter(|row| row["outcome"] == "completed").count(), 101);
}

#[tokio::test]
async fn a_discarded_answer_leaves_its_connection_to_the_next_key() {
    let provider = ScriptedProvider::start(|request| match request.bearer() {
        Some(FIRST) => Script::json(403, "{\"error\":{}}"),
        _ => Script::json(200, "{}"),
    })
    .await;
    let gateway = Harness::with_keys(&provider.base_url(), &[FIRST, SECOND]).await;
    for _ in 0..10 {
        assert_eq!(WAYS[0].ask(&gateway, &[]).await.status(), 200);
    }
    assert_eq!(provider.received().len(), 20);
    assert!(provider.connections() <= 4, "{} connections for 20 requests", provider.connections());
}

#[tokio::test]
async fn a_slow_refusal_is_given_up_but_the_request_goes_on() {
    let provider = ScriptedProvider::start(|request| match request.bearer() {
        Some(FIRST) => Script::head(429, Framing::ContentLength(10)).then(Step::Stall),
        _ => Script::json(200, "{}"),
    })
    .await;
    let gateway = Harness::with_keys(&provider.base_url(), &[FIRST, SECOND]).await;
    assert_eq!(WAYS[0].ask(&gateway, &[]).await.status(), 200);
    assert!(provider.closed(0).await.by_peer, "the draining has a limit");
}

#[tokio::test]
async fn providers_do_not_share_keys() {
    let provider = ScriptedProvider::start(|request| match request.bearer() {
        Some(FIRST) => Script::json(429, "{}"),
        _ => Script::json(200, "{}"),
    })
    .await;
    let one = provider_settings(&provider.base_url(), &[FIRST]);
    let other = provider_settings(&provider.base_url(), &[SECOND]).replace("type", "name = \"other\"\ntype");
    let gateway = Harness::start(&format!("{one}\n{other}")).await;
    assert_eq!(WAYS[0].ask(&gateway, &[]).await.status(), 429);
    let answer = RawClient::post(gateway.address, "/other/v1/chat/completions", &[], "{}").await;
    assert_eq!(answer.status(), 200);
    assert_eq!(recorded(&gateway, &answer)["provider_name"], "other");
}
