//! Bad input, bad credentials and bad providers: a clear answer, and nothing is lost.

use crate::harness::{Harness, provider_settings};
use aibridge_store::{Durability, Options, Tokens};
use aibridge_testkit::{BodyEnd, Framing, RawClient, Script, ScriptedProvider, Step, request, within};
use secrecy::ExposeSecret;

const KEY: &str = "sk-0123456789abcdefghij";
const CHAT: &str = "/openai/v1/chat/completions";
const RESPONSES: &str = "/openai/v1/responses";
const STREAM: &str = r#"{"model":"m","stream":true}"#;

#[tokio::test]
async fn every_refusal_says_what_was_wrong_and_reaches_nobody() {
    let provider = ScriptedProvider::start(|_| Script::json(200, "{}")).await;
    let settings =
        format!("[server]\nmax_body_bytes = 1000\n{}", provider_settings(&provider.base_url(), &[KEY]));
    let gateway = Harness::start(&settings).await;
    let big = "x".repeat(1001);
    let table: &[(&str, &str, &[(&str, &str)], &str, u16, &str)] = &[
        ("POST", CHAT, &[], "[]", 400, "invalid_json"),
        ("POST", CHAT, &[], "{\"a\":", 400, "invalid_json"),
        ("POST", CHAT, &[], "", 400, "invalid_json"),
        ("POST", "/openai/v1/models/../x", &[], "{}", 400, "invalid_path"),
        ("GET", "/openai/v1/models/%2e%2e/x", &[], "", 400, "invalid_path"),
        ("POST", "/openai/v1/completions", &[], "{}", 404, "unknown_route"),
        ("POST", "/nobody/v1/responses", &[], "{}", 404, "unknown_route"),
        ("GET", CHAT, &[], "", 405, "method_not_allowed"),
        (
            "GET",
            RESPONSES,
            &[("Connection", "Upgrade"), ("Upgrade", "websocket")],
            "",
            426,
            "websocket_unsupported",
        ),
        ("POST", CHAT, &[], &big, 413, "request_too_large"),
        ("POST", CHAT, &[("Content-Encoding", "deflate")], "{}", 415, "unsupported_encoding"),
        ("POST", CHAT, &[("Content-Encoding", "gzip")], "{}", 400, "invalid_encoding"),
        ("POST", RESPONSES, &[], r#"{"background":true}"#, 501, "background_unsupported"),
    ];
    for (method, target, headers, body, status, code) in table {
        let mut client = RawClient::connect(gateway.address).await;
        let answer = client.ask(&request(method, target, headers, body.as_bytes())).await;
        let about = format!("{method} {target} {body:.20}");
        assert_eq!((answer.status(), answer.header("x-aibridge-error")), (*status, Some(*code)), "{about}");
        assert_eq!(answer.header("content-type"), Some("application/json"), "{about}");
        let error = &answer.json()["error"];
        assert_eq!(
            (&error["type"], &error["code"]),
            (&"invalid_request_error".into(), &(*code).into()),
            "{about}"
        );
        assert!(!error["message"].as_str().unwrap().is_empty(), "{about}");
        assert_eq!(answer.header("allow"), (*status == 405).then_some("POST"), "{about}");
    }
    assert!(provider.received().is_empty());
    assert!(gateway.store.rows("aibridge_interceptions").is_empty());
}

#[tokio::test]
async fn odd_but_valid_bodies_are_relayed_as_they_are() {
    let provider = ScriptedProvider::start(|_| Script::json(200, "{}")).await;
    let gateway = Harness::with_keys(&provider.base_url(), &[KEY]).await;
    let deep = format!(r#"{{"x":{}{}}}"#, "[".repeat(20_000), "]".repeat(20_000));
    let table = [
        (deep.as_str(), None),
        (
            r#"{"messages":[{"role":"user","content":"nul \u0000, lone \ud800"}]}"#,
            Some("nul \u{fffd}, lone \u{fffd}"),
        ),
        (r#"{"messages":[],"messages":[{"role":"user","content":"last"}]}"#, Some("last")),
        (r#"{ "n":1e400,"big":123456789012345678901234567890.0 , "model":null}"#, None),
    ];
    for (body, prompt) in table {
        let answer = RawClient::post(gateway.address, CHAT, &[], body).await;
        assert_eq!(answer.status(), 200, "{body:.40}");
        assert_eq!(provider.received().last().unwrap().body, body, "{body:.40}");
        let id = answer.header("x-aibridge-interception-id").unwrap();
        let prompts = gateway.store.rows_of("aibridge_user_prompts", id);
        assert_eq!(prompts.first().map(|row| row["prompt"].as_str().unwrap().to_owned()).as_deref(), prompt);
    }
}

#[tokio::test]
async fn a_provider_that_fails_is_told_from_a_gateway_that_does() {
    let table: [(&str, Script, u16, &str); 5] = [
        ("reset", Script::new().then(Step::Reset), 502, "upstream_unreachable"),
        (
            "no HTTP",
            Script::new().then(Step::Bytes("nonsense\r\n\r\n".into())).then(Step::Close),
            502,
            "answer_invalid",
        ),
        ("stalls", Script::new().then(Step::Stall), 504, "upstream_timeout"),
        (
            "lies about its length",
            Script::head(200, Framing::ContentLength(99)).chunk("{}").then(Step::Close),
            502,
            "upstream_unreachable",
        ),
        (
            "stalls in its body",
            Script::head(200, Framing::ContentLength(99)).chunk("{}").then(Step::Stall),
            504,
            "upstream_timeout",
        ),
    ];
    for (about, script, status, code) in table {
        let provider = ScriptedProvider::start(move |_| script.clone()).await;
        let settings = provider_settings(&provider.base_url(), &[KEY]) + "response_timeout = \"200ms\"\n";
        let gateway = Harness::start(&settings).await;
        let answer = RawClient::post(gateway.address, CHAT, &[], "{}").await;
        assert_eq!((answer.status(), answer.header("x-aibridge-error")), (status, Some(code)), "{about}");
        assert_eq!(answer.json()["error"]["type"], "api_error", "{about}");
        let id = answer.header("x-aibridge-interception-id").unwrap();
        assert_eq!(gateway.store.interception(id).unwrap()["outcome"], "failed", "{about}");
    }
}

#[tokio::test]
async fn a_stream_that_breaks_off_never_looks_like_a_clean_end() {
    const HALF: &str = "data: {\"choices\":[]}\n\ndata: {\"cho";
    let table: [(&str, Step, &str); 3] = [
        (CHAT, Step::Reset, "data: {\"error\":"),
        (RESPONSES, Step::Close, "event: error\ndata: {\"type\":\"error\","),
        (RESPONSES, Step::Stall, "\"code\":\"upstream_timeout\""),
    ];
    for (target, end, told) in table {
        let step = end.clone();
        let provider =
            ScriptedProvider::start(move |_| Script::sse_head().chunk(HALF).then(step.clone())).await;
        let settings = provider_settings(&provider.base_url(), &[KEY]) + "stream_idle_timeout = \"200ms\"\n";
        let gateway = Harness::start(&settings).await;
        let answer = RawClient::post(gateway.address, target, &[], STREAM).await;
        assert!(answer.text().contains(told), "{target} {end:?}: {}", answer.text());
        assert!(answer.text().starts_with("data: {\"choices\":[]}\n\n"), "{}", answer.text());
        let row = gateway.store.interception(answer.header("x-aibridge-interception-id").unwrap()).unwrap();
        assert_eq!(
            (&row["outcome"], &row["upstream_status"]),
            (&"failed".into(), &200.into()),
            "{target} {end:?}"
        );
    }
}

#[tokio::test]
async fn a_giant_event_and_an_unterminated_tail_arrive_whole() {
    let giant = format!("data: {{\"x\":\"{}\"}}\n\ndata: [DO", "y".repeat(10_000_000));
    let sent = giant.clone();
    let provider =
        ScriptedProvider::start(move |_| Script::sse_head().chunk(sent.clone()).then(Step::End)).await;
    let gateway = Harness::with_keys(&provider.base_url(), &[KEY]).await;
    let answer = RawClient::post(gateway.address, CHAT, &[], STREAM).await;
    assert_eq!((answer.text() == giant, answer.end), (true, BodyEnd::Clean));
}

#[tokio::test]
async fn tokens_say_who_asks_and_stay_with_the_gateway() {
    let provider = ScriptedProvider::start(|_| Script::json(200, "{}")).await;
    let settings = format!(
        "[auth]\nmode = \"tokens\"\n{}send_actor_headers = true\n",
        provider_settings(&provider.base_url(), &[KEY])
    );
    let gateway = Harness::start(&settings).await;
    let options = Options { path: gateway.store.path().to_owned(), durability: Durability::Process };
    let tokens = Tokens::open(&options).unwrap();
    let (row, token) = tokens.create("ann", None).unwrap();
    let token = token.expose_secret().to_owned();
    let bearer = format!("Bearer {token}");
    let own = ("Authorization", "Bearer sk-own-0123456789abcdef");
    let table: [(&[(&str, &str)], u16, &str); 7] = [
        (&[("Authorization", &bearer)], 200, KEY),
        (&[("X-AIBridge-Token", &token)], 200, KEY),
        (&[("X-Coder-AI-Governance-Token", &token), own], 200, "sk-own-0123456789abcdef"),
        (&[("X-Api-Key", &token)], 200, KEY),
        (&[("X-AIBridge-Token", &token), ("Authorization", &bearer)], 200, KEY),
        (&[own], 401, ""),
        (&[], 401, ""),
    ];
    for (headers, status, key) in table {
        let answer = RawClient::post(gateway.address, CHAT, headers, "{}").await;
        assert_eq!(answer.status(), status, "{headers:?}");
        if status == 401 {
            assert_eq!(answer.json()["error"]["code"], "invalid_gateway_token");
            continue;
        }
        let received = provider.received().pop().unwrap();
        assert_eq!((received.bearer(), received.header("x-ai-bridge-actor-id")), (Some(key), Some("ann")));
        assert!(!String::from_utf8_lossy(&received.raw_head).contains(&token), "{headers:?}");
        let id = answer.header("x-aibridge-interception-id").unwrap();
        assert_eq!(gateway.store.interception(id).unwrap()["initiator_id"], "ann");
    }
    assert!(tokens.revoke(row.id).unwrap());
    let refused = async {
        loop {
            let answer = RawClient::post(gateway.address, CHAT, &[("Authorization", &bearer)], "{}").await;
            if answer.status() != 200 {
                return answer.status();
            }
        }
    };
    assert_eq!(within(refused, "the revocation to come through").await, 401);
}

#[tokio::test]
async fn who_may_bring_a_key_of_their_own() {
    let provider = ScriptedProvider::start(|_| Script::json(200, "{}")).await;
    let own = [("Authorization", "Bearer sk-own-0123456789abcdef")];
    let gateway_token = [("Authorization", "Bearer aib_not-for-providers")];
    let no_keys = provider_settings(&provider.base_url(), &[]);
    let no_byok = format!("[auth]\nbyok = false\n{no_keys}");
    for (settings, headers, status, code) in [
        (&no_keys, &own[..], 200, None),
        (&no_keys, &[], 401, Some("no_credential")),
        (&no_keys, &gateway_token, 401, Some("no_credential")),
        (&no_byok, &own, 403, Some("byok_disabled")),
    ] {
        let gateway = Harness::start(settings).await;
        let answer = RawClient::post(gateway.address, CHAT, headers, "{}").await;
        assert_eq!((answer.status(), answer.header("x-aibridge-error")), (status, code));
    }
    assert_eq!(provider.received().len(), 1);
}

#[tokio::test]
async fn passthrough_relays_method_query_and_body_and_records_nothing() {
    let provider = ScriptedProvider::start(|request| {
        Script::json(200, format!("{{\"got\":\"{} {}\"}}", request.method, request.target))
    })
    .await;
    for keys in [&[KEY][..], &[KEY, "sk-another-0123456789ab"]] {
        let gateway = Harness::with_keys(&provider.base_url(), keys).await;
        for (method, path, body) in [
            ("GET", "/models?limit=2&after=a%20b", ""),
            ("DELETE", "/responses/resp_1", ""),
            ("POST", "/conversations", r#"{"a": 1}"#),
        ] {
            let mut client = RawClient::connect(gateway.address).await;
            let answer =
                client.ask(&request(method, &format!("/openai/v1{path}"), &[], body.as_bytes())).await;
            assert_eq!(answer.json()["got"], format!("{method} /v1{path}"));
            assert_eq!(provider.received().pop().unwrap().body, body);
        }
        assert!(gateway.store.rows("aibridge_interceptions").is_empty());
    }
}
