//! A reservation ends with its request, also if the request fails.

use super::{BODY, CHAT, CLAUDE, MESSAGES, STREAM, settings};
use crate::harness::Harness;
use crate::reload;
use crate::store_failures::lock;
use aibridge_testkit::{
    Framing, Gate, RawClient, Response, Script, ScriptedProvider, Step, poll_until, request, wait_until,
    within,
};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// Budgets of every scope that applies without access tokens. None of them is used up.
const BUDGETS: &str = "[[budget]]\nscope = \"user\"\namount = \"25 USD\"\n\
    [[budget]]\nscope = \"model\"\namount = \"25 USD\"\nperiod = \"day\"\n\
    [[budget]]\nscope = \"provider\"\namount = \"25 USD\"\nperiod = \"week\"\n\
    [[budget]]\nscope = \"everyone\"\namount = \"25 USD\"\n";

const FIRST_EVENT: &str = "data: {\"id\":\"c1\",\"model\":\"gpt-4.1\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"12345678\"}}]}\n\n";

async fn start(provider: &ScriptedProvider, before: &str, provider_settings: &str) -> Harness {
    let mut all = settings(&format!("{before}\n{BUDGETS}"), provider);
    for kind in ["type = \"openai\"\n", "type = \"anthropic\"\n"] {
        all = all.replace(kind, &format!("{kind}{provider_settings}"));
    }
    Harness::start(&all).await
}

async fn reserved(gateway: &Harness) -> Vec<i64> {
    let budgets = RawClient::get(gateway.address, "/api/v1/budgets").await.json();
    let rows = budgets["data"].as_array().unwrap();
    rows.iter().map(|row| row["reserved_nano_usd"].as_i64().unwrap()).collect()
}

/// Checks that nothing stays reserved.
async fn assert_released(gateway: &Harness, how: &str) {
    let is_released = async || {
        let reserved = reserved(gateway).await;
        reserved.len() >= 4 && reserved.iter().all(|amount| *amount == 0)
    };
    poll_until(is_released, &format!("nothing to be reserved after {how}")).await;
}

async fn call(gateway: &Harness, body: &str) -> Response {
    call_at(gateway, CHAT, body).await
}

async fn call_at(gateway: &Harness, target: &str, body: &str) -> Response {
    let mut client = RawClient::connect(gateway.address).await;
    client.send(&request("POST", target, &[], body.as_bytes())).await;
    let head = client.head().await;
    let (body, end) = client.read_to_end().await;
    Response { head, body, end }
}

#[tokio::test]
async fn a_request_in_flight_has_a_reservation() {
    for leaves in [true, false] {
        let gate = Gate::new();
        let opened = gate.clone();
        let provider =
            ScriptedProvider::start(move |_| Script::json(200, super::completion(1)).wait_after(0, &opened))
                .await;
        let gateway = start(&provider, "", "").await;
        let mut client = RawClient::connect(gateway.address).await;
        client.send(&request("POST", CHAT, &[], BODY.as_bytes())).await;
        gate.wait_reached(1).await;
        let held = reserved(&gateway).await;
        assert!(held.len() == 4 && held.iter().all(|amount| *amount > 0), "{held:?}");
        if leaves {
            client.reset();
        } else {
            gate.open();
            assert_eq!(client.head().await.status, 200);
        }
        assert_released(&gateway, if leaves { "a client that left" } else { "an answer" }).await;
    }
}

#[tokio::test]
async fn nothing_stays_reserved_whatever_the_provider_does() {
    let short = "response_timeout = \"300ms\"\nstream_idle_timeout = \"300ms\"\n";
    type Case = (&'static str, fn() -> Script, &'static str);
    let cases: [Case; 12] = [
        ("a whole stream", || Script::sse(format!("{FIRST_EVENT}data: [DONE]\n\n")), ""),
        ("a status 500", || Script::json(500, "{}"), ""),
        ("a status 401", || Script::json(401, r#"{"error":{"code":"invalid_api_key"}}"#), ""),
        ("a status 429, and no key left", || Script::json(429, "{}"), ""),
        ("a status 413", || Script::json(413, "{}"), ""),
        ("a body that is not JSON", || Script::json(200, "not json"), ""),
        ("an error in a stream", || Script::sse("data: {\"error\":{\"message\":\"x\"}}\n\n"), ""),
        ("a reset before the head", || Script::new().then(Step::Reset), ""),
        ("a reset in the stream", || Script::sse_head().chunk(FIRST_EVENT).then(Step::Reset), ""),
        ("no head in time", || Script::new().then(Step::Stall), "short"),
        ("no event in time", || Script::sse_head().chunk(FIRST_EVENT).then(Step::Stall), "short"),
        ("an empty body", || Script::head(200, Framing::ContentLength(0)), ""),
    ];
    for (how, script, timeouts) in cases {
        let provider = ScriptedProvider::start(move |_| script()).await;
        let gateway = start(&provider, "", if timeouts.is_empty() { "" } else { short }).await;
        let claude = CLAUDE.replace(r#""max_tokens""#, r#""stream":true,"max_tokens""#);
        for (target, body) in [(CHAT, BODY), (CHAT, STREAM), (MESSAGES, CLAUDE), (MESSAGES, &claude)] {
            call_at(&gateway, target, body).await;
            assert_released(&gateway, how).await;
        }
    }
    let provider = ScriptedProvider::start(|_| Script::json(200, "{}")).await;
    let address = provider.base_url();
    drop(provider);
    let gone = ScriptedProvider::start(|_| Script::json(200, "{}")).await;
    let settings = settings(BUDGETS, &gone).replace(&gone.base_url(), &address);
    let gateway = Harness::start(&settings).await;
    assert_eq!(call(&gateway, STREAM).await.status(), 502);
    assert_released(&gateway, "a provider that is not there").await;
}

#[tokio::test]
async fn nothing_stays_reserved_when_the_client_leaves_a_stream() {
    for drains in ["", "drain_on_disconnect = \"100ms\"\n"] {
        let provider =
            ScriptedProvider::start(|_| Script::sse_head().chunk(FIRST_EVENT).then(Step::Stall)).await;
        let gateway = start(&provider, "", drains).await;
        let mut client = RawClient::connect(gateway.address).await;
        client.send(&request("POST", CHAT, &[], STREAM.as_bytes())).await;
        client.head().await;
        client.read_until("12345678").await;
        client.reset();
        assert_released(&gateway, "a client that left").await;
    }
}

#[tokio::test]
async fn nothing_stays_reserved_for_requests_that_the_gateway_refuses() {
    let limits = "[limits]\nrequests_per_minute = 1\n";
    let small = "[server]\nmax_body_bytes = \"64KiB\"\n";
    let unpriced = "[budgets]\nunpriced = \"refuse\"\n";
    let large = format!("{}{}", STREAM, " ".repeat(65 << 10));
    let mystery = STREAM.replace("gpt-4.1", "mystery");
    let cases: [(&str, &str, &str, &str, u16); 5] = [
        ("a body that is too large", small, &large, CHAT, 413),
        ("a body that is not JSON", "", "nonsense", CHAT, 400),
        ("a model without a price", unpriced, &mystery, CHAT, 400),
        (
            "a background response",
            "",
            r#"{"model":"gpt-4.1","background":true}"#,
            "/openai/v1/responses",
            501,
        ),
        ("a limit", limits, STREAM, CHAT, 429),
    ];
    for (how, before, body, target, status) in cases {
        let provider = ScriptedProvider::start(|_| Script::json(200, super::completion(1))).await;
        let gateway = start(&provider, before, "").await;
        assert_eq!(RawClient::post(gateway.address, CHAT, &[], BODY).await.status(), 200, "{how}");
        assert_eq!(RawClient::post(gateway.address, target, &[], body).await.status(), status, "{how}");
        assert_released(&gateway, how).await;
    }
}

#[tokio::test]
async fn nothing_stays_reserved_when_a_circuit_is_open() {
    let provider = ScriptedProvider::start(|_| Script::json(500, "{}")).await;
    let gateway = start(&provider, "", "circuit_breaker = { failure_threshold = 1 }\n").await;
    call(&gateway, BODY).await;
    for _ in 0..3 {
        let refused = call(&gateway, BODY).await;
        assert_eq!(refused.header("x-aibridge-error"), Some("service_unavailable"));
        assert_released(&gateway, "an open circuit").await;
    }
}

#[tokio::test]
async fn nothing_stays_reserved_when_the_store_refuses() {
    let provider = ScriptedProvider::start(|_| Script::json(200, super::completion(1))).await;
    let gateway = start(&provider, "[store]\ndurability = \"database\"\n", "").await;
    assert_eq!(call(&gateway, BODY).await.status(), 200);
    let write_lock = lock(&gateway.store);
    assert_eq!(call(&gateway, BODY).await.header("x-aibridge-error"), Some("recorder_unavailable"));
    drop(write_lock);
    assert_released(&gateway, "a store that refuses").await;
}

/// Twenty agents that wait for their provider hold their reservations, and none keeps another from working.
#[tokio::test]
async fn idle_agents_refuse_nobody_while_nothing_is_spent() {
    let gate = Gate::new();
    let opened = gate.clone();
    let provider =
        ScriptedProvider::start(move |_| Script::json(200, super::completion(1)).wait_after(0, &opened))
            .await;
    let gateway = start(&provider, "", "").await;
    let address = gateway.address;
    // More than a dollar each by the input, and a dollar is the largest reservation.
    let body = BODY.replace("gpt-4.1", "o1-pro").replace("hi", &"x".repeat(32 << 10));
    let agents: Vec<_> = (0..20)
        .map(|_| {
            let body = body.clone();
            tokio::spawn(async move { RawClient::post(address, CHAT, &[], &body).await.status() })
        })
        .collect();
    gate.wait_reached(20).await;
    let everyone = *reserved(&gateway).await.last().unwrap();
    assert_eq!(everyone, 20_000_000_000, "a dollar each");
    gate.open();
    for agent in agents {
        assert_eq!(within(agent, "an agent").await.unwrap(), 200);
    }
    assert_released(&gateway, "all answers").await;
}

/// Sends requests that cost a dollar each until the gateway is gone, and counts the whole responses.
async fn spend(address: SocketAddr, whole: Arc<AtomicI64>) {
    let mut client = RawClient::connect(address).await;
    loop {
        client.send(&request("POST", CHAT, &[], BODY.as_bytes())).await;
        if client.try_head().await.is_none() {
            return;
        }
        let mut body = Vec::new();
        while let Ok(piece) = client.piece().await {
            body.extend(piece);
            if body == super::completion(1).as_bytes() {
                whole.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

#[tokio::test]
async fn a_kill_leaves_what_was_spent_and_no_reservation() {
    let provider = ScriptedProvider::start(|request| match request.json()["stream"] == true {
        true => Script::sse_head().chunk(FIRST_EVENT).then(Step::Stall),
        false => Script::json(200, super::completion(1)),
    })
    .await;
    let launch = reload::launch(settings(&BUDGETS.replace("25", "1000000"), &provider));
    let gateway = launch.start().await;
    let mut open = RawClient::connect(gateway.address()).await;
    open.send(&request("POST", CHAT, &[], STREAM.as_bytes())).await;
    open.head().await;
    let whole = Arc::new(AtomicI64::new(0));
    let clients: Vec<_> =
        (0..8).map(|_| tokio::spawn(spend(gateway.address(), Arc::clone(&whole)))).collect();
    wait_until(|| whole.load(Ordering::Relaxed) > 50, "some dollars to be spent").await;
    gateway.kill().await;
    for client in clients {
        within(client, "a client to notice").await.unwrap();
    }
    let gateway = launch.start().await;
    let budgets = RawClient::get(gateway.address(), "/api/v1/budgets").await.json();
    let usages = gateway.store().rows("aibridge_token_usages");
    let recorded: i64 = usages.iter().map(|row| row["cost_nano_usd"].as_i64().unwrap()).sum();
    assert!(recorded >= whole.load(Ordering::Relaxed) * 1_000_000_000, "{recorded} {whole:?}");
    for row in budgets["data"].as_array().unwrap() {
        assert_eq!(
            (row["spent_nano_usd"].as_i64(), row["reserved_nano_usd"].as_i64()),
            (Some(recorded), Some(0))
        );
    }
}
